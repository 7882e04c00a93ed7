// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { crc32cByTables } from "./crc32c-tables.ts";
import { crc32c, crc32cAppend, crc32cImplementation } from "./crc32c.ts";

const check = new TextEncoder().encode("123456789");

describe("crc32c()", () => {
  it("gives the check value of CRC-32C", () => {
    expect(crc32c(check)).toBe(0xe3069283);
    expect(crc32cByTables(check, 0, 9)).toBe(0xe3069283);
  });

  it("gives the values of RFC 3720, B.4", () => {
    const ascending = Uint8Array.from({ length: 32 }, (_, index) => index);
    for (const [bytes, crc] of [
      [new Uint8Array(32), 0x8a9136aa],
      [new Uint8Array(32).fill(0xff), 0x62a8ab43],
      [ascending, 0x46dd794e],
      [ascending.slice().reverse(), 0x113fdb5c],
    ] as const) {
      expect(crc32c(bytes)).toBe(crc);
      expect(crc32cByTables(bytes, 0, 32)).toBe(crc);
    }
  });

  it("uses the addon where its binary is installed, as on the platforms of CI", () => {
    if (process.platform === "linux" && process.arch === "x64") expect(crc32cImplementation).toBe("native");
  });

  it("is the same by addon and by tables, for every part of any bytes, whole or continued", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 200, maxLength: 700, size: "max" }),
        fc.nat(),
        fc.nat(),
        (bytes, one, two) => {
          const [start, end] = [one % (bytes.length + 1), two % (bytes.length + 1)].sort((a, b) => a - b) as [
            number,
            number,
          ];
          const expected = crc32cByTables(bytes, start, end);
          expect(crc32c(bytes, start, end)).toBe(expected);
          expect(crc32cAppend(crc32c(bytes, 0, start), bytes, start, end)).toBe(crc32cByTables(bytes, 0, end));
          expect(crc32cAppend(0, bytes, start, end)).toBe(expected);
        },
      ),
      { numRuns: 200 },
    );
  });
});
