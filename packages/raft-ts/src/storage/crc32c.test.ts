// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { crc32c } from "./crc32c.ts";

const ascending = Uint8Array.from({ length: 32 }, (_, at) => at);

// RFC 3720, appendix B.4, and the check value of the CRC catalogue.
test.each([
  ["nothing", new Uint8Array(0), 0],
  ["123456789", new TextEncoder().encode("123456789"), 0xe3069283],
  ["32 zeros", new Uint8Array(32), 0x8a9136aa],
  ["32 bytes of ff", new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ["0 to 31", ascending, 0x46dd794e],
  ["31 to 0", ascending.toReversed(), 0x113fdb5c],
])("crc32c() of %s is the published one", (_, bytes, expected) => {
  expect(crc32c(bytes)).toBe(expected);
});

test("crc32c() is the bit-by-bit definition, from any place, in any pieces", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), fc.nat(200), (bytes, a, b) => {
      const from = Math.min(a, b, bytes.length);
      const cut = Math.min(Math.max(a, b), bytes.length);
      expect(crc32c(bytes, from)).toBe(bitByBit(bytes.subarray(from)));
      expect(crc32c(bytes, cut, bytes.length, crc32c(bytes, from, cut))).toBe(crc32c(bytes, from));
    }),
  );
});

function bitByBit(bytes: Uint8Array): number {
  let rest = 0xffffffff;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit += 1) {
      const odd = ((rest ^ (byte >>> bit)) & 1) === 1;
      rest = odd ? (rest >>> 1) ^ 0x82f63b78 : rest >>> 1;
    }
  }
  return ~rest >>> 0;
}
