import { buildBatch } from "@varve/format";
import { expect, test } from "vitest";
import type { PartitionLog } from "../partition-log.ts";
import type { LogStore } from "../store.ts";
import { newDisk, openStore } from "../testing/disk-store.ts";
import { testConfig } from "../testing/log-config.ts";
import type { SimulatedDisk } from "../testing/simulated-disk.ts";

const id = { topicId: "0123456789abcdef0123456789abcdef", topic: "t", partition: 0 };
const config = testConfig({ segmentBytes: 2_000 });

function offer(log: PartitionLog, baseSequence?: number): ReturnType<PartitionLog["appendAsLeader"]> {
  const sequence = baseSequence === undefined ? {} : { producerId: 7, producerEpoch: 0, baseSequence };
  return log.appendAsLeader(buildBatch([{ value: new Uint8Array(900), timestampMs: 1 }], sequence), { now: 1 });
}

async function fill(disk: SimulatedDisk, store: LogStore, log: PartitionLog): Promise<void> {
  for (let batch = 0; batch < 12; batch += 1) expect(offer(log).kind).toBe("appended");
  await disk.time.until(() => log.countedOffset === log.logEndOffset, "it to count");
  log.advanceHighWatermark(log.countedOffset);
  await disk.time.result(store.checkpoint(), "the segments to be written");
}

test.each(["kill", "powerCut"] as const)(
  "a producer is known after its segments were removed and a %s: nothing is appended twice, or with a gap (F-10)",
  async (ending) => {
    const disk = await newDisk(5);
    const store = await openStore(disk);
    const log = await disk.time.result(store.create(id, config), "a partition");
    log.startEpoch(1);
    for (const sequence of [0, 1]) expect(offer(log, sequence)).toMatchObject({ kind: "appended" });
    await fill(disk, store, log);
    const removed = await disk.time.result(log.deleteRecordsBefore(10), "old segments to go");
    expect(removed).toBe(10);
    expect(disk.files().some(({ path }) => path.endsWith("/00000000000000000000.log"))).toBe(false);
    disk[ending](3);
    const again = (await openStore(disk)).get(id.topicId, 0) as PartitionLog;
    again.startEpoch(2);
    await disk.time.pass(100);
    expect(offer(again, 1)).toMatchObject({ kind: "duplicate", baseOffset: 1 });
    expect(offer(again, 3)).toMatchObject({ kind: "refused" });
    expect(offer(again, 2)).toMatchObject({ kind: "appended" });
  },
);

test("retention that has no room to keep producers harms nobody, and is made up for (J-15, F-10)", async () => {
  const disk = await newDisk(6);
  const store = await openStore(disk);
  const log = await disk.time.result(
    store.create(id, { ...config, flush: "os", retentionBytes: 4_000 }),
    "a partition",
  );
  log.startEpoch(1);
  expect(offer(log, 0)).toMatchObject({ kind: "appended" });
  await fill(disk, store, log);
  disk.limitFreeBytes(0);
  expect(await disk.time.result(store.runRetention(), "retention")).toEqual({ segments: 0, bytes: 0 });
  await expect(disk.time.result(log.deleteRecordsBefore(10), "a removal")).rejects.toMatchObject({ code: "NO_SPACE" });
  expect(log.state.kind).toBe("open");
  expect(log.logStartOffset).toBe(0);
  disk.quotaBytes = Infinity;
  expect((await disk.time.result(store.runRetention(), "retention")).segments).toBeGreaterThan(0);
  expect(log.state.kind).toBe("open");
  expect(offer(log, 0)).toMatchObject({ kind: "duplicate", baseOffset: 0 });
});
