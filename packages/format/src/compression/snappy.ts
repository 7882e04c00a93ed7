// SPDX-License-Identifier: Apache-2.0
// Snappy as Kafka clients write it, in two forms that readers must tell apart by their first bytes:
//
//   raw     one snappy block: uvarint plain length, then elements        librdkafka, franz-go, sarama
//   xerial  82 "SNAPPY" 00 | int32 version | int32 compatible with       Java, kafkajs; what we write
//           then per block: int32 length, raw snappy block

import * as snappy from "snappy";

import { ByteReader } from "../reader.ts";
import { readInt32, writeInt32 } from "../record-batch/layout.ts";
import { malformed, tooLarge } from "./compression-error.ts";

const xerialMagic = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00] as const;
const xerialHeaderBytes = 16;

/** Plain bytes in a block that we write. Snappy itself looks back no further than 64 KiB, so larger ones gain nothing. */
const blockBytes = 64 * 1024;

/** No snappy block expands more: its densest element is a copy of 64 bytes in 3. A higher claim is refused unallocated. */
const expansionMax = 22;

/** Owned plain bytes of either form, at most `maxBytes`. */
export async function unsnappy(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  return isXerial(bytes) ? unsnappyXerial(bytes, maxBytes) : unsnappyBlock(bytes, maxBytes, maxBytes);
}

/** xerial form, owned. */
export async function snappyXerial(plain: Uint8Array): Promise<Uint8Array> {
  const header = new Uint8Array(xerialHeaderBytes);
  header.set(xerialMagic);
  writeInt32(header, 8, 1);
  writeInt32(header, 12, 1);
  const parts: Uint8Array[] = [header];
  for (let at = 0; at < plain.length; at += blockBytes) {
    const block = await snappy.compress(plain.subarray(at, at + blockBytes));
    const length = new Uint8Array(4);
    writeInt32(length, 0, block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}

/** Raw form, owned. */
export async function snappyRaw(plain: Uint8Array): Promise<Uint8Array> {
  return snappy.compress(plain);
}

async function unsnappyXerial(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let plainBytes = 0;
  for (let at = xerialHeaderBytes; at < bytes.length;) {
    if (bytes.length - at < 4) throw malformed("snappy", "a block length is cut off");
    const length = readInt32(bytes, at);
    at += 4;
    if (length <= 0 || length > bytes.length - at) throw malformed("snappy", `a block claims ${length} bytes`);
    const part = await unsnappyBlock(bytes.subarray(at, at + length), maxBytes - plainBytes, maxBytes);
    plainBytes += part.length;
    parts.push(part);
    at += length;
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, plainBytes);
}

/** `room` is what may still be allocated, of `maxBytes` in all. */
async function unsnappyBlock(block: Uint8Array, room: number, maxBytes: number): Promise<Uint8Array> {
  const claimed = claimedBytes(block);
  if (claimed > room) throw tooLarge("snappy", maxBytes);
  if (claimed > block.length * expansionMax)
    throw malformed("snappy", `a block of ${block.length} bytes claims ${claimed}`);
  try {
    return (await snappy.uncompress(block, { asBuffer: true })) as Buffer;
  } catch (error) {
    throw malformed("snappy", (error as Error).message, error);
  }
}

function claimedBytes(block: Uint8Array): number {
  try {
    return new ByteReader(block).uvarint();
  } catch (error) {
    throw malformed("snappy", "a block has no valid length", error);
  }
}

function isXerial(bytes: Uint8Array): boolean {
  return bytes.length >= xerialHeaderBytes && xerialMagic.every((byte, index) => bytes[index] === byte);
}
