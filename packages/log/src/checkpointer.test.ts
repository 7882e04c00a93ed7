/** Checkpoints beside what else is under way, where it takes the model test long to meet it; and cuts beside cuts. */
import { buildBatch } from "@varve/format";
import { expect, test } from "vitest";
import type { PartitionLog } from "./partition-log.ts";
import { testConfig } from "./testing/log-config.ts";
import { newDisk, openStore } from "./testing/disk-store.ts";
import { SimulatedTime } from "./testing/simulated-clock.ts";
import type { SimulatedDisk } from "./testing/simulated-disk.ts";

const id = { topicId: "0123456789abcdef0123456789abcdef", topic: "t", partition: 0 };

function append(log: PartitionLog, valueBytes: number): void {
  const batch = buildBatch([{ value: new Uint8Array(valueBytes), timestampMs: 1 }]);
  expect(log.appendAsLeader(batch, { now: 1 }).kind).toBe("appended");
}

async function appendCounted(
  disk: SimulatedDisk,
  log: PartitionLog,
  batches: number,
  valueBytes: number,
): Promise<void> {
  for (let batch = 0; batch < batches; batch += 1) {
    append(log, valueBytes);
    await disk.time.until(() => log.countedOffset === log.logEndOffset, "it to count");
  }
}

test("LogStore.checkpoint() J-8: one bad slot costs nothing, since the other still has its journal", async () => {
  const disk = await newDisk(1);
  const store = await openStore(disk);
  const log = await disk.time.result(store.create(id, testConfig()), "a partition");
  log.startEpoch(1);
  // A file of the journal holds two of these; each checkpoint leaves one behind that only the older slot needs.
  for (let checkpoint = 0; checkpoint < 6; checkpoint += 1) {
    await appendCounted(disk, log, 3, 25_000);
    await disk.time.result(store.checkpoint(), "a checkpoint");
  }
  await appendCounted(disk, log, 3, 25_000);
  await disk.time.pass(100);
  disk.kill(1);
  for (const slot of ["checkpoint-a", "checkpoint-b"]) {
    const copy = disk.clone({ time: new SimulatedTime(), seed: 2 });
    copy.flipBit(`/data/${slot}`, 40, 1);
    const found = (await openStore(copy)).get(id.topicId, 0);
    expect(found?.state, slot).toMatchObject({ kind: "needs-epoch" });
    expect(found?.logEndOffset, slot).toBe(21);
  }
});

test("LogStore.checkpoint() J-8: does not pass a truncation whose files are not cut yet", async () => {
  const disk = await newDisk(3);
  const store = await openStore(disk);
  const log = await disk.time.result(store.create(id, testConfig({ flush: "os" })), "a partition");
  log.startEpoch(1);
  await appendCounted(disk, log, 3, 100);
  log.startEpoch(2);
  await appendCounted(disk, log, 3, 100);
  disk.inject({ operation: "truncate", path: ".log", effect: "hang" });
  log.truncate(3).catch(() => undefined);
  await disk.time.pass(100);
  store.checkpoint().catch(() => undefined);
  await disk.time.pass(1000);
  disk.kill(1);
  const found = (await openStore(disk)).get(id.topicId, 0);
  expect(found?.state).toMatchObject({ kind: "needs-epoch" });
  expect(found?.logEndOffset).toBe(3);
});

test("PartitionLog J-3: nothing is appended while a second cut is due", async () => {
  const disk = await newDisk(4);
  const store = await openStore(disk);
  const log = await disk.time.result(store.create(id, testConfig({ flush: "os" })), "a partition");
  log.startEpoch(1);
  disk.inject({ operation: "write", path: ".log", effect: "fail", code: "NO_SPACE" });
  let epoch = 1;
  let promisedEnd = 0;
  log.onCounted(() => {
    if (log.state.kind !== "needs-epoch") return;
    log.startEpoch(++epoch);
    // Taken by the log: unless it says that it was cut back, it stays.
    promisedEnd = 0;
    const batch = buildBatch([{ value: new Uint8Array(9), timestampMs: 1 }]);
    if (log.appendAsLeader(batch, { now: 1 }).kind === "appended") promisedEnd = log.logEndOffset;
  });
  append(log, 100);
  await disk.time.until(() => disk.files().some(({ path }) => path.endsWith(".log")), "the write to begin");
  log.truncate(0).catch(() => undefined);
  await disk.time.pass(1000);
  expect(promisedEnd).toBeGreaterThan(0);
  expect(log.state.kind).toBe("open");
  expect(log.logEndOffset).toBe(promisedEnd);
});

test("PartitionLog J-3: a change of flush that comes before a cut makes nothing count that is about to be cut", async () => {
  const disk = await newDisk(4);
  const store = await openStore(disk);
  const log = await disk.time.result(store.create(id, testConfig({ flush: "os" })), "a partition");
  log.startEpoch(1);
  await disk.time.pass(100);
  disk.inject({ operation: "write", path: ".log", effect: "fail", code: "NO_SPACE" });
  let counted = 0;
  log.onCounted(() => (counted = Math.max(counted, log.countedOffset)));
  for (let batch = 0; batch < 6; batch++) append(log, 12_000);
  // The write is under way: the change is due when it fails, and the cut after it.
  await disk.time.until(() => disk.files().some(({ path }) => path.endsWith(".log")), "the write to begin");
  await disk.time.result(log.setConfig({ ...log.config, flush: "sync" }), "the change");
  await disk.time.pass(1000);
  expect(log.mode).toBe("journal");
  expect(log.state.kind).toBe("needs-epoch");
  expect(log.logEndOffset).toBe(counted);
});

test("LogStore.checkpoint() J-8: sizes and recovery point belong together, also beside a sync under way", async () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const disk = await newDisk(seed);
    // From the first byte on: every partition is in mode `direct`.
    const store = await openStore(disk, { directModeBytes: 1 });
    const log = await disk.time.result(store.create(id, testConfig()), "a partition");
    log.startEpoch(1);
    await appendCounted(disk, log, 4, 500);
    expect(log.mode).toBe("direct");
    await disk.time.result(store.checkpoint(), "a checkpoint");
    const counted = log.countedOffset;
    // A sync that takes so long that a whole checkpoint would fit beside it.
    disk.inject({ operation: "sync", path: ".log", effect: "hang" });
    append(log, 500);
    append(log, 500);
    await disk.time.pass(50);
    store.checkpoint().catch(() => undefined);
    await disk.time.pass(1000);
    disk.powerCut(seed);
    const again = await openStore(disk);
    const found = again.get(id.topicId, 0);
    expect(found?.state.kind, `seed ${seed}`).toBe("needs-epoch");
    expect(found?.logEndOffset, `seed ${seed}`).toBeGreaterThanOrEqual(counted);
    // What comes next is written where the log ends, and is found there.
    found?.startEpoch(2);
    found?.appendAsLeader(buildBatch([{ value: new Uint8Array(9), timestampMs: 1 }]), { now: 1 });
    const end = found?.logEndOffset ?? 0;
    await disk.time.result(again.close(), "the store to close");
    const last = (await openStore(disk)).get(id.topicId, 0);
    for (let offset = 0; offset < end; offset += 1) {
      const read = await disk.time.result(last!.read({ offset, limit: end, maxBytes: 1 }), "a read");
      expect(read, `seed ${seed}, offset ${offset}`).toMatchObject({ kind: "batches", nextOffset: offset + 1 });
    }
  }
});

test("LogStore J-8: what is written behind is synced in pieces, long before the checkpoint", async () => {
  const disk = await newDisk(1);
  let syncs = 0;
  disk.onEffect = (_, operation, path) => {
    if (operation === "sync" && path.endsWith(".log")) syncs += 1;
  };
  const store = await openStore(disk, { journalFileBytes: 1 << 20, syncBehindBytes: 200_000 });
  const log = await disk.time.result(store.create(id, testConfig()), "a partition");
  log.startEpoch(1);
  // Behind in pieces of 64 KiB.
  await appendCounted(disk, log, 9, 35_000);
  await disk.time.pass(100);
  expect(log.mode).toBe("journal");
  expect([syncs, store.stats().checkpoints]).toEqual([1, 0]);
  await appendCounted(disk, log, 9, 35_000);
  await disk.time.pass(100);
  expect(syncs).toBeGreaterThan(1);
  expect(store.stats().checkpoints).toBe(0);
  await disk.time.result(store.close(), "the store to close");
});
