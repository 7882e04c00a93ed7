import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { batchesIn, buildBatch, readPlainRecords } from "@varve/format";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "./clock.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import type { PartitionLog } from "./partition-log.ts";
import type { LogConfig, ReadResult } from "./partition-types.ts";
import { LogStore } from "./store.ts";
import type { StoreOptions } from "./store-options.ts";

const id = { topicId: "0123456789abcdef0123456789abcdef", topic: "orders", partition: 0 };
const config: LogConfig = {
  flush: "sync",
  segmentBytes: 8192,
  segmentMs: -1,
  indexIntervalBytes: 512,
  retentionMs: -1,
  retentionBytes: -1,
  retentionClock: "append",
  maxBatchBytes: 1024 * 1024,
  producerExpiryMs: 86_400_000,
};
const fatal: unknown[] = [];
let directory = "";

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "varve-log-"));
  fatal.length = 0;
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
  expect(fatal).toEqual([]);
});

function open(options: Partial<StoreOptions> = {}): Promise<LogStore> {
  return LogStore.open(
    { directory, bootId: "7d1c0a52-6d0e-4a59-8d4d-000000000001", defaults: config, ...options },
    { fs: nodeFileSystem(), clock: systemClock(), onFatal: (error) => fatal.push(error) },
  );
}

function batch(values: readonly string[], timestampMs = 1000): Uint8Array {
  return buildBatch(values.map((value) => ({ key: null, value: Buffer.from(value), timestampMs })));
}

function counted(log: PartitionLog, offset: number): Promise<void> {
  return new Promise((resolve) => {
    const stop = log.onCounted(() => check());
    const check = (): void => {
      if (log.countedOffset < offset) return;
      stop();
      resolve();
    };
    check();
  });
}

function valuesOf(result: ReadResult): string[] {
  if (result.kind !== "batches") throw new Error(`no batches but ${result.kind}`);
  const values: string[] = [];
  for (const { at, header } of batchesIn(result.bytes)) {
    const whole = result.bytes.subarray(at, at + header.sizeBytes);
    for (const record of readPlainRecords(whole))
      values.push(`${record.offset}:${Buffer.from(record.value ?? []).toString()}`);
  }
  return values;
}

async function readAll(log: PartitionLog, from = log.logStartOffset): Promise<string[]> {
  const values: string[] = [];
  let offset = from;
  while (offset < log.countedOffset) {
    const result = await log.read({ offset, maxBytes: 1000, limit: log.countedOffset });
    values.push(...valuesOf(result));
    if (result.kind === "batches") offset = result.nextOffset;
  }
  return values;
}

async function fill(log: PartitionLog, from: number, to: number): Promise<string[]> {
  const values: string[] = [];
  for (let offset = from; offset < to; offset += 2) {
    const texts = [`a${offset}`, `b${offset}-${"x".repeat(100)}`];
    const outcome = log.appendAsLeader(batch(texts, 1000 + offset), { now: 1 });
    expect(outcome).toMatchObject({ kind: "appended", baseOffset: offset, lastOffset: offset + 1 });
    values.push(`${offset}:${texts[0]}`, `${offset + 1}:${texts[1]}`);
  }
  await counted(log, to);
  return values;
}

test.each(["sync", "os"] as const)("LogStore keeps what counted across a restart, flush=%s", async (flush) => {
  const store = await open();
  const log = await store.create(id, { ...config, flush });
  expect(log.appendAsLeader(batch(["x"]), { now: 1 })).toMatchObject({ kind: "refused", reason: "NOT_LEADER" });
  log.startEpoch(3);
  const values = await fill(log, 0, 200);
  expect(await readAll(log)).toEqual(values);
  await store.checkpoint();
  expect(log.segments.length).toBeGreaterThan(2);
  expect(await readAll(log)).toEqual(values);
  await store.close();

  await using again = await open({ tailCacheBytes: 4096 });
  const same = again.get(id.topicId, 0);
  if (same === undefined) throw new Error("the partition is gone");
  expect(same.logEndOffset).toBe(200);
  expect(same.state.kind).toBe("needs-epoch");
  expect(await readAll(same)).toEqual(values);
  expect(await readAll(same, 101)).toEqual(values.slice(100));
  expect(same.epochEnd(3)).toEqual({ epoch: 3, end: 200 });
  same.startEpoch(4);
  values.push(...(await fill(same, 200, 220)));
  expect(await readAll(same)).toEqual(values);
});

test("PartitionLog.truncate() cuts at batches, and what follows takes their place", async () => {
  const store = await open({ tailCacheBytes: 4096 });
  const log = await store.create(id, config);
  log.startEpoch(1);
  const values = await fill(log, 0, 100);
  expect(await log.truncate(51)).toBe(50);
  expect(log.logEndOffset).toBe(50);
  expect(await log.truncate(500)).toBe(50);
  log.startEpoch(2);
  const more = await fill(log, 50, 60);
  expect(await readAll(log)).toEqual([...values.slice(0, 50), ...more]);
  await store.close();
  await using again = await open();
  const same = again.get(id.topicId, 0);
  expect(same === undefined ? [] : await readAll(same)).toEqual([...values.slice(0, 50), ...more]);
});

test("PartitionLog.appendAsLeader() checks sequence before expected offset (H-12)", async () => {
  await using store = await open();
  const log = await store.create(id, config);
  log.startEpoch(1);
  const producer = { producerId: 7, producerEpoch: 0 };
  const make = (sequence: number): Uint8Array =>
    buildBatch([{ value: Buffer.from("v"), timestampMs: 1 }], { ...producer, baseSequence: sequence });
  expect(log.appendAsLeader(make(0), { now: 1, expectedOffset: 0 })).toMatchObject({ kind: "appended", baseOffset: 0 });
  expect(log.appendAsLeader(make(0), { now: 1, expectedOffset: 0 })).toMatchObject({
    kind: "duplicate",
    baseOffset: 0,
  });
  expect(log.appendAsLeader(make(1), { now: 1, expectedOffset: 0 })).toMatchObject({ reason: "WRONG_EXPECTED_OFFSET" });
  expect(log.appendAsLeader(make(5), { now: 1 })).toMatchObject({
    reason: "OUT_OF_ORDER_SEQUENCE",
    expectedSequence: 1,
  });
  expect(log.appendAsLeader(make(1), { now: 1, expectedOffset: 1 })).toMatchObject({ kind: "appended", baseOffset: 1 });
});

test("PartitionLog.offsetForTime() finds the exact record, in files and in memory", async () => {
  const store = await open();
  const log = await store.create(id, config);
  log.startEpoch(1);
  await fill(log, 0, 200);
  expect(await log.offsetForTime(1100, 200)).toEqual({ offset: 100, timestampMs: 1100, leaderEpoch: 1 });
  expect(await log.offsetForTime(1101, 200)).toEqual({ offset: 102, timestampMs: 1102, leaderEpoch: 1 });
  expect(await log.offsetForTime(1199, 200)).toBeUndefined();
  expect(await log.offsetForTime(0, 200)).toMatchObject({ offset: 0 });
  expect(await log.maxTimestamp(200)).toEqual({ offset: 198, timestampMs: 1198, leaderEpoch: 1 });
  await store.close();
});

test("LogStore.delete() removes, retention removes whole segments below the high watermark (J-16)", async () => {
  await using store = await open();
  const log = await store.create(id, { ...config, retentionBytes: 10_000 });
  log.startEpoch(1);
  await fill(log, 0, 200);
  // All of it could go, but nothing is committed yet (F-6).
  await store.checkpoint();
  expect(await store.runRetention()).toEqual({ segments: 0, bytes: 0 });
  log.advanceHighWatermark(200);
  const report = await store.runRetention();
  expect(report.segments).toBeGreaterThan(0);
  expect(log.logStartOffset).toBeGreaterThan(0);
  expect((await log.read({ offset: 0, maxBytes: 1, limit: 200 })).kind).toBe("out-of-range");
  const start = log.logStartOffset;
  expect(await log.deleteRecordsBefore(start + 5)).toBe(start + 5);
  expect((await readAll(log))[1]).toMatch(new RegExp(`^${start + 5}:`));
  await store.delete(id);
  expect(store.get(id.topicId, 0)).toBeUndefined();
  expect(log.state.kind).toBe("closed");
  expect(log.appendAsLeader(batch(["x"]), { now: 1 })).toMatchObject({ reason: "SHUTTING_DOWN" });
});

test("admit() J-2: who needs much room is not passed by those who need little", async () => {
  // Room there is at the next checkpoint at the latest.
  const store = await open({ queuedBytesMax: 4096, checkpointIntervalMs: 100 });
  const log = await store.create(id, config);
  log.startEpoch(1);
  const first = batch(["x".repeat(3000)]);
  expect(store.admit(first.byteLength)).toBeUndefined();
  log.appendAsLeader(first, { now: 1000 });
  const order: string[] = [];
  const large = store.admit(2000)?.then(() => order.push("large"));
  expect(large).toBeDefined();
  const small = store.admit(10)?.then(() => order.push("small"));
  expect(small).toBeDefined();
  await Promise.all([large, small]);
  expect(order).toEqual(["large", "small"]);
  expect(store.admit(10)).toBeUndefined();
  await store.close();
});
