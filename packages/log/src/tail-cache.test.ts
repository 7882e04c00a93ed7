import * as fc from "fast-check";
import { expect, test } from "vitest";
import { InvariantError } from "@varve/format";
import { TailCache } from "./tail-cache.ts";
import type { CachedTail } from "./tail-cache.ts";

/** What an entry costs beyond its bytes; tests count on it only to size limits. */
const overhead = 160;

function batch(baseOffset: number, length: number): Uint8Array {
  return new Uint8Array(length).fill(baseOffset & 255);
}

/** Appends single-record batches of 100 bytes from `from` to `to`. */
function fill(tail: CachedTail, from: number, to: number, pinned: boolean): void {
  for (let offset = from; offset < to; offset++) tail.append(offset, offset + 1, batch(offset, 100), { pinned });
}

const everything = { limit: Infinity, maxBytes: Infinity, atLeastOneBatch: true };

test("CachedTail.read() returns whole batches from the one that holds the offset", () => {
  const tail = new TailCache({ limitBytes: 10_000 }).openTail();
  tail.append(0, 5, batch(1, 10), { pinned: true });
  tail.append(5, 6, batch(2, 20), { pinned: true });
  tail.append(6, 9, batch(3, 30), { pinned: true });
  const all = tail.read({ offset: 3, ...everything });
  expect(all?.nextOffset).toBe(9);
  expect([...(all?.bytes ?? [])]).toEqual([...batch(1, 10), ...batch(2, 20), ...batch(3, 30)]);
  expect(tail.read({ offset: 8, ...everything })?.bytes).toEqual(batch(3, 30));
  expect(tail.read({ offset: 9, ...everything })).toBeUndefined();
});

test("CachedTail.read() returns bytes that stay as they are when the memory is used again", () => {
  const limitBytes = 64 * 1024;
  const cache = new TailCache({ limitBytes });
  const tail = cache.openTail();
  const copies: { bytes: Uint8Array; wanted: Uint8Array }[] = [];
  for (let offset = 0; offset < 2000; offset++) {
    fill(tail, offset, offset + 1, true);
    const one = tail.read({ offset, ...everything });
    const two = offset === 0 ? one : tail.read({ offset: offset - 1, ...everything });
    copies.push({ bytes: one!.bytes, wanted: batch(offset, 100) });
    if (offset > 0) copies.push({ bytes: two!.bytes.subarray(0, 100), wanted: batch(offset - 1, 100) });
    tail.unpinBelow(offset + 1);
  }
  for (const { bytes, wanted } of copies) expect(bytes).toEqual(wanted);
  // Memory was used again, not added.
  expect(cache.slabBytes).toBeGreaterThan(0);
  expect(cache.slabBytes).toBeLessThan(2 * limitBytes);
});

test("CachedTail.read() lends what lies in one piece, which stays as it is until it is released", () => {
  const cache = new TailCache({ limitBytes: 64 * 1024 });
  const tail = cache.openTail();
  const churn = (from: number, to: number): void => {
    for (let offset = from; offset < to; offset++) {
      fill(tail, offset, offset + 1, true);
      tail.unpinBelow(offset + 1);
    }
  };
  churn(0, 10);
  const wanted = [...batch(0, 100), ...batch(1, 100)];
  const lent = tail.read({ offset: 0, limit: 2, maxBytes: Infinity, atLeastOneBatch: true, lend: true })!;
  expect(lent.bytes.buffer.byteLength).toBeGreaterThan(200);
  churn(10, 2000);
  expect([...lent.bytes]).toEqual(wanted);
  const before = cache.slabBytes;
  lent.release!();
  expect(lent.release).toThrow(InvariantError);
  churn(2000, 4000);
  expect([...lent.bytes]).not.toEqual(wanted);
  expect(cache.slabBytes).toBe(before);
});

test("CachedTail.read() copies what does not lie in one piece, even where another partition's batch fills the gap", () => {
  const cache = new TailCache({ limitBytes: 100_000 });
  const [tail, other] = [cache.openTail(), cache.openTail()];
  tail.append(0, 1, batch(1, 100), { pinned: true });
  // Too large for a slab: it has a buffer of its own, and the batches around it come to lie a stranger of this size apart.
  const large = cache.limitBytes / 2;
  tail.append(1, 2, batch(2, large), { pinned: true });
  for (let n = 0; n < 4; n++) other.append(n, n + 1, batch(9, 100), { pinned: true });
  tail.append(2, 3, batch(3, 100), { pinned: true });
  const read = tail.read({ offset: 0, ...everything, lend: true })!;
  expect(read.release).toBeUndefined();
  expect(Buffer.compare(read.bytes, Buffer.concat([batch(1, 100), batch(2, large), batch(3, 100)]))).toBe(0);
});

test("CachedTail.read() does not take a stranger of the same size for a batch that lies elsewhere", () => {
  // Slabs of 1024 bytes: 3 bytes are small and lie in another one.
  const cache = new TailCache({ limitBytes: 64 * 1024 });
  const [tail, other] = [cache.openTail(), cache.openTail()];
  tail.append(0, 1, batch(1, 100), { pinned: true });
  tail.append(1, 2, batch(2, 3), { pinned: true });
  for (let n = 0; n < 9; n++) other.append(n, n + 1, batch(9, 100), { pinned: true });
  const read = tail.read({ offset: 0, ...everything, lend: true })!;
  expect(read.release).toBeUndefined();
  expect([...read.bytes]).toEqual([...batch(1, 100), ...batch(2, 3)]);
});

test("TailCache never uses memory again of which a write may be under way: pinned batches, and those removed while pinned", () => {
  const cache = new TailCache({ limitBytes: 64 * 1024 });
  const [cut, busy] = [cache.openTail(), cache.openTail()];
  fill(cut, 0, 20, true);
  const taken = cut.pinnedBatches(Infinity, Infinity);
  cut.truncateTo(10);
  for (let offset = 0; offset < 2000; offset++) {
    fill(busy, offset, offset + 1, true);
    busy.unpinBelow(offset + 1);
  }
  expect(taken.map(({ bytes }) => bytes)).toEqual(taken.map(({ baseOffset }) => batch(baseOffset, 100)));
});

test("CachedTail.read() stops at the limit and at maxBytes, which the first batch may exceed", () => {
  const tail = new TailCache({ limitBytes: 10_000 }).openTail();
  fill(tail, 0, 10, true);
  expect(tail.read({ offset: 2, limit: 5, maxBytes: 1000, atLeastOneBatch: true })?.nextOffset).toBe(5);
  expect(tail.read({ offset: 2, limit: 10, maxBytes: 300, atLeastOneBatch: true })?.nextOffset).toBe(5);
  expect(tail.read({ offset: 2, limit: 10, maxBytes: 299, atLeastOneBatch: true })?.nextOffset).toBe(4);
  expect(tail.read({ offset: 2, limit: 10, maxBytes: 100, atLeastOneBatch: false })?.nextOffset).toBe(3);
  expect(tail.read({ offset: 2, limit: 10, maxBytes: 1, atLeastOneBatch: true })?.nextOffset).toBe(3);
  expect(tail.read({ offset: 2, limit: 10, maxBytes: 1, atLeastOneBatch: false })).toBeUndefined();
  expect(tail.read({ offset: 5, limit: 5, maxBytes: 1000, atLeastOneBatch: true })).toBeUndefined();
});

test("TailCache evicts the oldest evictable batch of the node, whichever partition it is of", () => {
  const cache = new TailCache({ limitBytes: 4 * (100 + overhead) });
  const [a, b] = [cache.openTail(), cache.openTail()];
  fill(a, 0, 2, true);
  fill(b, 7, 9, true);
  b.unpinBelow(8);
  a.unpinBelow(2);
  b.unpinBelow(9);
  fill(a, 2, 3, true);
  expect([a.startOffset, b.startOffset]).toEqual([0, 8]);
  fill(a, 3, 4, true);
  expect([a.startOffset, b.startOffset]).toEqual([1, 8]);
  fill(a, 4, 6, true);
  expect([a.startOffset, b.startOffset]).toEqual([2, undefined]);
});

test("TailCache J-2: never evicts what is in no segment yet, and says when there is no room", () => {
  const cache = new TailCache({ limitBytes: 3 * (100 + overhead) });
  const tail = cache.openTail();
  expect(cache.hasRoomFor(1_000_000)).toBe(true);
  fill(tail, 0, 2, true);
  expect(cache.hasRoomFor(100)).toBe(true);
  expect(cache.hasRoomFor(101)).toBe(false);
  fill(tail, 2, 10, true);
  expect(tail.startOffset).toBe(0);
  expect(cache.pinnedBytes).toBe(10 * (100 + overhead));
  tail.unpinBelow(9);
  expect(tail.startOffset).toBe(7);
  expect(cache.usedBytes).toBe(cache.limitBytes);
  expect(cache.hasRoomFor(100)).toBe(true);
});

test("CachedTail.append() copies a small view of a large buffer, so that it does not keep that alive", () => {
  const cache = new TailCache({ limitBytes: 100_000 });
  const tail = cache.openTail();
  const chunk = Buffer.alloc(64 * 1024, 5);
  const kept = tail.append(0, 1, chunk.subarray(100, 200), { pinned: true });
  expect(kept.buffer.byteLength).toBe(cache.slabBytes);
  // Too large for a slab.
  const own = tail.append(1, 2, chunk.subarray(100, 10_100), { pinned: true });
  expect(own.buffer.byteLength).toBe(10_000);
  chunk.fill(6);
  const all = tail.read({ offset: 0, ...everything })?.bytes;
  expect(all).toEqual(new Uint8Array(10_100).fill(5));
});

test("CachedTail.append() keeps a large batch in the buffer that it came in", () => {
  const cache = new TailCache({ limitBytes: 100_000 });
  const bytes = batch(1, 10_000);
  expect(cache.openTail().append(0, 1, bytes, { pinned: true })).toBe(bytes);
  expect(cache.slabBytes).toBe(0);
});

test("CachedTail.append() refuses a gap, an empty batch, and an unpinned batch after a pinned one", () => {
  const tail = new TailCache({ limitBytes: 10_000 }).openTail();
  fill(tail, 0, 3, true);
  expect(() => tail.append(4, 5, batch(4, 10), { pinned: true })).toThrow(InvariantError);
  expect(() => tail.append(3, 3, batch(3, 10), { pinned: true })).toThrow(InvariantError);
  expect(() => tail.append(3, 4, batch(3, 10), { pinned: false })).toThrow(InvariantError);
});

test("CachedTail.pinnedBatches() gives what a segment lacks, in pieces", () => {
  const tail = new TailCache({ limitBytes: 10_000 }).openTail();
  fill(tail, 0, 8, true);
  tail.unpinBelow(3);
  expect(tail.pinnedBatches(7, 250).map((one) => one.baseOffset)).toEqual([3, 4]);
  expect(tail.pinnedBatches(7, 1).map((one) => one.baseOffset)).toEqual([3]);
  expect(tail.pinnedBatches(7, Infinity).map((one) => one.baseOffset)).toEqual([3, 4, 5, 6]);
  expect(tail.pinnedBatches(7, 300).map((one) => one.baseOffset)).toEqual([3, 4, 5]);
  expect(tail.pinnedBytesBelow(8, Infinity)).toBe(500);
  expect(tail.pinnedBytesBelow(7, Infinity)).toBe(400);
  expect(tail.pinnedBytesBelow(7, 150)).toBe(200);
});

test("CachedTail goes on as before when thousands of batches have come and gone", () => {
  const cache = new TailCache({ limitBytes: 60 * (100 + overhead) });
  const [busy, idle] = [cache.openTail(), cache.openTail()];
  fill(idle, 0, 1, true);
  for (let offset = 0; offset < 3000; offset++) {
    fill(busy, offset, offset + 1, true);
    busy.unpinBelow(offset - 9);
    const pinnedFrom = Math.max(0, offset - 9);
    expect(busy.pinnedBatches(Infinity, Infinity)[0]?.baseOffset).toBe(pinnedFrom);
    expect(busy.startOffset).toBe(Math.max(0, offset - 58));
    expect(busy.read({ offset: pinnedFrom, ...everything })?.nextOffset).toBe(offset + 1);
  }
  expect(cache.usedBytes).toBe(cache.limitBytes);
  expect(idle.startOffset).toBe(0);
});

test("CachedTail.clear() gives everything back, and the tail can start somewhere else", () => {
  const cache = new TailCache({ limitBytes: 10_000 });
  const tail = cache.openTail();
  fill(tail, 0, 5, true);
  tail.unpinBelow(2);
  tail.clear();
  expect([cache.usedBytes, cache.pinnedBytes, tail.batchCount]).toEqual([0, 0, 0]);
  fill(tail, 900, 903, true);
  expect(tail.startOffset).toBe(900);
});

type Step =
  | { kind: "append"; tail: number; records: number; length: number; pinned: boolean }
  | { kind: "unpin"; tail: number; back: number }
  | { kind: "truncate"; tail: number; back: number }
  | { kind: "clear"; tail: number }
  | { kind: "read"; tail: number; back: number; maxBytes: number; limitBack: number };

const tails = fc.nat(2);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      tail: tails,
      records: fc.integer({ min: 1, max: 4 }),
      length: fc.integer({ min: 1, max: 200 }),
      pinned: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("unpin" as const), tail: tails, back: fc.nat(8) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("truncate" as const), tail: tails, back: fc.nat(12) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("clear" as const), tail: tails }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("read" as const),
      tail: tails,
      back: fc.nat(30),
      maxBytes: fc.nat(500),
      limitBack: fc.nat(5),
    }),
  },
);

/** Small ones evict all the time; from 51,200 on every batch fits a slab. */
const limits = fc.oneof(fc.integer({ min: 200, max: 3000 }), fc.integer({ min: 3000, max: 9000 }), fc.constant(52_000));

interface ModelBatch {
  readonly base: number;
  readonly next: number;
  readonly bytes: Uint8Array;
  pinned: boolean;
}

test("TailCache agrees with a model that keeps lists and evicts by looking at all of them", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), limits, (steps, limitBytes) => {
      const cache = new TailCache({ limitBytes });
      const real = [cache.openTail(), cache.openTail(), cache.openTail()];
      const model: ModelBatch[][] = [[], [], []];
      let order: ModelBatch[] = [];
      const cost = (one: ModelBatch): number => one.bytes.length + overhead;
      const used = (): number => model.flat().reduce((sum, one) => sum + cost(one), 0);
      const evict = (): void => {
        while (used() > limitBytes && order.length > 0) {
          const gone = order.shift();
          for (const [index, list] of model.entries()) model[index] = list.filter((one) => one !== gone);
        }
      };
      let stamp = 0;
      for (const one of steps) {
        const tail = real[one.tail]!;
        const list = model[one.tail]!;
        const end = list.at(-1)?.next ?? 10 * one.tail;
        if (one.kind === "append") {
          const pinned = one.pinned || list.some((each) => each.pinned);
          const made: ModelBatch = { base: end, next: end + one.records, bytes: batch(stamp++, one.length), pinned };
          list.push(made);
          if (!pinned) order.push(made);
          evict();
          tail.append(made.base, made.next, made.bytes, { pinned });
        } else if (one.kind === "unpin") {
          for (const each of list) {
            if (!each.pinned || each.next > end - one.back) continue;
            each.pinned = false;
            order.push(each);
            evict();
          }
          tail.unpinBelow(end - one.back);
        } else if (one.kind === "truncate" || one.kind === "clear") {
          const to = one.kind === "clear" ? -1 : end - one.back;
          model[one.tail] = list.filter((each) => each.next <= to);
          order = order.filter((each) => !list.includes(each) || each.next <= to);
          if (one.kind === "clear") tail.clear();
          else tail.truncateTo(to);
        } else {
          const options = {
            offset: end - one.back,
            limit: end - one.limitBack,
            maxBytes: one.maxBytes,
            atLeastOneBatch: one.back % 2 === 0,
          };
          const found: Uint8Array[] = [];
          let size = 0;
          for (const each of list) {
            if (each.next <= options.offset) continue;
            if (found.length === 0 && each.base > options.offset) break;
            const over = size + each.bytes.length > options.maxBytes;
            if (each.next > options.limit || (over && !(found.length === 0 && options.atLeastOneBatch))) break;
            found.push(each.bytes);
            size += each.bytes.length;
          }
          const bytes = tail.read(options)?.bytes;
          expect(bytes === undefined ? [] : [...bytes]).toEqual(found.flatMap((each) => [...each]));
        }
        for (const [index, expected] of model.entries()) {
          expect(real[index]!.batchCount).toBe(expected.length);
          expect(real[index]!.startOffset).toBe(expected[0]?.base);
          expect(real[index]!.endOffset).toBe(expected.at(-1)?.next);
          const pinned = expected.filter((each) => each.pinned);
          const found = real[index]!.pinnedBatches(Infinity, Infinity);
          expect(found.length).toBe(pinned.length);
          for (const [at, each] of pinned.entries()) expect(Buffer.compare(found[at]!.bytes, each.bytes)).toBe(0);
        }
        expect(cache.usedBytes).toBe(used());
        expect(cache.pinnedBytes).toBe(
          model
            .flat()
            .filter((each) => each.pinned)
            .reduce((sum, each) => sum + cost(each), 0),
        );
      }
    }),
    { numRuns: 300 },
  );
});
