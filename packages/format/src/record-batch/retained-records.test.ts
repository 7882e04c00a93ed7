import * as fc from "fast-check";
import { expect, test } from "vitest";
import { compressBatch, compressBytes, decompressRecords } from "../compression.ts";
import { buildBatch, type RecordInput } from "./builder.ts";
import { emptiedBatch, isGap, startGapAt } from "./empty-batch.ts";
import {
  assignOffsets,
  batchHeaderBytes,
  codecOf,
  codecs,
  hasDeleteHorizon,
  readBatchHeader,
  stampAppendTime,
} from "./layout.ts";
import { RecordCursor, recordsOf } from "./reader.ts";
import { readRecords } from "./read-records.ts";
import { RetainedRecords } from "./retained-records.ts";
import { checkBatch } from "./validate.ts";

const bytes = fc.option(fc.uint8Array({ maxLength: 30 }));
const record: fc.Arbitrary<RecordInput> = fc.record({
  key: bytes,
  value: bytes,
  headers: fc.array(fc.record({ key: fc.string({ maxLength: 5 }), value: bytes }), { maxLength: 2 }),
  timestampMs: fc.oneof(fc.constant(-1), fc.nat(), fc.integer({ min: 1_700_000_000_000, max: 1_800_000_000_000 })),
});

/** What is left of `batch` when the records go whose index is in `goes`. */
async function retain(
  batch: Uint8Array,
  goes: ReadonlySet<number>,
  horizonMs: number | undefined,
): Promise<Uint8Array> {
  const header = readBatchHeader(batch);
  const plain = await decompressRecords(batch, header, 1 << 20);
  const retained = new RetainedRecords(plain, header, horizonMs);
  const cursor = new RecordCursor(plain, header);
  while (cursor.tryNext()) if (!goes.has(cursor.index)) retained.keep(cursor);
  return retained.batch(batch, await compressBytes(retained.finish(), codecOf(header.attributes)));
}

test("RetainedRecords: the records that are kept are the same, in a batch of the same offsets", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(record, { minLength: 1, maxLength: 12 }),
      fc.uniqueArray(fc.nat(11)),
      fc.constantFrom(...codecs),
      fc.option(fc.nat(2_000_000_000_000), { nil: undefined }),
      async (records, gone, codec, horizonMs) => {
        const goes = new Set(gone);
        if (records.every((_, index) => goes.has(index))) goes.clear();
        const original = await compressBatch(
          buildBatch(records, { producerId: 9, producerEpoch: 2, baseSequence: 77 }),
          codec,
        );
        assignOffsets(original, 0, 4711, 3);
        const batch = await retain(original, goes, horizonMs);
        expect(checkBatch(batch, 0, batch.length)).toBeUndefined();
        const left = (await readRecords(original)).filter((_, index) => !goes.has(index));
        expect(await readRecords(batch)).toEqual(left);
        const { baseOffset, lastOffsetDelta, leaderEpoch, producerId, producerEpoch, baseSequence } =
          readBatchHeader(original);
        expect(readBatchHeader(batch)).toMatchObject({
          baseOffset,
          lastOffsetDelta,
          leaderEpoch,
          producerId,
          producerEpoch,
          baseSequence,
          recordCount: left.length,
          maxTimestampMs: Math.max(...left.map(({ timestampMs }) => timestampMs)),
        });
        expect(codecOf(readBatchHeader(batch).attributes)).toBe(codec);
        expect(hasDeleteHorizon(readBatchHeader(batch).attributes)).toBe(horizonMs !== undefined);
        if (horizonMs === undefined) return;
        expect(readBatchHeader(batch).baseTimestampMs).toBe(horizonMs);
        // A second time, with another horizon, and without.
        const again = await retain(batch, new Set(), horizonMs + 1);
        expect(await readRecords(again)).toEqual(left);
        expect(await retain(again, new Set(), undefined)).toEqual(again);
      },
    ),
    { numRuns: 100 },
  );
});

test("RetainedRecords: the append time of a batch stays that of all its records", async () => {
  const original = buildBatch([
    { value: new Uint8Array(1), timestampMs: 5 },
    { value: new Uint8Array(2), timestampMs: 6 },
  ]);
  stampAppendTime(original, 0, 1000);
  for (const horizonMs of [undefined, 3000]) {
    const batch = await retain(original, new Set([1]), horizonMs);
    expect((await readRecords(batch)).map(({ timestampMs }) => timestampMs)).toEqual([1000]);
  }
});

test("emptiedBatch() keeps offsets, epoch, producer and sequence, and nothing else", async () => {
  const original = await compressBatch(
    buildBatch(
      [
        { value: null, timestampMs: 5 },
        { value: null, timestampMs: 6 },
      ],
      { producerId: 1, producerEpoch: 0, baseSequence: 8 },
    ),
    "gzip",
  );
  assignOffsets(original, 0, 100, 4);
  const empty = emptiedBatch(original);
  expect(checkBatch(empty, 0, empty.length)).toBeUndefined();
  const header = readBatchHeader(empty);
  expect(header).toMatchObject({ baseOffset: 100, lastOffsetDelta: 1, leaderEpoch: 4, producerId: 1, baseSequence: 8 });
  expect(header).toMatchObject({ recordCount: 0, maxTimestampMs: -1, sizeBytes: batchHeaderBytes, attributes: 0 });
  expect(recordsOf(empty.subarray(batchHeaderBytes), header)).toEqual([]);
  expect(isGap(header)).toBe(false);
});

test("startGapAt() J-21: the rest of a gap is a gap", () => {
  const gap = emptiedBatch(
    buildBatch([
      { value: null, timestampMs: 5 },
      { value: null, timestampMs: 6 },
      { value: null, timestampMs: 6 },
    ]),
  );
  assignOffsets(gap, 0, 100, 4);
  const within = new Uint8Array([9, 9, ...gap]);
  expect(isGap(readBatchHeader(gap))).toBe(true);
  startGapAt(within, 2, 102);
  expect(checkBatch(within, 2, within.length)).toBeUndefined();
  expect(readBatchHeader(within, 2)).toMatchObject({
    baseOffset: 102,
    lastOffsetDelta: 0,
    leaderEpoch: 4,
    recordCount: 0,
  });
  expect(() => startGapAt(within, 2, 103)).toThrow("begins inside itself");
});
