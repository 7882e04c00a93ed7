// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { FormatError } from "./format-error.ts";
import { isUuid, parseUuid, printUuid, printUuidAsBase64, zeroUuid } from "./uuid.ts";

const id = "000102030405060708090a0b0c0d0e0f";

describe("parseUuid()", () => {
  it("reads hexadecimal, dashed and Kafka's base64 form", () => {
    const bytes = Uint8Array.from({ length: 16 }, (_, index) => index);
    expect(parseUuid(id)).toEqual(bytes);
    expect(parseUuid("00010203-0405-0607-0809-0A0B0C0D0E0F")).toEqual(bytes);
    expect(parseUuid("AAECAwQFBgcICQoLDA0ODw")).toEqual(bytes);
    expect(printUuidAsBase64(id)).toBe("AAECAwQFBgcICQoLDA0ODw");
    expect(printUuid(bytes)).toBe(id);
    expect(printUuid(new Uint8Array(16))).toBe(zeroUuid);
  });

  it("refuses everything else", () => {
    for (const text of ["", "xyz", id.slice(1), `${id}0`, "AAECAwQFBgcICQoLDA0ODx", "g".repeat(32)]) {
      expect(() => parseUuid(text)).toThrow(FormatError);
      expect(isUuid(text)).toBe(false);
    }
    expect(isUuid(id)).toBe(true);
    expect(() => printUuid(new Uint8Array(15))).toThrow(FormatError);
  });
});
