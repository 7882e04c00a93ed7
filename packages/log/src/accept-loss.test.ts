/**
 * J-12: a loss is accepted while the process may die after any effect of it. The next start finds the partition damaged as
 * before, or the loss carried out to its end; what was below is there, and no offset of what is lost is given out again.
 */
import { batchesIn, buildBatch, readPlainRecords } from "@varve/format";
import { expect, test } from "vitest";
import type { PartitionLog } from "./partition-log.ts";
import type { LogStore } from "./store.ts";
import { testConfig } from "./testing/log-config.ts";
import { newDisk, openStore } from "./testing/disk-store.ts";
import type { SimulatedDisk } from "./testing/simulated-disk.ts";

const id = { topicId: "0123456789abcdef0123456789abcdef", topic: "t", partition: 0 };
const appended = 12;

function logOf(store: LogStore): PartitionLog {
  const log = store.get(id.topicId, id.partition);
  if (log === undefined) throw new Error("The partition is gone");
  return log;
}

async function append(disk: SimulatedDisk, log: PartitionLog, count: number): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    const value = Buffer.from(`${log.logEndOffset} ${"x".repeat(300)}`);
    expect(log.appendAsLeader(buildBatch([{ value, timestampMs: 1 }]), { now: 1 }).kind).toBe("appended");
    await disk.time.until(() => log.countedOffset === log.logEndOffset, "it to count");
  }
}

async function valuesOf(disk: SimulatedDisk, log: PartitionLog): Promise<string[]> {
  const values: string[] = [];
  let offset = log.logStartOffset;
  while (offset < log.logEndOffset) {
    const read = await disk.time.result(log.read({ offset, limit: log.logEndOffset, maxBytes: 1 << 20 }), "a read");
    if (read.kind !== "batches") throw new Error(`The read at ${offset} is ${read.kind}`);
    for (const { at, header } of batchesIn(read.bytes)) {
      for (const record of readPlainRecords(read.bytes.subarray(at, at + header.sizeBytes))) {
        values.push(
          `${record.offset}: ${
            Buffer.from(record.value ?? [])
              .toString()
              .split(" ")[0]
          }`,
        );
      }
    }
    offset = read.nextOffset;
  }
  return values;
}

const valuesTo = (end: number): string[] => Array.from({ length: end }, (_, offset) => `${offset}: ${offset}`);

/** A partition in a mode, whose process was killed, and of whose segments one is damaged. */
async function damaged(
  mode: "journal" | "direct" | "os",
  damage: "flip" | "end" | "all" | "file" | "first file",
  appendedSince = 0,
): Promise<SimulatedDisk> {
  const disk = await newDisk(7);
  const store = await openStore(disk, mode === "direct" ? { directModeBytes: 1 } : {});
  const config = testConfig({ flush: mode === "os" ? "os" : "sync", segmentBytes: 1500 });
  const log = await disk.time.result(store.create(id, config), "a partition");
  log.startEpoch(1);
  await append(disk, log, appended);
  expect(log.mode).toBe(mode);
  await disk.time.result(store.checkpoint(), "a checkpoint");
  await disk.time.result(store.checkpoint(), "a checkpoint");
  await disk.time.pass(200);
  await append(disk, log, appendedSince);
  const segments = disk.files().filter(({ path }) => path.endsWith(".log"));
  expect(segments.length).toBeGreaterThan(2);
  disk.kill(3);
  // The recovery looks at sizes and at the segment of its recovery point; a reader finds the flip.
  const { path, sizeBytes } = segments.at(damage === "flip" ? -1 : damage === "first file" ? 0 : 1)!;
  if (damage === "flip") disk.flipBit(path, sizeBytes - 100, 3);
  else if (damage === "end") disk.loseEnd(path, sizeBytes - 100);
  else if (damage === "all") disk.loseEnd(path, 0);
  else disk.loseFile(path);
  return disk;
}

/** The open store with its partition in quarantine, which a reader finds if the recovery does not. */
async function quarantined(disk: SimulatedDisk): Promise<PartitionLog> {
  const log = logOf(await openStore(disk));
  if (log.state.kind !== "quarantined") await valuesOf(disk, log).catch(() => undefined);
  expect(log.state).toMatchObject({ kind: "quarantined", end: appended });
  return log;
}

test.each(
  (["journal", "direct", "os"] as const).flatMap((mode) =>
    (["end", "all", "file", "first file"] as const).map((damage) => [mode, damage] as const),
  ),
)(
  "LogStore.open() J-12: in mode %s, of a segment with damage by %s: offsets that were given out since the checkpoint are not free",
  async (mode, damage) => {
    for (const since of [1, 6]) {
      const log = logOf(await openStore(await damaged(mode, damage, since)));
      expect(log.state).toMatchObject({ kind: "quarantined", end: appended + since });
    }
  },
);

test.each(
  (["journal", "direct", "os"] as const).flatMap((mode) =>
    (["flip", "end", "all", "file"] as const).flatMap((damage) => [
      [mode, damage, "kill"] as const,
      [mode, damage, "power cut"] as const,
    ]),
  ),
)(
  "PartitionLog.acceptLoss() J-12: in mode %s, of a segment with damage by %s, may be cut off by a %s",
  async (mode, damage, ending) => {
    for (let effects = 1; ; effects += 1) {
      const disk = await damaged(mode, damage);
      let log = await quarantined(disk);
      const { offset: from } = log.state as { offset: number };
      expect(from).toBeGreaterThan(0);
      expect(from).toBeLessThan(appended);
      disk.haltAfter(disk.effects + effects);
      let isAccepted = false;
      log.acceptLoss(5).then(
        () => (isAccepted = true),
        () => undefined,
      );
      await disk.time.until(() => isAccepted || disk.isHalted, "the loss to be accepted, or the process to stop");
      const isOver = isAccepted;
      disk.haltAfter(Infinity);
      if (ending === "kill") disk.kill(effects);
      else disk.powerCut(effects);

      log = logOf(await openStore(disk));
      const where = `stopped after effect ${effects}`;
      // What a reader had found may not be written down yet: the next reader finds it.
      if (log.state.kind !== "quarantined") await valuesOf(disk, log).catch(() => undefined);
      if (log.state.kind === "quarantined") {
        expect(isOver, where).toBe(false);
        expect(log.state, where).toMatchObject({ offset: from, end: appended });
        expect(await disk.time.result(log.acceptLoss(6), "the loss to be accepted"), where).toEqual({
          from,
          to: appended,
        });
      }
      expect(log.logEndOffset, where).toBe(appended);
      if (log.state.kind === "needs-epoch") log.startEpoch(7);
      await append(disk, log, 1);
      expect(await valuesOf(disk, log), where).toEqual([...valuesTo(from), `${appended}: ${appended}`]);
      if (isOver) return;
    }
  },
  60_000,
);

test("LogStore J-12: a segment in the place of a lost one has nothing of its indexes", async () => {
  const disk = await damaged("os", "first file");
  const first = await openStore(disk);
  const indexes = disk.files().filter(({ path }) => path.includes("00000000000000000000."));
  expect(indexes.length).toBe(2);
  await disk.time.result(logOf(first).acceptLoss(5), "the loss to be accepted");
  await disk.time.result(first.checkpoint(), "a checkpoint");
  disk.kill(2);
  const store = await openStore(disk);
  const log = logOf(store);
  log.startEpoch(6);
  // Makes it read its indexes, before they grow.
  expect(await disk.time.result(log.offsetForTime(0, log.logEndOffset), "a look for a time")).toBeUndefined();
  const batch = buildBatch([{ value: Buffer.from("late"), timestampMs: 9000 }]);
  expect(log.appendAsLeader(batch, { now: 9000 }).kind).toBe("appended");
  await disk.time.until(() => log.countedOffset === log.logEndOffset, "it to count");
  await disk.time.result(store.checkpoint(), "the batch to be in the segment");
  const found = await disk.time.result(log.offsetForTime(9000, log.logEndOffset), "a look for a time");
  expect(found).toMatchObject({ offset: appended });
});

test("LogStore J-12: a quarantine outlives the failure of the partition that has it", async () => {
  const disk = await damaged("journal", "flip");
  const first = await openStore(disk);
  await valuesOf(disk, logOf(first)).catch(() => undefined);
  for (let slot = 0; slot < 2; slot += 1) await disk.time.result(first.checkpoint(), "a checkpoint");
  disk.kill(1);
  // Found by a reader, known to the checkpoint, and the log ends where it lies now.
  const store = await openStore(disk);
  const log = logOf(store);
  const { state } = log;
  expect(state).toMatchObject({ kind: "quarantined", end: appended });
  disk.inject({ operation: "read", path: ".log", effect: "fail", times: 9 });
  await expect(disk.time.result(log.acceptLoss(5), "the loss to be accepted")).rejects.toMatchObject({ code: "IO" });
  expect(log.state.kind).toBe("failed");
  disk.clearFaults();
  for (let slot = 0; slot < 2; slot += 1) await disk.time.result(store.checkpoint(), "a checkpoint");
  disk.kill(1);
  expect(logOf(await openStore(disk)).state).toEqual(state);
});

test("LogStore J-12: a first segment that is missing is damage, also when no checkpoint knew it", async () => {
  const disk = await newDisk(7);
  const store = await openStore(disk, { directModeBytes: 1 });
  const log = await disk.time.result(store.create(id, testConfig({ segmentBytes: 1500 })), "a partition");
  log.startEpoch(1);
  await append(disk, log, appended);
  // Everything below the barrier is in synced segments.
  await disk.time.result(log.setConfig(testConfig({ flush: "os", segmentBytes: 1500 })), "the change of flush");
  disk.kill(3);
  const [first] = disk.files().filter(({ path }) => path.endsWith(".log"));
  disk.loseFile(first!.path);
  expect(logOf(await openStore(disk)).state).toMatchObject({ kind: "quarantined", offset: 0, end: appended });
});

test.each([
  { from: "os", to: "sync", mode: "journal", by: "acceptLoss" },
  { from: "os", to: "sync", mode: "journal", by: "truncateFullyAndStartAt" },
  { from: "journal", to: "os", mode: "os", by: "acceptLoss" },
  { from: "journal", to: "os", mode: "os", by: "truncateFullyAndStartAt" },
] as const)(
  "a change of flush from $from to $to that comes while a log is damaged is made up for by $by() (J-1)",
  async (one) => {
    const disk = await damaged(one.from, "end");
    const store = await openStore(disk);
    const log = logOf(store);
    expect(log.state.kind).toBe("quarantined");
    await disk.time.result(log.setConfig({ ...log.config, flush: one.to }), "the change");
    const ended = one.by === "acceptLoss" ? log.acceptLoss(5) : log.truncateFullyAndStartAt(0);
    await disk.time.result<unknown>(ended, "the end of the damage");
    expect(log.mode).toBe(one.mode);
    if (log.state.kind === "needs-epoch") log.startEpoch(6);
    await append(disk, log, 3);
    if (one.to === "sync") expect(log.durableOffset).toBe(log.logEndOffset);
    const { logEndOffset } = log;
    disk.powerCut(9);
    const next = logOf(await openStore(disk));
    expect(next.config.flush).toBe(one.to);
    if (one.to === "sync") expect(next.logEndOffset).toBe(logEndOffset);
  },
);

test("PartitionLog.acceptLoss() J-12: of a partition whose creation is lost, and that began above 0, all is given up", async () => {
  const disk = await newDisk(3);
  const store = await openStore(disk);
  const log = await disk.time.result(store.create(id, testConfig()), "a partition");
  // Only the journal knows of any of it.
  disk.inject({ operation: "create", path: "checkpoint", effect: "hang" });
  await disk.time.result(log.truncateFullyAndStartAt(100), "the start at 100");
  log.startEpoch(1);
  for (let count = 0; count < 2; count += 1) {
    log.appendAsLeader(buildBatch([{ value: new Uint8Array(30_000), timestampMs: 1 }]), { now: 1 });
    await disk.time.until(() => log.countedOffset === log.logEndOffset, "it to count");
  }
  // In the second file of the journal: up to here the segments are whole.
  await disk.time.result(log.setConfig(testConfig({ flush: "os" })), "the change of flush");
  disk.kill(1);
  disk.loseFile("/data/journal/00000000.wal");
  const found = logOf(await openStore(disk));
  expect(found.state).toMatchObject({ kind: "quarantined", offset: 0 });
  const lost = await disk.time.result(found.acceptLoss(5), "the loss to be accepted");
  expect(lost.from).toBe(0);
  expect(lost.to).toBeGreaterThanOrEqual(102);
  await disk.time.pass(1000);
  for (const ending of ["kill", "power cut"]) {
    if (ending === "kill") disk.kill(1);
    else disk.powerCut(1);
    const again = logOf(await openStore(disk));
    expect(again.state.kind).toBe("needs-epoch");
    expect([again.logStartOffset, again.logEndOffset]).toEqual([0, lost.to]);
    expect(await valuesOf(disk, again)).toEqual([]);
  }
});

test("PartitionLog.acceptLoss() J-12: in a batch that holds the log start, the high watermark does not fall below that", async () => {
  const disk = await newDisk(3);
  const store = await openStore(disk);
  const log = await disk.time.result(store.create(id, testConfig()), "a partition");
  log.startEpoch(1);
  const records = Array.from({ length: 10 }, () => ({ value: new Uint8Array(50), timestampMs: 1 }));
  log.appendAsLeader(buildBatch(records), { now: 1 });
  await disk.time.until(() => log.countedOffset === 10, "it to count");
  log.advanceHighWatermark(10);
  await disk.time.result(log.deleteRecordsBefore(5), "the new log start");
  await disk.time.result(store.checkpoint(), "a checkpoint");
  disk.kill(1);
  disk.flipBit("/data/topics/t-0/00000000000000000000.log", 200, 1);
  const found = logOf(await openStore(disk));
  const read = await disk.time.result(found.read({ offset: 5, limit: 10, maxBytes: 1000 }), "a read");
  expect(read.kind).toBe("damaged");
  const lost = await disk.time.result(found.acceptLoss(5), "the loss to be accepted");
  expect(lost.to).toBe(10);
  for (const open of [found, logOf(await reopened(disk))]) {
    expect([open.logStartOffset, open.logEndOffset]).toEqual([5, 10]);
    expect(open.highWatermark).toBeGreaterThanOrEqual(5);
  }
});

async function reopened(disk: SimulatedDisk): Promise<LogStore> {
  await disk.time.pass(1000);
  disk.kill(1);
  return openStore(disk);
}
