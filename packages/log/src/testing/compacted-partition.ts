/** One partition on a simulated disk that is compacted, and everything that was ever appended to it. */
import { batchesIn, buildBatch, compressBatch, readRecords } from "@varve/format";
import type { Codec } from "@varve/format";
import { expect } from "vitest";
import type { CompactionReport } from "../compaction/compactor.ts";
import type { PartitionLog } from "../partition-log.ts";
import type { CompactionConfig, LogConfig } from "../partition-types.ts";
import type { StoreOptions } from "../store-options.ts";
import type { LogStore } from "../store.ts";
import { newDisk, openStore } from "./disk-store.ts";
import { testConfig } from "./log-config.ts";
import type { SimulatedDisk } from "./simulated-disk.ts";

const id = { topicId: "0123456789abcdef0123456789abcdef", topic: "t", partition: 0 };

export interface AppendedRecord {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestampMs: number;
}

export interface KeyedBatch {
  readonly records: readonly { readonly key: string | null; readonly value: string | null }[];
  readonly codec?: Codec;
  readonly withProducer?: boolean;
}

export class CompactedPartition {
  readonly appended: AppendedRecord[] = [];
  /** Of the producer, as they were sent. */
  readonly sent: { readonly bytes: Uint8Array; readonly base: number; readonly last: number }[] = [];
  readonly disk: SimulatedDisk;
  /** Where the active segment began when something was compacted. */
  untouchedFrom = 0;
  store!: LogStore;
  log!: PartitionLog;
  readonly #config: LogConfig;
  readonly #options: Partial<StoreOptions>;
  #epoch = 0;
  #sequence = 0;

  private constructor(disk: SimulatedDisk, config: LogConfig, options: Partial<StoreOptions>) {
    this.disk = disk;
    this.#config = config;
    this.#options = { compactionBytesPerSecond: 0, ...options };
  }

  static async begin(
    seed: number,
    change: Partial<CompactionConfig> = {},
    options: Partial<StoreOptions> & { flush?: "sync" | "os" } = {},
  ): Promise<CompactedPartition> {
    const compaction = {
      minDirtyRatio: 0,
      minLagMs: 0,
      maxLagMs: Number.MAX_SAFE_INTEGER,
      deleteRetentionMs: 60_000,
      ...change,
    };
    const { flush = "sync", ...rest } = options;
    const config = testConfig({ segmentBytes: 600, compaction, flush });
    const made = new CompactedPartition(await newDisk(seed), config, rest);
    made.store = await openStore(made.disk, made.#options);
    made.log = await made.result(made.store.create(id, config));
    made.log.startEpoch(++made.#epoch);
    return made;
  }

  /** As `SimulatedTime.result`, with turns of the real loop: codecs work on its threads. */
  async result<T>(promise: Promise<T>): Promise<T> {
    const progress = { isSettled: false };
    const settle = (): void => {
      progress.isSettled = true;
    };
    promise.then(settle, settle);
    while (!progress.isSettled) {
      if (!(await this.disk.time.step())) await new Promise((resolve) => setImmediate(resolve));
    }
    return promise;
  }

  /** Returns once it counts. */
  async append({ records, codec = "none", withProducer = false }: KeyedBatch): Promise<void> {
    const now = Math.trunc(this.disk.time.nowMs);
    const inputs = records.map(({ key, value }) => ({ key: bytesOf(key), value: bytesOf(value), timestampMs: now }));
    const producer = withProducer ? { producerId: 7, producerEpoch: 0, baseSequence: this.#sequence } : {};
    if (withProducer) this.#sequence += records.length;
    const batch = await compressBatch(buildBatch(inputs, producer), codec);
    const outcome = this.log.appendAsLeader(batch.slice(), { now });
    if (outcome.kind !== "appended") throw new Error(JSON.stringify(outcome));
    if (withProducer) this.sent.push({ bytes: batch, base: outcome.baseOffset, last: outcome.lastOffset });
    for (const [index, { key, value }] of records.entries()) {
      this.appended.push({ offset: outcome.baseOffset + index, key, value, timestampMs: now });
    }
    await this.disk.time.until(() => this.log.countedOffset === this.log.logEndOffset, "it to count");
  }

  /** Everything that counts is below the high watermark and in synced segments, and what is due is compacted. */
  async compact(): Promise<readonly CompactionReport[]> {
    this.log.advanceHighWatermark(this.log.countedOffset);
    await this.result(this.store.checkpoint());
    // After a start the last segment may be one that had been closed before.
    this.untouchedFrom = Math.max(this.untouchedFrom, this.log.segments.at(-1)?.baseOffset ?? 0);
    return this.result(this.store.runCompaction());
  }

  /** Until the disk halts, after so many effects more. @returns whether it was done before that */
  async compactUntil(effects: number): Promise<boolean> {
    const { disk } = this;
    disk.haltAfter(disk.effects + effects);
    const progress = { isDone: false };
    void this.store.runCompaction().then(() => {
      progress.isDone = true;
    });
    while (!disk.isHalted && !progress.isDone) {
      if (!(await disk.time.step())) await new Promise((resolve) => setImmediate(resolve));
    }
    return progress.isDone;
  }

  /** In an epoch of its own. */
  lead(): void {
    this.log.startEpoch(++this.#epoch);
  }

  async restart(ending: "kill" | "power cut", seed = 1): Promise<void> {
    if (ending === "kill") this.disk.kill(seed);
    else this.disk.powerCut(seed);
    this.store = await openStore(this.disk, this.#options);
    const log = this.store.get(id.topicId, id.partition);
    if (log === undefined) throw new Error("The partition is gone");
    this.log = log;
    expect(log.state.kind).toBe("needs-epoch");
    await this.result(log.setConfig({ ...this.#config, flush: log.config.flush }));
    this.lead();
    log.advanceHighWatermark(log.countedOffset);
  }

  /** Every record in the files, not in memory. */
  async read(): Promise<AppendedRecord[]> {
    const found: AppendedRecord[] = [];
    const { files } = this.log.writer;
    let offset = this.log.logStartOffset;
    while (offset < files.endOffset) {
      const epochAt = (at: number): number | undefined => this.log.epochAt(at);
      const options = { offset, limit: files.endOffset, maxBytes: 1000, atLeastOneBatch: true, epochAt };
      const read = await this.result(files.read(options));
      if (read.kind !== "batches") throw new Error(JSON.stringify(read));
      for (const { at, end } of batchesIn(read.bytes)) {
        for (const record of await readRecords(read.bytes.subarray(at, end))) {
          const { key, value, timestampMs } = record;
          found.push({ offset: record.offset, key: textOf(key), value: textOf(value), timestampMs });
        }
      }
      expect(read.nextOffset).toBeGreaterThan(offset);
      offset = read.nextOffset;
    }
    return found;
  }

  /** Demands of the files what must be there, and nothing that may not: in order, the latest of each key, all that was not to be touched. */
  async check(): Promise<void> {
    const found = await this.read();
    const all = new Map(this.appended.map((record) => [record.offset, record]));
    let before = -1;
    for (const record of found) {
      expect(record.offset).toBeGreaterThan(before);
      before = record.offset;
      expect(record).toEqual(all.get(record.offset));
    }
    // J-20: everything below has been through it.
    const cleaned = found.filter(({ key, offset }) => key !== null && offset < this.log.compaction.cleanedTo);
    expect(new Set(cleaned.map(({ key }) => key)).size).toBe(cleaned.length);
    const offsets = new Set(found.map(({ offset }) => offset));
    const latest = new Map(this.appended.map((record) => [record.key, record]));
    for (const record of this.appended) {
      const isLatest = record.key === null || latest.get(record.key) === record;
      const isTombstone = record.key !== null && record.value === null;
      const mayGo = record.offset < this.untouchedFrom && (!isLatest || isTombstone);
      if (!mayGo) expect(offsets.has(record.offset), `offset ${record.offset} is gone`).toBe(true);
    }
  }
}

function bytesOf(text: string | null): Uint8Array | null {
  return text === null ? null : new TextEncoder().encode(text);
}

function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : new TextDecoder().decode(bytes);
}
