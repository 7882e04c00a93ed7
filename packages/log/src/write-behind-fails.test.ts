/**
 * J-8, J-14: an I/O error on the segment of a partition closes that partition only, and costs nothing that counted: what
 * cannot be written behind the journal stays in it, however many checkpoints pass.
 */
import { batchesIn, buildBatch } from "@varve/format";
import { expect, test } from "vitest";
import type { PartitionLog } from "./partition-log.ts";
import { testConfig } from "./testing/log-config.ts";
import { newDisk, openStore } from "./testing/disk-store.ts";
import type { SimulatedDisk } from "./testing/simulated-disk.ts";

const topicId = "0123456789abcdef0123456789abcdef";
const config = testConfig();

async function append(disk: SimulatedDisk, log: PartitionLog, count: number): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    const batch = buildBatch([{ value: new Uint8Array(1000).fill(log.logEndOffset), timestampMs: 1 }]);
    expect(log.appendAsLeader(batch, { now: 1 }).kind).toBe("appended");
  }
  await disk.time.until(() => log.countedOffset === log.logEndOffset, "it to count");
}

test.each([
  ["the first write fails", 0],
  ["a later write fails", 1],
])("LogStore keeps in the journal what it cannot write behind it: %s", async (_, skip) => {
  const disk = await newDisk(7);
  const store = await openStore(disk);
  const logs: PartitionLog[] = [];
  for (const partition of [0, 1]) {
    const log = await disk.time.result(store.create({ topicId, topic: "t", partition }, config), "a partition");
    log.startEpoch(1);
    logs.push(log);
  }
  const [sick, healthy] = logs as [PartitionLog, PartitionLog];
  if (skip > 0) {
    await append(disk, sick, 3);
    await disk.time.result(store.checkpoint(), "a checkpoint");
  }
  disk.inject({ operation: "write", path: "t-0", effect: "fail" });
  await append(disk, sick, 5);
  await append(disk, healthy, 5);
  for (let checkpoint = 0; checkpoint < 3; checkpoint += 1) {
    await disk.time.result(store.checkpoint(), "a checkpoint");
    await append(disk, healthy, 1);
  }
  expect(sick.state).toMatchObject({ kind: "failed", error: { code: "PARTITION_FAILED" } });
  expect(healthy.state.kind).toBe("open");
  const end = sick.countedOffset;
  disk.powerCut(5);

  const again = await openStore(disk);
  for (const [partition, counted] of [
    [0, end],
    [1, 8],
  ] as const) {
    const log = again.get(topicId, partition);
    if (log === undefined) throw new Error(`Partition ${partition} is gone`);
    expect(log.state.kind).toBe("needs-epoch");
    expect(log.logEndOffset).toBe(counted);
    const read = await disk.time.result(log.read({ offset: 0, limit: counted, maxBytes: 1 << 20 }), "a read");
    if (read.kind !== "batches") throw new Error(`The read is ${read.kind}`);
    const offsets = [...batchesIn(read.bytes)].map(({ header }) => header.baseOffset);
    expect(offsets).toEqual(Array.from({ length: counted }, (_, offset) => offset));
  }
});
