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
  private isOver = false;
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
      await this.one(record);
      if (this.isOver) return false;
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

  private async one(record: ConsumedRecord): Promise<void> {
    const { sink, signal, checkpoint, onRecord } = this.options;
    const bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0);
    const delayMs = this.pacer.delayMs({ timestampMs: record.timestampMs, bytes }, performance.now());
    if (delayMs >= longWaitMs && this.windowed.records > 0 && checkpoint !== undefined) await this.checkpoint();
    // An interrupt ends the wait, and the record stays for another time.
    if (delayMs >= 1 && !(await waited(delayMs, signal))) return;
    const written = sink.write(record);
    const goesOn = typeof written === "boolean" ? written : await written;
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
    onRecord(record, bytes);
    if (!goesOn) this.isOver = true;
    else if (checkpoint !== undefined && this.isCheckpointDue()) await this.checkpoint();
  }

  private isCheckpointDue(): boolean {
    const { records, bytes, sinceMs } = this.windowed;
    return records >= windowRecords || bytes >= windowBytes || performance.now() - sinceMs >= checkpointMs;
  }
}

async function waited(delayMs: number, signal: AbortSignal): Promise<boolean> {
  // Node's timers hold 2^31 - 1 ms; a replay that waits for longer waits in pieces.
  const untilMs = performance.now() + delayMs;
  for (let leftMs = delayMs; leftMs >= 1; leftMs = untilMs - performance.now()) {
    await sleep(Math.min(leftMs, 2 ** 31 - 1), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return false;
  }
  return true;
}
