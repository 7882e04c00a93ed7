// SPDX-License-Identifier: Apache-2.0
// The compiled proto files, as server reflection and generic clients want them.

import { descriptorSetBase64 } from "./gen/descriptor-set.ts";
import { WireReader } from "./wire/wire-reader.ts";

/** google.protobuf.FileDescriptorSet of varve.v1. */
export function descriptorSet(): Buffer {
  return Buffer.from(descriptorSetBase64, "base64");
}

/** Its files, each an encoded google.protobuf.FileDescriptorProto; files come after those that they import. */
export function fileDescriptors(): Buffer[] {
  const reader = new WireReader(descriptorSet());
  const files: Buffer[] = [];
  while (!reader.done) {
    const tag = reader.uint32();
    if (tag === 0x0a) files.push(reader.view());
    else reader.skip(tag);
  }
  return files;
}
