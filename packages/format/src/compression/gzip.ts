// SPDX-License-Identifier: Apache-2.0
// gzip (RFC 1952) by Node's zlib on its thread pool. Several members in a row count as one stream.

import * as zlib from "node:zlib";

import { malformed, tooLarge } from "./compression-error.ts";

/** Owned plain bytes, at most `maxBytes`: zlib hands its output out in chunks and stops at the limit. */
export async function gunzip(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const chunkSize = Math.min(Math.max(bytes.length * 4, 16 * 1024), 1024 * 1024);
  return new Promise((resolve, reject) => {
    // maxOutputLength must be positive; a limit of 0 is checked on the result.
    zlib.gunzip(bytes, { maxOutputLength: Math.max(maxBytes, 1), chunkSize }, (error, plain) => {
      if (error === null) {
        if (plain.length > maxBytes) reject(tooLarge("gzip", maxBytes));
        else resolve(plain);
      } else if ("code" in error && error.code === "ERR_BUFFER_TOO_LARGE") reject(tooLarge("gzip", maxBytes));
      else reject(malformed("gzip", error.message, error));
    });
  });
}

/** One gzip member, owned. Levels 1 to 9; zlib's default is 6. */
export async function gzip(plain: Uint8Array, level?: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    zlib.gzip(plain, level === undefined ? {} : { level }, (error, bytes) => {
      if (error === null) resolve(bytes);
      else reject(error);
    });
  });
}
