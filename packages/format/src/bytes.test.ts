// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { FormatError } from "./format-error.ts";
import { InvariantError } from "./invariant.ts";
import { ByteReader } from "./reader.ts";
import { uvarintBytes, varintBytes, varlongBytes } from "./varint.ts";
import { ByteWriter } from "./writer.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(1);
  write(writer);
  return writer.finish();
}

describe("ByteWriter and ByteReader", () => {
  it.each([
    [0, "00"],
    [-1, "01"],
    [1, "02"],
    [-2, "03"],
    [63, "7e"],
    [-64, "7f"],
    [64, "8001"],
    [300, "d804"],
    [2147483647, "feffffff0f"],
    [-2147483648, "ffffffff0f"],
  ])("varint %d is %s", (value, encoded) => {
    expect(hex(written((w) => w.varint(value)))).toBe(encoded);
    expect(hex(written((w) => w.varlong(value)))).toBe(encoded);
    expect(new ByteReader(bytesOf(encoded)).varint()).toBe(value);
    expect(new ByteReader(bytesOf(encoded)).varlong()).toBe(value);
    expect(varintBytes(value)).toBe(encoded.length / 2);
    expect(varlongBytes(value)).toBe(encoded.length / 2);
  });

  it.each([
    [127, "7f"],
    [128, "8001"],
    [300, "ac02"],
    [16384, "808001"],
    [0xffff_ffff, "ffffffff0f"],
  ])("uvarint %d is %s", (value, encoded) => {
    expect(hex(written((w) => w.uvarint(value)))).toBe(encoded);
    expect(new ByteReader(bytesOf(encoded)).uvarint()).toBe(value);
    expect(uvarintBytes(value)).toBe(encoded.length / 2);
  });

  it("give back every safe integer as varlong and int64, in the size foretold", () => {
    const edges = [0, 31, 32, 62, 63, 64].flatMap((n) => [2 ** Math.min(n, 53) - 1, -(2 ** Math.min(n, 53)) + 1]);
    fc.assert(
      fc.property(fc.oneof(fc.maxSafeInteger(), fc.constantFrom(...edges)), (value) => {
        const bytes = written((w) => {
          w.varlong(value);
          w.int64(value);
        });
        const reader = new ByteReader(bytes);
        expect(reader.varlong()).toBe(value);
        expect(reader.position).toBe(varlongBytes(value));
        expect(reader.int64()).toBe(value);
        expect(reader.remaining).toBe(0);
        expect(Buffer.from(bytes).readBigInt64BE(bytes.length - 8)).toBe(BigInt(value));
      }),
    );
  });

  it("give back all fixed widths, text and ids", () => {
    const id = "000102030405060708090a0b0c0d0e0f";
    const bytes = written((w) => {
      w.int8(-128);
      w.boolean(true);
      w.int16(-32768);
      w.uint16(65535);
      w.int32(-2147483648);
      w.uint32(4294967295);
      w.float64(-0.5);
      w.uuid(id);
      expect(w.utf8("é€")).toBe(5);
      const at = w.reserve(8);
      w.patchInt32(at, -7);
      w.patchUint32(at + 4, 0xdeadbeef);
    });
    const r = new ByteReader(bytes);
    expect([r.int8(), r.boolean(), r.int16(), r.uint16(), r.int32(), r.uint32(), r.float64()]).toEqual([
      -128,
      true,
      -32768,
      65535,
      -2147483648,
      4294967295,
      -0.5,
    ]);
    expect(r.uuid()).toBe(id);
    expect(r.utf8(5)).toBe("é€");
    expect([r.int32(), r.uint32(), r.remaining]).toEqual([-7, 0xdeadbeef, 0]);
  });

  it("refuse what does not fit, by code", () => {
    const code = (read: () => unknown): string => {
      try {
        read();
      } catch (error) {
        if (error instanceof FormatError) return error.code;
        throw error;
      }
      return "none";
    };
    expect(code(() => new ByteReader(new Uint8Array(3)).int32())).toBe("TRUNCATED");
    expect(code(() => new ByteReader(new Uint8Array(3)).raw(-1))).toBe("TRUNCATED");
    expect(code(() => new ByteReader(new Uint8Array(3), 2, 5))).toBe("TRUNCATED");
    expect(code(() => new ByteReader(bytesOf("ffffffff1f")).uvarint())).toBe("MALFORMED");
    expect(code(() => new ByteReader(bytesOf("ffffffffffffffffffff01")).varlong())).toBe("MALFORMED");
    expect(code(() => new ByteReader(bytesOf("ffffffffffffffffff01")).varlong())).toBe("UNSAFE_INTEGER");
    expect(code(() => new ByteReader(bytesOf("7fffffffffffffff")).int64())).toBe("UNSAFE_INTEGER");
    expect(code(() => new ByteReader(bytesOf("0020000000000000")).int64())).toBe("UNSAFE_INTEGER");
    expect(() => new ByteWriter().uvarint(-1)).toThrow(InvariantError);
    expect(() => new ByteWriter().int64(2 ** 53)).toThrow(InvariantError);
    expect(() => new ByteWriter().patchInt32(0, 1)).toThrow(InvariantError);
  });

  it("a reader stays inside the part it was given, in a larger buffer", () => {
    const reader = new ByteReader(bytesOf("aabbccdd").subarray(1), 1, 2);
    expect(reader.int8()).toBe(0xcc - 256);
    expect(() => reader.int8()).toThrow(FormatError);
  });
});
