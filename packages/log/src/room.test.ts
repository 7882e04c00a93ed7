/** J-2: whoever waits for room in memory waits for the disk, and never for the next checkpoint. */
import { buildBatch } from "@varve/format";
import { expect, test } from "vitest";
import type { PartitionLog } from "./partition-log.ts";
import type { LogStore } from "./store.ts";
import { newDisk, openStore } from "./testing/disk-store.ts";
import { testConfig } from "./testing/log-config.ts";
import type { SimulatedDisk } from "./testing/simulated-disk.ts";

const topicId = "0123456789abcdef0123456789abcdef";
const partitionCount = 8;

async function begin(): Promise<{ disk: SimulatedDisk; store: LogStore; logs: readonly PartitionLog[] }> {
  const disk = await newDisk(1);
  const store = await openStore(disk, { queuedBytesMax: 16_384, checkpointIntervalMs: 3_600_000 });
  const logs: PartitionLog[] = [];
  for (let partition = 0; partition < partitionCount; partition++) {
    const log = await disk.time.result(store.create({ topicId, topic: "t", partition }, testConfig()), "a log");
    log.startEpoch(1);
    logs.push(log);
  }
  return { disk, store, logs };
}

function append(log: PartitionLog | undefined): void {
  const batch = buildBatch([{ value: new Uint8Array(1000), timestampMs: 1 }]);
  expect(log?.appendAsLeader(batch, { now: 1 }).kind).toBe("appended");
}

test("LogStore.admit() J-2: what is on its way to the journal when room is asked for is written behind it at once", async () => {
  const { disk, store, logs } = await begin();
  let index = 0;
  let wait = store.admit(1100);
  for (; wait === undefined; wait = store.admit(1100)) append(logs[index++ % partitionCount]);
  const progress = { isGranted: false };
  void wait.then(() => {
    progress.isGranted = true;
  });
  await disk.time.until(() => logs.every((log) => log.countedOffset === log.logEndOffset), "all to count");
  const { nowMs } = disk.time;
  await disk.time.until(() => progress.isGranted, "room");
  expect(disk.time.nowMs - nowMs).toBeLessThan(10_000);
});

test("LogStore.admit() J-2: what those append who got room makes room for those who wait still", async () => {
  const { disk, store, logs } = await begin();
  const { nowMs } = disk.time;
  let appended = 0;
  for (let index = 0; index < 100; index++) {
    const take = (): void => {
      append(logs[index % partitionCount]);
      appended += 1;
    };
    const wait = store.admit(1100);
    if (wait === undefined) take();
    else void wait.then(take);
  }
  await disk.time.until(() => appended === 100, "room for all");
  expect(disk.time.nowMs - nowMs).toBeLessThan(10_000);
});
