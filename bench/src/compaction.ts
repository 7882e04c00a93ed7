// SPDX-License-Identifier: Apache-2.0
// How fast does compaction go through a log, and what does a producer notice of it? Estimate: reading and checking 1 GB/s, a record
// 0.1 µs to read, 0.2 µs to find its key (SHA-256 of one that is longer than 126 bytes: 1 µs), twice: with records of 100 bytes
// 100 to 150 MB/s of one thread. At the default rate of 32 MiB/s it has a third of it, in slices of 2,000 records (1 to 2 ms): the p99 of
// a produce grows by about one slice.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";

import { RecordBatchBuilder, buildBatch } from "@varve/format";
import { nodeFileSystem, type LogStore, type PartitionLog } from "@varve/log";

import { withDirectory } from "./broker/server.ts";
import { warmUpDisk } from "./log/disk.ts";
import { createLogs, openBenchStore } from "./log/store.ts";
import type { Row } from "./table.ts";

export const name = "compaction";
export const description =
  "a log of keyed records of 100 B is compacted, alone and beside a paced producer (VARVE_BENCH_COMPACTION_MIB, 128)";

const mebibytes = Number(process.env["VARVE_BENCH_COMPACTION_MIB"] ?? "128");
const keyCount = 200_000;
const appendsPerSecond = 400;
const windowMs = 5_000;

const config = {
  segmentBytes: 32 << 20,
  compaction: {
    minDirtyRatio: 0,
    minLagMs: 0,
    maxLagMs: Number.MAX_SAFE_INTEGER,
    deleteRetentionMs: 86_400_000,
  },
};

export async function run(): Promise<readonly Row[]> {
  return withDirectory(async (directory) => {
    await warmUpDisk(directory);
    const rows: Row[] = [];
    for (const [what, keyBytes] of [
      ["keys of 12 B", 12],
      ["keys of 36 B", 36],
    ] as const) {
      rows.push(await alone(join(directory, "alone"), what, keyBytes));
    }
    for (const [what, bytesPerSecond] of [
      ["at 32 MiB/s", 32 << 20],
      ["without a limit", 0],
    ] as const) {
      rows.push(...(await beside(join(directory, "beside"), what, bytesPerSecond)));
    }
    return rows;
  });
}

/** MB of segments a second that a compaction with the machine to itself goes through. */
async function alone(directory: string, what: string, keyBytes: number): Promise<Row> {
  const store = await openBenchStore(directory, nodeFileSystem(), { compactionBytesPerSecond: 0 });
  const [log] = await createLogs(store, 1, "os", config);
  await fill(store, log!, keyBytes);
  const cpu = process.cpuUsage();
  const from = performance.now();
  const reports = await store.runCompaction();
  const seconds = (performance.now() - from) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const [outcome] = reports.map((report) => report.outcome);
  if (outcome?.kind !== "done") throw new Error(`The compaction ended as ${JSON.stringify(reports)}.`);
  await store.close();
  await rm(directory, { recursive: true });
  return {
    what: `compaction alone, ${what}`,
    "MB/s": Math.round(outcome.bytesBefore / 1e6 / seconds),
    left: `${Math.round((outcome.bytesAfter / outcome.bytesBefore) * 100)} %`,
    "CPU s/GB": (((user + system) / 1e6 / outcome.bytesBefore) * 1e9).toFixed(1),
  };
}

/** Latency of a paced producer to another partition, with and without a compaction, in turn. */
async function beside(directory: string, what: string, compactionBytesPerSecond: number): Promise<Row[]> {
  const store = await openBenchStore(directory, nodeFileSystem(), { compactionBytesPerSecond });
  const [compacted, produced] = await createLogs(store, 2, "sync", config);
  await produced!.setConfig({ ...produced!.config, compaction: undefined });
  await fill(store, compacted!, 12);
  const before = await pacedProduce(produced!, () => performance.now() - start < windowMs);
  const { runs } = store.stats().compaction;
  const compaction = store.runCompaction();
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  compaction.then(over, over);
  const during = await pacedProduce(produced!, () => !isOver && performance.now() - start < 4 * windowMs);
  store.stopCompaction();
  await compaction;
  if (store.stats().compaction.runs === runs) throw new Error("Nothing was compacted.");
  await store.close();
  await rm(directory, { recursive: true });
  return [
    { what: "produce, flush=sync, 400/s of 1 KiB", ...latencyOf(before) },
    {
      what: `the same beside a compaction ${what}`,
      ...latencyOf(during),
      "p99 ratio": (quantile(during.latencies, 0.99) / quantile(before.latencies, 0.99)).toFixed(2),
    },
  ];
}

let start = 0;

interface Produced {
  readonly latencies: Float64Array;
  readonly loopDelayMsMax: number;
}

/** Appends at a fixed rate, whatever became of the ones before, while `goesOn`. */
async function pacedProduce(log: PartitionLog, goesOn: () => boolean): Promise<Produced> {
  start = performance.now();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const waiting: { readonly end: number; readonly dueMs: number }[] = [];
  const latencies: number[] = [];
  const stop = log.onCounted(() => {
    const now = performance.now();
    while ((waiting[0]?.end ?? Infinity) <= log.countedOffset) latencies.push(now - waiting.shift()!.dueMs);
  });
  const value = new Uint8Array(1_000).fill(0x61);
  for (let count = 0; goesOn(); count++) {
    const dueMs = start + (count * 1000) / appendsPerSecond;
    while (performance.now() < dueMs) await new Promise((resolve) => setTimeout(resolve, dueMs - performance.now()));
    const outcome = log.appendAsLeader(buildBatch([{ value, timestampMs: Date.now() }]), { now: Date.now() });
    if (outcome.kind !== "appended") throw new Error(JSON.stringify(outcome));
    waiting.push({ end: outcome.lastOffset + 1, dueMs });
  }
  while (waiting.length > 0) await new Promise((resolve) => setImmediate(resolve));
  stop();
  delay.disable();
  return { latencies: Float64Array.from(latencies).sort(), loopDelayMsMax: delay.max / 1e6 };
}

/** Batches of 16 KiB with records of 100 B, their keys drawn from so many; everything counts, is synced and may be compacted. */
async function fill(store: LogStore, log: PartitionLog, keyBytes: number): Promise<void> {
  const builder = new RecordBatchBuilder();
  const value = new Uint8Array(100 - keyBytes).fill(0x62);
  let random = 12_345;
  for (let bytes = 0; bytes < mebibytes << 20;) {
    builder.reset();
    while (builder.sizeBytes < 16 * 1024) {
      random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
      const key = Buffer.from(`${(random >>> 8) % keyCount}`.padStart(keyBytes, "k"));
      builder.append({ key, value, timestampMs: 1_700_000_000_000 });
    }
    const batch = builder.finish();
    bytes += batch.length;
    const room = store.admit(batch.length);
    if (room !== undefined) await room;
    const outcome = log.appendAsLeader(batch, { now: Date.now() });
    if (outcome.kind !== "appended") throw new Error(JSON.stringify(outcome));
    if (bytes % (1 << 20) < batch.length) await new Promise((resolve) => setImmediate(resolve));
  }
  while (log.countedOffset < log.logEndOffset) await new Promise((resolve) => setTimeout(resolve, 5));
  log.advanceHighWatermark(log.countedOffset);
  await store.checkpoint();
}

function latencyOf({ latencies, loopDelayMsMax }: Produced): Row {
  return {
    "p50 ms": quantile(latencies, 0.5).toFixed(2),
    "p99 ms": quantile(latencies, 0.99).toFixed(2),
    "max ms": quantile(latencies, 1).toFixed(1),
    "loop delay max ms": loopDelayMsMax.toFixed(1),
  };
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
