// SPDX-License-Identifier: Apache-2.0
// CRC-32C in plain JavaScript, eight bytes a step ("slice by 8", Kounavis and Berry 2008): table k holds the effect of a
// byte that k further bytes will follow, so eight lookups are independent of each other.

const polynomial = 0x82f63b78;
const tables = buildTables();

/** CRC-32C of `bytes[start, end)`, unsigned, continuing from `previous` (0 to begin). */
export function crc32cByTables(bytes: Uint8Array, start: number, end: number, previous = 0): number {
  const t = tables;
  let crc = ~previous;
  let at = start;
  for (const stop = end - 7; at < stop; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      t[1792 + (crc & 255)]! ^
      t[1536 + ((crc >>> 8) & 255)]! ^
      t[1280 + ((crc >>> 16) & 255)]! ^
      t[1024 + (crc >>> 24)]! ^
      t[768 + bytes[at + 4]!]! ^
      t[512 + bytes[at + 5]!]! ^
      t[256 + bytes[at + 6]!]! ^
      t[bytes[at + 7]!]!;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ t[(crc ^ bytes[at]!) & 255]!;
  return ~crc >>> 0;
}

/** Eight tables of 256 entries, one after another. */
function buildTables(): Int32Array {
  const all = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    all[byte] = crc;
  }
  for (let at = 256; at < all.length; at++) {
    const shorter = all[at - 256]!;
    all[at] = (shorter >>> 8) ^ all[shorter & 255]!;
  }
  return all;
}
