import { batchHeaderBytes } from "@varve/format";
import { expect, test } from "vitest";
import { CompactedPartition } from "./testing/compacted-partition.ts";

/** Runs until the first pass, a minute after the start, is over. */
async function scrubbed(partition: CompactedPartition): Promise<void> {
  const endMs = partition.disk.time.nowMs + 120_000;
  while (await partition.disk.time.stepBefore(endMs));
}

async function filled(): Promise<CompactedPartition> {
  const partition = await CompactedPartition.begin(1, {}, { scrubBytesPerSecond: 1 << 20 });
  for (let index = 0; index < 12; index++) {
    await partition.append({ records: [{ key: "a", value: `${index} ${"x".repeat(120)}` }] });
  }
  await partition.result(partition.store.checkpoint());
  return partition;
}

test("Scrubber J-12: finds damage in a file although memory still has what was in it", async () => {
  const partition = await filled();
  const [, second] = partition.log.segments;
  if (second === undefined) throw new Error("There is one segment only");
  const options = { offset: second.baseOffset, maxBytes: 1, limit: second.endOffset };
  expect(partition.log.readCached(options)?.kind).toBe("batches");
  partition.disk.flipBit(second.path, batchHeaderBytes + 10, 3);
  await scrubbed(partition);
  expect(partition.log.state).toMatchObject({ kind: "quarantined", file: second.path, offset: second.baseOffset });
});

test("Scrubber J-12: says nothing of sound files, and nothing of one that was removed meanwhile", async () => {
  const partition = await filled();
  partition.log.advanceHighWatermark(partition.log.countedOffset);
  await partition.result(partition.log.deleteRecordsBefore(5));
  await scrubbed(partition);
  expect(partition.log.state.kind).toBe("open");
});
