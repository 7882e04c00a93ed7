// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MalformedMessageError, WireReader } from "./wire-reader.ts";
import { sizeOfInt64, sizeOfUint32, WireWriter } from "./wire-writer.ts";

const edges = [0, 1, 127, 128, 2 ** 28 - 1, 2 ** 28, 2 ** 31, 2 ** 32, 2 ** 35, 2 ** 42, 2 ** 49, 2 ** 53 - 1];

describe("WireWriter and WireReader", () => {
  it("agree on integers, and on their sizes", () => {
    const integer = fc.oneof(fc.maxSafeInteger(), fc.constantFrom(...edges, ...edges.map((edge) => -edge - 1 + 1)));
    fc.assert(
      fc.property(integer, (value) => {
        const writer = new WireWriter(1);
        writer.intField(0x08, value);
        const reader = new WireReader(writer.finish());
        expect(reader.uint32()).toBe(0x08);
        expect(reader.int64()).toBe(value === 0 ? 0 : value);
        expect(writer.at - 1).toBe(sizeOfInt64(value));
        if (value >= 0 && value < 2 ** 32) expect(sizeOfUint32(value)).toBe(sizeOfInt64(value));
      }),
      { numRuns: 2000 },
    );
  });

  it("close nested messages of any size", () => {
    fc.assert(
      fc.property(fc.nat(40_000), fc.nat(300), (outer, inner) => {
        const writer = new WireWriter(1);
        const start = writer.begin(0x0a);
        const innerStart = writer.begin(0x12);
        writer.bytesField(0x1a, new Uint8Array(inner).fill(7));
        writer.end(innerStart);
        writer.bytesField(0x22, new Uint8Array(outer).fill(9));
        writer.end(start);
        const reader = new WireReader(writer.finish());
        reader.uint32();
        const nested = reader.nested();
        expect(reader.done).toBe(true);
        nested.uint32();
        const deepest = nested.nested();
        deepest.uint32();
        expect(deepest.view()).toHaveLength(inner);
        nested.uint32();
        expect(nested.view()).toHaveLength(outer);
        expect(nested.done).toBe(true);
      }),
    );
  });

  it("never read a varint of more than ten bytes, nor past the end", () => {
    expect(() => new WireReader(new Uint8Array(11).fill(0x80)).int64()).toThrow(MalformedMessageError);
    expect(() => new WireReader(new Uint8Array([0x80])).uint32()).toThrow(MalformedMessageError);
    expect(() => new WireReader(new Uint8Array([0xff, 0xff, 0xff, 0xff, 0x0f])).length()).toThrow(
      MalformedMessageError,
    );
  });

  it("skip every wire type there is, and no other", () => {
    const reader = new WireReader(new Uint8Array([1, 1, 2, 3, 4, 5, 6, 7, 8, 2, 9, 9, 1, 2, 3, 4]));
    for (const tag of [0x08, 0x09, 0x0a, 0x0d]) reader.skip(tag);
    expect(reader.done).toBe(true);
    for (const tag of [0x0b, 0x0c, 0x0e, 0x0f]) expect(() => reader.skip(tag)).toThrow(MalformedMessageError);
  });
});
