// SPDX-License-Identifier: Apache-2.0
// One load for all contenders: so many batches, so many of them under way. What differs is who makes them durable.

import { performance } from "node:perf_hooks";

import { batchHeaderBytes, buildBatch, recordSizeBytes } from "@varve/format";
import type { LogStore, PartitionLog } from "@varve/log";

import type { Row } from "../table.ts";
import type { BareFile } from "./disk.ts";

export interface Load {
  readonly batches: number;
  /** Batches that are appended and not acknowledged, of all writers together. */
  readonly inFlight: number;
}

export interface Outcome {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly bytes: number;
  /** From append to acknowledgement, in ms, sorted. */
  readonly latencies: Float64Array;
}

/**
 * Batches of one record that are handed out in turn, again and again: the log owns what it is given and stamps offsets into
 * it, so the pool is larger than all that a store of `openBenchStore` keeps in memory.
 */
export class BatchPool {
  readonly batchBytes: number;
  readonly #batches: Uint8Array[];
  #next = 0;

  constructor(batchBytes: number, poolBytes: number) {
    const batch = batchOf(batchBytes);
    this.batchBytes = batchBytes;
    this.#batches = Array.from({ length: Math.ceil(poolBytes / batchBytes) }, () => batch.slice());
  }

  next(): Uint8Array {
    const batch = this.#batches[this.#next]!;
    this.#next = (this.#next + 1) % this.#batches.length;
    return batch;
  }
}

/** A batch of exactly so many bytes, with one record. */
function batchOf(sizeBytes: number): Uint8Array {
  const timestampMs = 1_700_000_000_000;
  let valueBytes = sizeBytes - batchHeaderBytes;
  while (batchHeaderBytes + recordSizeBytes({ value: new Uint8Array(valueBytes), timestampMs }, 0, 0) > sizeBytes) {
    valueBytes--;
  }
  const batch = buildBatch([{ value: new Uint8Array(valueBytes).fill(0x61), timestampMs }]);
  if (batch.length !== sizeBytes) throw new Error(`A batch of ${batch.length} bytes was built, not of ${sizeBytes}.`);
  return batch;
}

/** Measures from the first append to the last acknowledgement. */
class Stopwatch {
  readonly #cpu = process.cpuUsage();
  readonly #from = performance.now();
  readonly #latencies: Float64Array;
  #count = 0;

  constructor(batches: number) {
    this.#latencies = new Float64Array(batches);
  }

  acknowledged(startedMs: number, nowMs: number): void {
    this.#latencies[this.#count++] = nowMs - startedMs;
  }

  stop(bytes: number): Outcome {
    const seconds = (performance.now() - this.#from) / 1000;
    const { user, system } = process.cpuUsage(this.#cpu);
    if (this.#count !== this.#latencies.length) throw new Error(`${this.#count} batches were acknowledged.`);
    return { seconds, cpuSeconds: (user + system) / 1e6, bytes, latencies: this.#latencies.sort() };
  }
}

/**
 * Writers that share one file: what waits goes into one `writev`, and counts after one `fdatasync` where that is wanted; then
 * all of them send again.
 */
export async function driveBare(
  file: BareFile,
  pool: BatchPool,
  load: Load,
  { isSynced }: { readonly isSynced: boolean },
): Promise<Outcome> {
  const watch = new Stopwatch(load.batches);
  for (let sent = 0; sent < load.batches;) {
    const startedMs = performance.now();
    const group = Array.from({ length: Math.min(load.inFlight, load.batches - sent) }, () => pool.next());
    await file.write(group);
    if (isSynced) await file.sync();
    const nowMs = performance.now();
    for (let index = 0; index < group.length; index++) watch.acknowledged(startedMs, nowMs);
    sent += group.length;
  }
  return watch.stop(load.batches * pool.batchBytes);
}

/**
 * One file for each partition, each with its share of the load and a sync of its own; `threads` of them at a time, which is
 * what a thread pool of that size does. A batch is under way from the moment its file acknowledged the one before.
 */
export async function driveBareFiles(
  files: readonly BareFile[],
  pool: BatchPool,
  load: Load,
  threads: number,
): Promise<Outcome> {
  const watch = new Stopwatch(load.batches);
  const share = Math.max(1, load.inFlight / files.length);
  const startedMs = files.map(() => performance.now());
  let sent = 0;
  let next = 0;
  const drive = async (): Promise<void> => {
    while (sent < load.batches) {
      const index = next++ % files.length;
      const group = Array.from({ length: Math.min(share, load.batches - sent) }, () => pool.next());
      sent += group.length;
      await files[index]!.write(group);
      await files[index]!.sync();
      const nowMs = performance.now();
      for (let count = 0; count < group.length; count++) watch.acknowledged(startedMs[index]!, nowMs);
      startedMs[index] = nowMs;
    }
  };
  await Promise.all(Array.from({ length: threads }, drive));
  return watch.stop(load.batches * pool.batchBytes);
}

/** The log: each partition has its share under way, and sends again when a commit says what counts. */
export async function driveLog(
  store: LogStore,
  logs: readonly PartitionLog[],
  pool: BatchPool,
  load: Load,
): Promise<Outcome> {
  const watch = new Stopwatch(load.batches);
  const share = Math.max(1, load.inFlight / logs.length);
  let sent = 0;
  let acknowledged = 0;
  const { promise: over, resolve: finish, reject: fail } = withResolvers();
  const stops = logs.map((log) => {
    /** When the batches were appended that do not count yet; the first has offset `counted`. */
    const started: number[] = [];
    let counted = log.countedOffset;
    let isWaiting = false;
    const send = (): void => {
      while (!isWaiting && started.length < share && sent < load.batches) {
        const room = store.admit(pool.batchBytes);
        if (room !== undefined) {
          isWaiting = true;
          void room.then(() => {
            isWaiting = false;
            send();
          });
          return;
        }
        sent++;
        started.push(performance.now());
        const outcome = log.appendAsLeader(pool.next(), { now: Date.now() });
        if (outcome.kind !== "appended") fail(new Error(`The log refused a batch: ${JSON.stringify(outcome)}`));
      }
    };
    const stop = log.onCounted(() => {
      const count = log.countedOffset - counted;
      if (count === 0) return;
      counted = log.countedOffset;
      const nowMs = performance.now();
      for (const startedMs of started.splice(0, count)) watch.acknowledged(startedMs, nowMs);
      acknowledged += count;
      if (acknowledged === load.batches) finish();
      else send();
    });
    send();
    return stop;
  });
  await over;
  for (const stop of stops) stop();
  return watch.stop(load.batches * pool.batchBytes);
}

function withResolvers(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve!: () => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

/** Runs every contender in turn, `rounds` times, and gives the median of each by rate. */
export async function inTurn(
  contenders: readonly (() => Promise<Outcome>)[],
  rounds: number,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[][] = contenders.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, contender] of contenders.entries()) outcomes[index]!.push(await contender());
  }
  return outcomes.map((found) => found.sort((a, b) => a.seconds - b.seconds)[Math.floor((rounds - 1) / 2)]!);
}

export function megabytesPerSecond(outcome: Outcome): number {
  return outcome.bytes / 1e6 / outcome.seconds;
}

export function outcomeRow(what: string, outcome: Outcome, more: Row = {}): Row {
  const { latencies } = outcome;
  const at = (share: number): number => latencies[Math.floor((latencies.length - 1) * share)] ?? 0;
  return {
    what,
    "MB/s": megabytesPerSecond(outcome),
    "p50 ms": at(0.5),
    "p99 ms": at(0.99),
    "CPU s/GiB": outcome.cpuSeconds / (outcome.bytes / 2 ** 30),
    ...more,
  };
}
