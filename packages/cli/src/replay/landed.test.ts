// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Landed } from "./landed.ts";

const record = (value: string, partition = 0): Parameters<Landed["want"]>[0] => ({
  partition,
  key: null,
  value: Buffer.from(value),
  headers: [],
  timestampMs: 7,
});

describe("Landed", () => {
  it("knows what has landed, and only that, whatever others wrote in between and however often records repeat", () => {
    const values = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 20 });
    fc.assert(
      fc.property(values, fc.nat(20), fc.array(fc.constantFrom("x", "y")), (source, upTo, others) => {
        const landed = new Landed({ isSamePartition: true });
        for (const value of source) landed.want(record(value));
        const written = source.slice(0, upTo);
        for (const value of [...others, ...written, ...others]) landed.found(record(value));
        expect(landed.size).toBe(written.length);
        const again = source.filter((value) => !landed.take(record(value)));
        expect(again).toEqual(source.slice(upTo));
        expect(landed.size).toBe(0);
      }),
    );
  });

  it("tells partitions apart where they are kept, and not where keys decide", () => {
    const counts = [true, false].map((isSamePartition) => {
      const landed = new Landed({ isSamePartition });
      landed.want(record("a", 0));
      landed.found(record("a", 1));
      return landed.size;
    });
    expect(counts).toEqual([0, 1]);
  });

  it("compares all that a record is: null differs from empty, headers count", () => {
    const landed = new Landed({ isSamePartition: true });
    landed.want({ ...record(""), value: null });
    landed.want({ ...record("v"), headers: [{ key: "ab", value: Buffer.from("c") }] });
    landed.found(record(""));
    landed.found({ ...record("v"), headers: [{ key: "a", value: Buffer.from("bc") }] });
    landed.found({ ...record("v"), timestampMs: 8 });
    expect(landed.size).toBe(0);
  });
});
