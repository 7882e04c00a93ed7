/**
 * One compaction of one partition, beside everything else that happens to it (J-17 to J-21).
 *
 *   1. plan       which whole segments, and from where on keys are new
 *   2. headers    which batches of producers are still remembered; keys of the dirty part: offset of the latest
 *   3. segments   from the first on: written anew beside the old one, synced, then put in its place in a job of the writer
 *   4. cleaned    `cleanedTo` moves when every segment is in its place, durably
 *   5. merge      neighbours that are small now become one segment
 *
 * From the first on, and one after the other: when a tombstone's time begins, nothing older of its key is left (J-20). Stopped
 * anywhere, it has done no harm: what was put in its place says the same, and the next run begins anew.
 */
import { RecordCursor, isControl, isTransactional, readBatchHeader } from "@varve/format";
import type { BatchHeader } from "@varve/format";
import type { Clock } from "../clock.ts";
import { LogError } from "../errors.ts";
import { FileSystemError, isShortage } from "../file-system.ts";
import type { FileSystem } from "../file-system.ts";
import { gapBatches } from "../gap-batch.ts";
import type { Lanes } from "../lanes.ts";
import type { PartitionLog } from "../partition-log.ts";
import type { Segment } from "../segment.ts";
import { CleanedSegment } from "./cleaned-segment.ts";
import { cleanBatch, plainRecords } from "./clean-batch.ts";
import type { CleanContext } from "./clean-batch.ts";
import { KeyMap } from "./key-map.ts";
import { KnownProducers } from "./known-producers.ts";
import type { Pace } from "./pace.ts";
import type { CompactionPlan } from "./plan-compaction.ts";
import { walkSegment } from "./walk-segment.ts";

export interface CompactionParts {
  readonly fs: FileSystem;
  readonly clock: Clock;
  readonly lanes: Lanes;
  readonly pace: Pace;
  /** Of the table of keys. */
  readonly keyBytesMax: number;
  /** J-15: why nothing more would be appended if so much were written, for want of space; or undefined. */
  spaceRefusal(moreBytes: number): string | undefined;
  spaceSpent(bytes: number): void;
}

/** What became of a run. */
export interface CompactionOutcome {
  /**
   * - `done`: everything the plan named. - `partly`: the table of keys was full; the rest is for the next run.
   * - `stopped`: the store is closing. - `overtaken`: the log was cut or started anew meanwhile.
   * - `no-room`: the disk is full, or no descriptor is left. - `damaged`: found on the way, and the partition is quarantined.
   * - `failed`: an error of the disk that harmed nothing but this run.
   */
  readonly kind: "done" | "partly" | "stopped" | "overtaken" | "no-room" | "damaged" | "failed";
  readonly why: string | undefined;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Of segments, before and after. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** Why a run ends before its end. */
class Ended extends Error {
  readonly kind: CompactionOutcome["kind"];

  constructor(kind: CompactionOutcome["kind"], why: string) {
    super(why);
    this.kind = kind;
  }
}

export async function compactPartition(
  log: PartitionLog,
  plan: CompactionPlan,
  deleteRetentionMs: number,
  parts: CompactionParts,
): Promise<CompactionOutcome> {
  return new Run(log, plan, deleteRetentionMs, parts).run();
}

class Run {
  readonly #log: PartitionLog;
  readonly #plan: CompactionPlan;
  readonly #deleteRetentionMs: number;
  readonly #parts: CompactionParts;
  readonly #segments: readonly Segment[];
  readonly #cutCount: number;
  /** Offsets of the batches by which producers are recognised, of those that are known. */
  readonly #remembered = new Set<number>();
  readonly #latest: KeyMap;
  readonly #producers: KnownProducers;
  /** Start, length and offset delta of the keys of one batch. */
  #keys = new Int32Array(3 * 256);
  #to: number;
  #bytesRead = 0;
  #bytesWritten = 0;
  #bytesBefore = 0;
  #bytesAfter = 0;

  constructor(log: PartitionLog, plan: CompactionPlan, deleteRetentionMs: number, parts: CompactionParts) {
    this.#log = log;
    this.#plan = plan;
    this.#deleteRetentionMs = deleteRetentionMs;
    this.#parts = parts;
    this.#segments = log.segments.slice(0, plan.count);
    this.#cutCount = log.compaction.cutCount;
    this.#to = plan.to;
    this.#producers = new KnownProducers(log.producers, log.compaction.producersBelow);
    this.#latest = new KeyMap({ keys: plan.to - plan.from, bytesMax: parts.keyBytesMax });
  }

  async run(): Promise<CompactionOutcome> {
    try {
      await this.#enterKeys();
      const context = this.#cleanContext();
      for (const segment of this.#segments) await this.#clean(segment, context);
      this.#assertMayGoOn(undefined);
      // J-20: everything is in its place, durably.
      this.#log.compaction.cleaned(this.#to);
      this.#log.compaction.remember({ end: this.#plan.to, entries: this.#producers.entries() });
      await this.#mergeAll();
      return this.#outcome(this.#to < this.#plan.to ? "partly" : "done", undefined);
    } catch (error) {
      if (error instanceof Ended) return this.#outcome(error.kind, error.message);
      if (isShortage(error)) return this.#outcome("no-room", error.message);
      if (error instanceof FileSystemError) return this.#outcome("failed", error.message);
      if (!(error instanceof LogError)) throw error;
      // J-14: the partition, or the node, has been told.
      this.#log.compaction.failed(error);
      return this.#outcome(error.retriable ? "no-room" : "failed", error.message);
    }
  }

  async #enterKeys(): Promise<void> {
    const { from } = this.#plan;
    const producers = this.#producers;
    let isFull = false;
    for (const segment of this.#segments) {
      // What is below has been through this: only its producers are of interest, and the last run may have known them.
      const isKnown = producers.known.size === 0 || segment.endOffset <= producers.from;
      if (segment.endOffset <= from && isKnown) continue;
      await this.#walk(segment, true, async (batch, header) => {
        producers.take(header);
        if (isFull || header.baseOffset + header.lastOffsetDelta < from) return;
        isFull = !(await this.#enterBatch(batch, header));
      });
    }
    for (const offset of producers.remembered()) this.#remembered.add(offset);
    if (this.#to <= from) throw new Ended("failed", "the table of keys has no room for a single record");
  }

  /** False: the table is full, and what is from here on is for the next run. */
  async #enterBatch(batch: Uint8Array, header: BatchHeader): Promise<boolean> {
    const { pace } = this.#parts;
    const plain = await plainRecords(batch, header);
    if (plain === undefined) return true;
    // J-18: nothing of a batch is entered before all of it is known to be readable.
    let count = 0;
    const cursor = new RecordCursor(plain, header);
    while (cursor.tryNext()) {
      const wait = pace.record(0);
      if (wait !== undefined) await wait;
      if (cursor.offset < this.#plan.from || cursor.keyLength < 0) continue;
      this.#noteKey(count++, cursor.keyStart, cursor.keyLength, cursor.offset - header.baseOffset);
    }
    if (cursor.fault !== undefined) return true;
    const keys = this.#keys;
    for (let index = 0; index < 3 * count; index += 3) {
      const keyStart = keys[index] ?? 0;
      const keyLength = keys[index + 1] ?? 0;
      const offset = header.baseOffset + (keys[index + 2] ?? 0);
      const wait = pace.record(keyLength);
      if (wait !== undefined) await wait;
      if (this.#latest.put(plain, keyStart, keyLength, offset)) continue;
      this.#to = offset;
      return false;
    }
    return true;
  }

  /** Of the batch that is entered; the memory serves all of them. */
  #noteKey(index: number, start: number, length: number, offsetDelta: number): void {
    const at = 3 * index;
    if (at === this.#keys.length) {
      const before = this.#keys;
      this.#keys = new Int32Array(2 * before.length);
      this.#keys.set(before);
    }
    this.#keys[at] = start;
    this.#keys[at + 1] = length;
    this.#keys[at + 2] = offsetDelta;
  }

  #cleanContext(): CleanContext {
    return {
      latest: this.#latest,
      from: this.#plan.from,
      to: this.#to,
      nowMs: this.#parts.clock.nowMs(),
      deleteRetentionMs: this.#deleteRetentionMs,
      pace: this.#parts.pace,
      hasUnopened: false,
    };
  }

  async #clean(segment: Segment, context: CleanContext): Promise<void> {
    this.#assertMayGoOn(segment);
    context.nowMs = this.#parts.clock.nowMs();
    const before = segment.sizeBytes;
    const bytes = await this.#replace([segment], async (batch, header, cleaned) => {
      const clean = this.#withoutProducer(await cleanBatch(batch, header, context), header);
      await cleaned.add(clean, clean === batch ? header : readBatchHeader(clean), clean === batch);
    });
    this.#bytesBefore += before;
    this.#bytesAfter += bytes ?? before;
  }

  /** Until no neighbours fit together any more: every step leaves fewer segments. */
  async #mergeAll(): Promise<void> {
    for (;;) {
      const groups = this.#log.compaction.mergeable(this.#to);
      if (groups.length === 0) return;
      for (const group of groups) await this.#merge(group);
    }
  }

  /** Every batch as it is, read and checked once more: what is put together is what was there. */
  async #merge(group: readonly Segment[]): Promise<void> {
    const before = group.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const bytes = await this.#replace(group, (batch, header, merged) => merged.add(batch, header, false));
    this.#bytesAfter -= before - (bytes ?? before);
  }

  /** Writes what takes the place of `sources`, and puts it there; returns its bytes, undefined when it would be the same (J-19). */
  async #replace(
    sources: readonly Segment[],
    visit: (batch: Uint8Array, header: BatchHeader, made: CleanedSegment) => Promise<void>,
  ): Promise<number | undefined> {
    const [first] = sources;
    if (first === undefined) return undefined;
    // Both are there until the old ones go.
    const full = this.#parts.spaceRefusal(sources.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
    if (full !== undefined) throw new Ended("no-room", full);
    const cleaned = new CleanedSegment(first, {
      ...this.#parts,
      spent: (bytes) => {
        this.#bytesWritten += bytes;
        this.#parts.spaceSpent(bytes);
      },
    });
    let isInPlace = false;
    try {
      for (const source of sources) {
        await this.#walk(source, false, (batch, header) => visit(batch, header, cleaned));
      }
      const made = await cleaned.finish();
      if (made === undefined) return undefined;
      for (const source of sources) this.#assertMayGoOn(source);
      isInPlace = await this.#log.compaction.replaceSegments(sources, made, this.#cutCount);
      if (!isInPlace) throw new Ended("overtaken", "the log was cut meanwhile");
      return made.sizeBytes;
    } finally {
      if (!isInPlace) await cleaned.discard();
    }
  }

  /** A batch without records is kept for its producer as long as that one's batches are recognised by it. */
  #withoutProducer(batch: Uint8Array, { baseOffset }: BatchHeader): Uint8Array {
    const header = readBatchHeader(batch);
    if (header.recordCount > 0 || header.producerId < 0 || this.#remembered.has(baseOffset)) return batch;
    if (isControl(header.attributes) || isTransactional(header.attributes)) return batch;
    return gapBatches(baseOffset, baseOffset + header.lastOffsetDelta + 1, header.leaderEpoch)[0]?.bytes ?? batch;
  }

  async #walk(
    segment: Segment,
    areLent: boolean,
    visit: (batch: Uint8Array, header: BatchHeader) => Promise<void>,
  ): Promise<void> {
    this.#assertMayGoOn(segment);
    const { pace } = this.#parts;
    const found = await walkSegment(
      segment,
      { epochAt: (offset) => this.#log.epochAt(offset), pace, areLent },
      async (batch, header) => {
        this.#bytesRead += batch.length;
        await visit(batch, header);
      },
    );
    this.#assertMayGoOn(segment);
    if (found === undefined) return;
    // J-12: nothing was cut or removed meanwhile, so this is what the file holds, whatever memory still has of it.
    this.#log.quarantine({ file: segment.path, ...found });
    throw new Ended("damaged", `"${segment.path}" at offset ${found.offset}: ${found.why}`);
  }

  #assertMayGoOn(segment: Segment | undefined): void {
    if (this.#parts.pace.isStopped) throw new Ended("stopped", "the store is closing");
    const { isPossible, cutCount } = this.#log.compaction;
    if (!isPossible) throw new Ended("overtaken", `the partition is ${this.#log.state.kind}`);
    if (cutCount !== this.#cutCount) throw new Ended("overtaken", "the log was cut meanwhile");
    if (segment?.isRemoved === true) throw new Ended("overtaken", "the segment was removed meanwhile");
  }

  #outcome(kind: CompactionOutcome["kind"], why: string | undefined): CompactionOutcome {
    return {
      kind,
      why,
      bytesRead: this.#bytesRead,
      bytesWritten: this.#bytesWritten,
      bytesBefore: this.#bytesBefore,
      bytesAfter: this.#bytesAfter,
    };
  }
}
