// SPDX-License-Identifier: Apache-2.0
// The pump of `varve replay`: source ──> pace ──> sink, with a checkpoint now and then.
//
//   read ─> due? ─> write ─> … ─> settle: all of it is safe there ─> state file ─> …
//
// The state file is written only after what it counts is safe, so a crash loses nothing; what was written since the last one is at most
// `windowRecords` records, and every sink knows what to do about it. Memory: what the reader holds and what the sink takes.

import type { ConsumedRecord } from "@varve/client";
import { setTimeout as sleep } from "node:timers/promises";
import { Pacer, type Pace } from "./pace.ts";
import type { PartitionRange } from "./range.ts";
import type { ReplayState } from "./replay-state.ts";
import type { ReplaySink } from "./sink.ts";
import type { ReplaySource } from "./source.ts";

/** Most records and bytes between two checkpoints; landed.ts has room for the first. */
export const windowRecords = 20_000;
export const windowBytes = 16 << 20;
/** A checkpoint at least so often, in ms, while records go out. */
const checkpointMs = 1_000;
/** Before a longer wait what is under way is settled. */
const longWaitMs = 250;

export interface ReplayOptions {
  readonly source: ReplaySource;
  readonly sink: ReplaySink;
  /** Moved on as records go out. */
  readonly ranges: readonly PartitionRange[];
  readonly pace: Pace;
  /** Called with what is safe, and at the end; undefined: nobody wants to go on later. */
  readonly checkpoint: ((state: Progress) => Promise<void>) | undefined;
  readonly onRecord: (record: ConsumedRecord, bytes: number) => void;
  /** Aborted: stop behind the record that is at hand, and settle. */
  readonly signal: AbortSignal;
}

export type Progress = Pick<ReplayState, "sink" | "records" | "bytes" | "skipped" | "finished">;

/** Of this run. */
export async function replay(options: ReplayOptions): Promise<Progress> {
  const pump = new Pump(options);
  const { source, signal } = options;
  const stop = (): void => void source.close();
  signal.addEventListener("abort", stop, { once: true });
  try {
    // Before the first record goes out: a crash within the first second must not look like a replay that never began.
    if (options.checkpoint !== undefined) await pump.checkpoint();
    for await (const records of source.batches()) {
      if (!(await pump.take(records))) return await pump.checkpoint();
    }
    return await pump.checkpoint({ isEnd: !signal.aborted });
  } finally {
    signal.removeEventListener("abort", stop);
    await source.close();
  }
}

class Pump {
  private readonly options: ReplayOptions;
  private readonly pacer: Pacer;
  private readonly ranges: ReadonlyMap<number, PartitionRange>;
  private records = 0;
  private bytes = 0;
  private windowed = { records: 0, bytes: 0, sinceMs: performance.now() };
  /** The partition whose records are at hand: how far the source is in it says nothing of how far they are. */
  private atHand: number | undefined;

  constructor(options: ReplayOptions) {
    this.options = options;
    this.pacer = new Pacer(options.pace, performance.now());
    this.ranges = new Map(options.ranges.map((range) => [range.partition, range]));
  }

  /** Records of one partition; false: no more. */
  async take(records: readonly ConsumedRecord[]): Promise<boolean> {
    this.atHand = records[0]?.partition;
    for (const record of records) {
      if (this.options.signal.aborted) return false;
      const bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0);
      const delayMs = this.pacer.delayMs({ timestampMs: record.timestampMs, bytes }, performance.now());
      if (delayMs >= 1 && !(await this.waited(delayMs))) return false;
      const written = this.options.sink.write(record);
      const goesOn = typeof written === "boolean" ? written : await written;
      this.count(record, bytes);
      if (!goesOn) return false;
      if (this.options.checkpoint !== undefined && this.isCheckpointDue()) await this.checkpoint();
    }
    this.atHand = undefined;
    return true;
  }

  /** What was taken is safe when it resolves, and said to be. @param isEnd nothing is left to read */
  async checkpoint({ isEnd = false } = {}): Promise<Progress> {
    const { sink, source, checkpoint } = this.options;
    const sinkState = await sink.settle();
    for (const range of this.ranges.values()) {
      if (range.partition === this.atHand) continue;
      range.next = Math.max(range.next, source.position(range.partition) ?? 0);
      if (isEnd && range.end.kind === "offset") range.next = Math.max(range.next, range.end.offset);
    }
    const { records, bytes } = this;
    const progress = { sink: sinkState, records, bytes, skipped: source.skipped, finished: isEnd };
    await checkpoint?.(progress);
    this.windowed = { records: 0, bytes: 0, sinceMs: performance.now() };
    return progress;
  }

  private count(record: ConsumedRecord, bytes: number): void {
    const range = this.ranges.get(record.partition);
    if (range !== undefined) {
      range.next = record.offset + 1;
      range.records += 1;
      if (range.end.kind === "count") range.end = { kind: "count", count: Math.max(0, range.end.count - 1) };
    }
    this.records += 1;
    this.bytes += bytes;
    this.windowed.records += 1;
    this.windowed.bytes += bytes;
    this.options.onRecord(record, bytes);
  }

  /** False: interrupted, and the record at hand stays for another time. */
  private async waited(delayMs: number): Promise<boolean> {
    const { checkpoint, signal } = this.options;
    const untilMs = performance.now() + delayMs;
    if (delayMs >= longWaitMs && this.windowed.records > 0 && checkpoint !== undefined) await this.checkpoint();
    for (let leftMs = untilMs - performance.now(); leftMs >= 1; leftMs = untilMs - performance.now()) {
      // Node's timers hold 2^31 - 1 ms. An interrupt ends the wait.
      await sleep(Math.min(leftMs, 2 ** 31 - 1), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return false;
    }
    return true;
  }

  private isCheckpointDue(): boolean {
    const { records, bytes, sinceMs } = this.windowed;
    return records >= windowRecords || bytes >= windowBytes || performance.now() - sinceMs >= checkpointMs;
  }
}
