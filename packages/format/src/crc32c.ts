// SPDX-License-Identifier: Apache-2.0
// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), the checksum of record batches and of our own files. The SIMD
// addon where its prebuilt binary loads, tables otherwise; both give the same values (crc32c.test.ts compares them).
// Node's `zlib.crc32` is another polynomial.

import { createRequire } from "node:module";

import { crc32cByTables } from "./crc32c-tables.ts";

type NativeCrc32c = (bytes: Uint8Array, initial?: number) => number;

/** Below this many bytes the tables are quicker than the crossing into native code. */
const nativeFromBytes = 128;

const native = loadNative();

/** Which implementation this process uses; for `varve config` and bench tables. */
export const crc32cImplementation: "native" | "javascript" = native === undefined ? "javascript" : "native";

/** CRC-32C of `bytes[start, end)` as an unsigned number. `bytes` is only borrowed. The caller keeps 0 <= start <= end <= length. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  if (native === undefined || end - start < nativeFromBytes) return crc32cByTables(bytes, start, end);
  return native(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
}

/** Continues a checksum: `crc32cAppend(crc32c(a), b)` is the checksum of a followed by b. */
export function crc32cAppend(crc: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
  if (native === undefined || end - start < nativeFromBytes) return crc32cByTables(bytes, start, end, crc);
  return native(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), crc);
}

function loadNative(): NativeCrc32c | undefined {
  try {
    const addon = createRequire(import.meta.url)("@node-rs/crc32") as { crc32c: NativeCrc32c };
    // An addon that computes something else would write logs that nobody can read.
    return addon.crc32c(new Uint8Array([0x31, 0x32, 0x33])) === 0x107b2fb2 ? addon.crc32c : undefined;
  } catch {
    // No binary for this platform, or native addons are switched off: the tables are complete, only slower.
    return undefined;
  }
}
