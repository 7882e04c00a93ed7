import { checkBatch, int32Max, readBatchHeader, readPlainRecords } from "@varve/format";
import { expect, test } from "vitest";
import { gapBatches } from "./gap-batch.ts";

test("gapBatches() J-12: covers offsets with batches that hold no record and pass every check", () => {
  for (const [from, to] of [
    [0, 1],
    [7, 4711],
    [5, int32Max + 5],
    [5, int32Max + 6],
    [2 ** 52, 2 ** 52 + 3 * int32Max + 1],
  ] as const) {
    let next = from;
    for (const { baseOffset, nextOffset, bytes } of gapBatches(from, to, 9)) {
      expect(baseOffset).toBe(next);
      expect(checkBatch(bytes, 0, bytes.length)).toBeUndefined();
      const header = readBatchHeader(bytes);
      expect(header).toMatchObject({
        baseOffset,
        leaderEpoch: 9,
        recordCount: 0,
        sizeBytes: bytes.length,
        attributes: 0,
      });
      expect(header).toMatchObject({ baseTimestampMs: -1, maxTimestampMs: -1, producerId: -1, producerEpoch: -1 });
      expect(header.baseSequence).toBe(-1);
      expect(readPlainRecords(bytes)).toEqual([]);
      next = baseOffset + header.lastOffsetDelta + 1;
      expect(nextOffset).toBe(next);
    }
    expect(next).toBe(to);
  }
  expect(gapBatches(5, 5, 9)).toEqual([]);
});
