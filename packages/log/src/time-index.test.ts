import { InvariantError } from "@varve/format";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { TimeIndex } from "./time-index.ts";

/** Batches at 100, 101, …, each with an entry when its timestamp is a new largest one. */
function indexOf(timestamps: readonly number[]): TimeIndex {
  const index = new TimeIndex(100);
  for (const [number, timestampMs] of timestamps.entries()) {
    index.note(timestampMs, 100 + number);
    index.addEntry();
  }
  return index;
}

test("TimeIndex.lookup() returns where a scan has to begin", () => {
  const index = indexOf([1000, 2000, 3000]);
  expect(index.lookup(500)).toBe(100);
  expect(index.lookup(1000)).toBe(100);
  expect(index.lookup(1001)).toBe(100);
  expect(index.lookup(2001)).toBe(101);
  expect(index.lookup(3000)).toBe(101);
  expect(index.lookup(3001)).toBeUndefined();
  expect(new TimeIndex(100).lookup(0)).toBeUndefined();
});

test("TimeIndex.lookup() never passes the first batch with a record at or after the time, whatever the order", () => {
  const batches = fc.array(fc.record({ timestampMs: fc.integer({ min: -1, max: 50 }), entry: fc.boolean() }), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(batches, fc.integer({ min: 0, max: 55 }), fc.boolean(), (batches, timeMs, save) => {
      let index = new TimeIndex(100);
      for (const [number, batch] of batches.entries()) {
        index.note(batch.timestampMs, 100 + number);
        if (batch.entry) index.addEntry();
      }
      if (save) {
        const read = TimeIndex.decode(100, index.takePending({ complete: true })!.bytes);
        expect(read).toMatchObject({ fault: undefined, complete: true });
        index = read.index;
      }
      const times = batches.map((batch) => batch.timestampMs);
      const largest = Math.max(-1, ...times);
      expect(index.largest).toEqual(
        largest < 0 ? undefined : { timestampMs: largest, offset: 100 + times.indexOf(largest) },
      );
      const first = times.findIndex((timestampMs) => timestampMs >= timeMs);
      const from = index.lookup(timeMs);
      if (first === -1) expect(from).toBeUndefined();
      else expect(from).toBeLessThanOrEqual(100 + first);
    }),
  );
});

test("TimeIndex.note() ignores what is not larger, and batches without a timestamp", () => {
  const index = indexOf([5000, 4000, -1, 5000, 6000]);
  expect(index.count).toBe(2);
  expect(index.entry(1)).toEqual({ timestampMs: 6000, offset: 104 });
  expect(index.largest).toEqual({ timestampMs: 6000, offset: 104 });
});

test("TimeIndex.note() refuses a batch that comes too late or lies before the segment", () => {
  const index = indexOf([1000, 2000]);
  expect(() => index.note(3000, 101)).toThrow(InvariantError);
  expect(() => new TimeIndex(100).note(1, 99)).toThrow(InvariantError);
});

test("TimeIndex.takePending() of a complete index ends with the segment's largest timestamp", () => {
  const index = new TimeIndex(100);
  index.note(1000, 100);
  index.note(9000, 107);
  const { index: read } = TimeIndex.decode(100, index.takePending({ complete: true })!.bytes);
  expect(read.largest).toEqual({ timestampMs: 9000, offset: 107 });
  expect(index.takePending({ complete: true })).toBeUndefined();
});

test("TimeIndex.decode() finds every flipped bit and every cut", () => {
  const index = indexOf([1000, 2000]);
  const first = index.takePending()!.bytes;
  index.note(7000, 200);
  const file = Buffer.concat([first, index.takePending({ complete: true })!.bytes]);
  for (let bit = 0; bit < file.length * 8; bit++) {
    const flipped = Uint8Array.from(file);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    expect(TimeIndex.decode(100, flipped).fault, `bit ${bit}`).toBeDefined();
  }
  for (let length = 0; length < file.length; length++) {
    expect(TimeIndex.decode(100, file.subarray(0, length)).complete, `length ${length}`).toBe(false);
  }
});

test("TimeIndex.truncateTo() says from where batches have to be noted again", () => {
  const index = new TimeIndex(100);
  index.note(1000, 100);
  index.addEntry();
  index.note(1500, 103);
  index.note(2000, 110);
  index.addEntry();
  expect(index.truncateTo(110)).toBe(100);
  expect(index.largest).toEqual({ timestampMs: 1000, offset: 100 });
  index.note(1500, 103);
  const read = TimeIndex.decode(100, index.takePending({ complete: true })!.bytes);
  expect(read).toMatchObject({ fault: undefined });
  expect(read.index.largest).toEqual({ timestampMs: 1500, offset: 103 });
  expect(index.truncateTo(100)).toBe(100);
  expect(index.largest).toBeUndefined();
});
