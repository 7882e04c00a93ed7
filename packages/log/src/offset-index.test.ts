import { InvariantError } from "@varve/format";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { blockEntriesMax, blockHeaderBytes } from "./index-blocks.ts";
import { OffsetIndex, offsetDeltaMax } from "./offset-index.ts";

/** Base 1000; entries at 1010 → 100, 1020 → 200, … */
function indexOf(count: number): OffsetIndex {
  const index = new OffsetIndex(1000);
  for (let number = 1; number <= count; number++) index.append(1000 + number * 10, number * 100);
  return index;
}

function fileOf(index: OffsetIndex): Uint8Array {
  const pending = index.takePending({ complete: true });
  if (pending?.at !== 0) throw new Error("the file begins elsewhere");
  return pending.bytes;
}

test("OffsetIndex.lookup() returns the floor entry, and the start of the segment below the first", () => {
  const index = indexOf(3);
  expect(index.lookup(1000)).toEqual({ offset: 1000, position: 0 });
  expect(index.lookup(1009)).toEqual({ offset: 1000, position: 0 });
  expect(index.lookup(1010)).toEqual({ offset: 1010, position: 100 });
  expect(index.lookup(1029)).toEqual({ offset: 1020, position: 200 });
  expect(index.lookup(5000)).toEqual({ offset: 1030, position: 300 });
  expect(index.lookup(3)).toEqual({ offset: 1000, position: 0 });
});

test("OffsetIndex.lookup() agrees with a search through all entries", () => {
  const gaps = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 99 })), { maxLength: 60 });
  fc.assert(
    fc.property(gaps, fc.nat(700), (gaps, probe) => {
      const index = new OffsetIndex(50);
      let [offset, position] = [50, 0];
      let floor = { offset, position };
      for (const [records, bytes] of gaps) {
        offset += records;
        position += bytes;
        index.append(offset, position);
        if (offset <= probe) floor = { offset, position };
      }
      expect(index.lookup(probe)).toEqual(floor);
    }),
  );
});

test("OffsetIndex.append() takes rising offsets and positions only, within 31 bits of the base", () => {
  const index = indexOf(2);
  expect(() => index.append(1020, 300)).toThrow(InvariantError);
  expect(() => index.append(1021, 200)).toThrow(InvariantError);
  expect(() => index.append(1001 + offsetDeltaMax, 300)).toThrow(InvariantError);
  index.append(1000 + offsetDeltaMax, 0xffff_ffff);
  expect(index.last).toEqual({ offset: 1000 + offsetDeltaMax, position: 0xffff_ffff });
});

test("OffsetIndex.takePending() gives each entry once, in blocks that follow one another in the file", () => {
  const index = indexOf(2);
  expect(index.pendingBytes).toBe(blockHeaderBytes + 2 * 8);
  const first = index.takePending();
  expect(first?.at).toBe(0);
  expect(index.takePending()).toBeUndefined();
  index.append(1100, 5000);
  const second = index.takePending();
  expect(second?.at).toBe(first?.bytes.length);
  const file = Buffer.concat([first!.bytes, second!.bytes]);
  const read = OffsetIndex.decode(1000, file);
  expect(read).toMatchObject({ fault: undefined, complete: false });
  expect(read.index.count).toBe(3);
  expect(read.index.last).toEqual({ offset: 1100, position: 5000 });
  read.index.append(1200, 6000);
  expect(read.index.takePending()?.at).toBe(file.length);
});

test("OffsetIndex.takePending() of a complete index says so, also without entries", () => {
  for (const index of [indexOf(0), indexOf(4)]) {
    const count = index.count;
    const file = fileOf(index);
    expect(index.takePending({ complete: true })).toBeUndefined();
    expect(OffsetIndex.decode(1000, file)).toMatchObject({ fault: undefined, complete: true });
    expect(OffsetIndex.decode(1000, file).index.count).toBe(count);
    expect(() => index.append(9000, 90_000)).toThrow(InvariantError);
  }
});

test("OffsetIndex.decode() reads more entries than one block takes", () => {
  const index = indexOf(blockEntriesMax + 5);
  const file = fileOf(index);
  const read = OffsetIndex.decode(1000, file);
  expect(read).toMatchObject({ fault: undefined, complete: true });
  expect(read.index.last).toEqual(index.last);
});

test("OffsetIndex.decode() finds every flipped bit, and keeps what comes before it", () => {
  const index = indexOf(3);
  const first = index.takePending()!.bytes;
  index.append(2000, 9000);
  const file = Buffer.concat([first, index.takePending({ complete: true })!.bytes]);
  for (let bit = 0; bit < file.length * 8; bit++) {
    const flipped = Uint8Array.from(file);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    const read = OffsetIndex.decode(1000, flipped);
    expect(read.fault, `bit ${bit}`).toBeDefined();
    expect(read.index.count).toBe(bit >> 3 < first.length ? 0 : 3);
  }
});

test("OffsetIndex.decode() never takes a file that was cut for a complete one", () => {
  const index = indexOf(3);
  const first = index.takePending()!.bytes;
  index.append(2000, 9000);
  const file = Buffer.concat([first, index.takePending({ complete: true })!.bytes]);
  for (let length = 0; length < file.length; length++) {
    const read = OffsetIndex.decode(1000, file.subarray(0, length));
    expect(read.complete, `length ${length}`).toBe(false);
    expect(read.fault === undefined).toBe(length === 0 || length === first.length);
  }
});

test("OffsetIndex.decode() refuses a block that is missing, there twice, or of another segment", () => {
  const index = indexOf(1);
  const one = index.takePending()!.bytes;
  index.append(2000, 9000);
  const two = index.takePending()!.bytes;
  expect(OffsetIndex.decode(1000, two).fault?.why).toMatch("entry 1 where entry 0 belongs");
  expect(OffsetIndex.decode(1000, Buffer.concat([one, one])).fault?.at).toBe(one.length);
  expect(OffsetIndex.decode(1001, one).fault?.why).toMatch("the segment that starts at 1000");
  const complete = indexOf(1).takePending({ complete: true })!.bytes;
  expect(OffsetIndex.decode(1000, Buffer.concat([complete, two])).fault?.why).toMatch("after the last block");
});

test("OffsetIndex.decode() survives any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(OffsetIndex.decode(0, bytes).fault === undefined).toBe(bytes.length === 0);
    }),
  );
});

test("OffsetIndex.truncateTo() forgets batches at or above, and begins a new file", () => {
  const index = indexOf(5);
  fileOf(index);
  index.truncateTo(1040);
  expect(index.last).toEqual({ offset: 1030, position: 300 });
  index.append(1035, 350);
  const read = OffsetIndex.decode(1000, fileOf(index));
  expect(read.fault).toBeUndefined();
  expect(read.index.last).toEqual({ offset: 1035, position: 350 });
  index.truncateTo(0);
  expect(index.last).toEqual({ offset: 1000, position: 0 });
  index.append(1001, 61);
  expect(index.lookup(1001)).toEqual({ offset: 1001, position: 61 });
});
