/** What a start knows of the largest timestamp of a segment: of what is in it now, not of what was there at the checkpoint. */
import { batchesIn, buildBatch, compressBatch } from "@varve/format";
import { expect, test } from "vitest";
import type { PartitionLog } from "../partition-log.ts";
import { CompactedPartition } from "../testing/compacted-partition.ts";

const end = 10_006;

/** Three batches fill a segment. */
async function append(partition: CompactedPartition, key: string, timestampMs: number): Promise<void> {
  const record = { key: Buffer.from(key), value: new Uint8Array(110), timestampMs };
  expect(partition.log.appendAsLeader(buildBatch([record]), { now: timestampMs }).kind).toBe("appended");
  await partition.disk.time.until(() => partition.log.countedOffset === partition.log.logEndOffset, "it to count");
}

/** Timestamps 100 500 100 | 100 1000 100 | 100 … : the last one is active, and a start reads no other for the sake of producers. */
async function begin(): Promise<CompactedPartition> {
  const partition = await CompactedPartition.begin(1);
  for (const [index, timestampMs] of [100, 500, 100, 100, 1000, 100].entries()) {
    await append(partition, `key ${index}`, timestampMs);
  }
  const records = Array.from({ length: 10_000 }, () => ({ value: null, timestampMs: 100 }));
  const batch = await compressBatch(buildBatch(records, { producerId: 7, producerEpoch: 0, baseSequence: 0 }), "gzip");
  expect(partition.log.appendAsLeader(batch, { now: 100 }).kind).toBe("appended");
  await partition.disk.time.until(() => partition.log.countedOffset === end, "it to count");
  await partition.result(partition.store.checkpoint());
  expect(partition.log.segments.map(({ baseOffset }) => baseOffset)).toEqual([0, 3, 6]);
  partition.log.advanceHighWatermark(end);
  return partition;
}

async function checkTimes(partition: CompactedPartition, expected: number): Promise<void> {
  const { log } = partition;
  // As found: a lookup would load the indexes, which know better.
  const known = log.segments.map(({ maxTimestampMs }) => maxTimestampMs);
  const found: number[] = [];
  for (const { baseOffset, endOffset } of log.segments)
    found.push(await largestIn(partition, log, baseOffset, endOffset));
  expect(known).toEqual(found);
  expect(Math.max(...found)).toBe(expected);
}

async function largestIn(partition: CompactedPartition, log: PartitionLog, from: number, to: number): Promise<number> {
  let largest = -1;
  for (let offset = from; offset < to;) {
    const read = await partition.result(log.readFiles({ offset, limit: to, maxBytes: 1 << 20 }));
    if (read.kind !== "batches") throw new Error(read.kind);
    for (const { header } of batchesIn(read.bytes)) largest = Math.max(largest, header.maxTimestampMs);
    offset = read.nextOffset;
  }
  return largest;
}

test("LogStore.open() J-19: after a crash a compacted segment is as old as what is left in it", async () => {
  for (const isLookedUp of [false, true]) {
    const partition = await begin();
    for (const key of ["key 4", "key 5", "key 5", "key 5", "key 5"]) await append(partition, key, 100);
    partition.log.advanceHighWatermark(partition.log.logEndOffset);
    await partition.compact();
    expect(partition.log.segments[1]?.maxTimestampMs).toBe(100);
    await partition.restart("kill");
    if (isLookedUp) expect(await partition.result(partition.log.maxTimestamp(end))).toMatchObject({ timestampMs: 500 });
    else await checkTimes(partition, 500);
  }
});
