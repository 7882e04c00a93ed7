// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Landed } from "./landed.ts";

type Comparable = Parameters<Landed["want"]>[0];

const record = (value: string, partition = 0, key: string | null = null): Comparable => ({
  partition,
  key: key === null ? null : Buffer.from(key),
  value: Buffer.from(value),
  headers: [],
  timestampMs: 7,
});

/** What a topic holds from offset 40 of its partition on; undefined: nothing any more. */
function find(landed: Landed, partition: number, held: readonly (Comparable | undefined)[]): void {
  landed.begin(partition, 40);
  for (const [index, one] of held.entries()) {
    if (one !== undefined) landed.found({ ...one, partition, offset: 40 + index });
  }
}

/** What is sent again of a source, after a topic was found to hold this. */
function sentAgain(source: readonly Comparable[], held: readonly (Comparable | undefined)[]): Comparable[] {
  const landed = new Landed({ isSamePartition: true });
  for (const one of source) landed.want(one);
  find(landed, 0, held);
  const again = source.filter((one) => !landed.take(one));
  expect(landed.size).toBe(0);
  return again;
}

const textOf = ({ key, value }: Comparable): string =>
  `${key === null ? "" : Buffer.from(key).toString()}=${Buffer.from(value!).toString()}`;

describe("Landed", () => {
  it("knows what has landed, and only that, whatever others wrote in between and however often records repeat", () => {
    const values = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 20 });
    const others = fc.array(fc.constantFrom("x", "y"), { maxLength: 3 });
    fc.assert(
      fc.property(values, fc.nat(20), fc.array(others, { minLength: 21, maxLength: 21 }), (values, upTo, others) => {
        const source = values.map((value) => record(value));
        const written = source.slice(0, upTo);
        const between = others.map((some) => some.map((value) => record(value)));
        const held = [...written.flatMap((one, index) => [...between[index]!, one]), ...between[20]!];
        expect(sentAgain(source, held)).toEqual(source.slice(upTo));
      }),
    );
  });

  it("loses none for a record that another writer made alike: what is there and what is sent again has the source in order", () => {
    const values = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 12 });
    fc.assert(
      fc.property(values, fc.nat(12), fc.array(fc.tuple(fc.nat(12), fc.constantFrom("a", "b", "c"))), (...cases) => {
        const [values, upTo, others] = cases;
        const source = values.map((value) => record(value));
        const held = source.slice(0, upTo);
        for (const [place, value] of others) held.splice(Math.min(place, held.length), 0, record(value));
        const after = [...held, ...sentAgain(source, held)].map(textOf);
        let at = 0;
        for (const text of after) if (at < source.length && text === textOf(source[at]!)) at += 1;
        expect(at).toBe(source.length);
      }),
    );
    const [a, b, c] = ["a", "b", "c"].map((value) => record(value)) as [Comparable, Comparable, Comparable];
    // Counted, the other one's c would stand for ours.
    expect(sentAgain([a, b, c], [a, c])).toEqual([b, c]);
  });

  it("does not bring back what a compacted topic has overwritten: what is missing before a match has landed", () => {
    const pair = fc.tuple(fc.constantFrom("k", "l", "m"), fc.nat(1000));
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 20 }), fc.nat(20), fc.array(fc.boolean()), (pairs, upTo, isKept) => {
        const source = pairs.map(([key, value], index) => record(`${value} ${index}`, 0, key));
        const written = source.slice(0, upTo);
        const held = written.map((one, index) => {
          const isOverwritten = written.slice(index + 1).some((later) => String(later.key) === String(one.key));
          return isOverwritten && isKept[index] !== true ? undefined : one;
        });
        expect(sentAgain(source, held)).toEqual(source.slice(upTo));
      }),
    );
  });

  it("keeps the order of each key where keys decide about partitions", () => {
    const landed = new Landed({ isSamePartition: false });
    const source = [record("1", 0, "k"), record("2", 0, "k"), record("1", 1, "l"), record("3", 0, "k"), record("n", 0)];
    for (const one of source) landed.want(one);
    // Another writer's k=3 stands where ours would not, and k=1 is overwritten.
    find(landed, 3, [undefined, record("2", 0, "k"), record("n"), record("n")]);
    find(landed, 4, [record("4", 0, "l")]);
    expect(landed.size).toBe(3);
    expect([...landed.endsMet]).toEqual([]);
    expect(source.filter((one) => !landed.take(one)).map(textOf)).toEqual(["l=1", "k=3"]);
    expect([...landed.endsMet]).toEqual([[3, 43]]);
  });

  it("tells partitions apart where they are kept, and not where keys decide", () => {
    const counts = [true, false].map((isSamePartition) => {
      const landed = new Landed({ isSamePartition });
      landed.want(record("a", 0));
      find(landed, 1, [record("a", 1)]);
      return landed.size;
    });
    expect(counts).toEqual([0, 1]);
  });

  it("passes over what the source has lost since it was looked at", () => {
    const landed = new Landed({ isSamePartition: true });
    const source = ["a", "b", "c", "d"].map((value) => record(value));
    for (const one of source) landed.want(one);
    find(landed, 0, source.slice(0, 3));
    expect([source[0]!, source[2]!, source[3]!].filter((one) => !landed.take(one))).toEqual([source[3]]);
    expect(landed.size).toBe(0);
  });

  it("compares all that a record is: null differs from empty, headers count", () => {
    const landed = new Landed({ isSamePartition: true });
    landed.want({ ...record(""), value: null });
    landed.want({ ...record("v"), headers: [{ key: "ab", value: Buffer.from("c") }] });
    find(landed, 0, [
      record(""),
      { ...record("v"), headers: [{ key: "a", value: Buffer.from("bc") }] },
      { ...record("v"), timestampMs: 8 },
    ]);
    expect(landed.size).toBe(0);
  });
});
