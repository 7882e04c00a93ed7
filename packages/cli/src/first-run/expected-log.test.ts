// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { expectedLog, firstDifference, fromTime, type ExpectedRecord } from "./expected-log.ts";

const input = Array.from({ length: 30 }, (_, index) => ({
  key: Buffer.from(`key-${index}`),
  value: Buffer.from(`value-${index}`),
  timestampMs: 1000 + index * 10,
}));

describe("expectedLog()", () => {
  it("gives every line one place, offsets 0, 1, 2, … in input order within a partition", () => {
    const log = expectedLog(input, 3);
    expect(log.flat()).toHaveLength(30);
    for (const [partition, records] of log.entries()) {
      expect(records.length).toBeGreaterThan(0);
      expect(records.map((record) => record.offset)).toEqual(records.map((_, index) => index));
      expect(records.every((record) => record.partition === partition)).toBe(true);
      expect(records.map((record) => record.line)).toEqual(records.map((record) => record.line).sort((a, b) => a - b));
    }
  });
});

describe("fromTime()", () => {
  it("begins at the first record at or after the time, in offset order", () => {
    const records = expectedLog(input, 1)[0] ?? [];
    expect(fromTime(records, 1000)).toHaveLength(30);
    expect(fromTime(records, 1011)[0]?.offset).toBe(2);
    expect(fromTime(records, 5000)).toEqual([]);
  });
});

describe("firstDifference()", () => {
  const expected = expectedLog(input, 1)[0] ?? [];
  const change = (at: number, change: Partial<ExpectedRecord>): ExpectedRecord[] =>
    expected.map((record, index) => (index === at ? { ...record, ...change } : record));

  it("finds none between equal logs", () => {
    expect(firstDifference(expected, expected)).toBeUndefined();
    expect(firstDifference([], [])).toBeUndefined();
  });

  it.each([
    ["a changed byte", change(4, { value: Buffer.from("value-X") }), "other bytes"],
    ["another key", change(4, { key: Buffer.from("k") }), "key"],
    ["another time", change(4, { timestampMs: 1 }), "time"],
    ["another offset", change(4, { offset: 99 }), "offset 99"],
    ["another partition", change(4, { partition: 2 }), "partition 2"],
    ["a missing record at the end", expected.slice(0, -1), "missing"],
    ["a missing record in the middle", expected.toSpliced(4, 1), "came back as"],
    ["an extra record", [...expected, ...change(0, { offset: 30 }).slice(0, 1)], "sample does not"],
  ])("tells %s", (_name, replayed, text) => {
    expect(firstDifference(expected, replayed)).toContain(text);
  });
});
