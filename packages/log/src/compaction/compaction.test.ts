/** What is read after compaction, at any moment, through restarts: random keyed records in all codecs, against a list. */
import { assignOffsets, buildBatch, compressBatch, codecs, readRecords } from "@varve/format";
import type { Codec } from "@varve/format";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { PartitionLog } from "../partition-log.ts";
import type { LogConfig } from "../partition-types.ts";
import type { LogStore } from "../store.ts";
import { newDisk, openStore } from "../testing/disk-store.ts";
import { testConfig } from "../testing/log-config.ts";
import type { SimulatedDisk } from "../testing/simulated-disk.ts";

const id = { topicId: "0123456789abcdef0123456789abcdef", topic: "t", partition: 0 };
const deleteRetentionMs = 60_000;

function config(change: Partial<LogConfig> = {}): LogConfig {
  const compaction = { minDirtyRatio: 0, minLagMs: 0, maxLagMs: Number.MAX_SAFE_INTEGER, deleteRetentionMs };
  return testConfig({ segmentBytes: 600, compaction, ...change });
}

interface Appended {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestampMs: number;
}

interface Batch {
  readonly records: readonly { readonly key: number; readonly value: number | null }[];
  readonly codec: Codec;
  readonly withProducer: boolean;
}

/** One partition on a disk, and everything that was ever appended to it. */
class Fixture {
  readonly appended: Appended[] = [];
  readonly batches: { readonly bytes: Uint8Array; readonly base: number; readonly last: number }[] = [];
  readonly disk: SimulatedDisk;
  /** Where the active segment began when something was compacted. */
  untouchedFrom = 0;
  store!: LogStore;
  log!: PartitionLog;
  #epoch = 0;
  #sequence = 0;

  private constructor(disk: SimulatedDisk) {
    this.disk = disk;
  }

  static async begin(seed: number, flush: "sync" | "os" = "sync"): Promise<Fixture> {
    const fixture = new Fixture(await newDisk(seed));
    fixture.store = await openStore(fixture.disk, { compactionBytesPerSecond: 0 });
    fixture.log = await fixture.disk.time.result(fixture.store.create(id, config({ flush })), "a partition");
    fixture.log.startEpoch(++fixture.#epoch);
    return fixture;
  }

  async append({ records, codec, withProducer }: Batch): Promise<void> {
    const now = Math.trunc(this.disk.time.nowMs);
    const inputs = records.map(({ key, value }) => {
      const text = key === 0 ? null : `key ${key}${key % 2 === 0 ? " that is too long to be its own identity" : ""}`;
      return { key: bytesOf(text), value: bytesOf(value === null ? null : `value ${value}`), timestampMs: now };
    });
    const producer = withProducer ? { producerId: 7, producerEpoch: 0, baseSequence: this.#sequence } : {};
    if (withProducer) this.#sequence += records.length;
    const batch = await compressBatch(buildBatch(inputs, producer), codec);
    const outcome = this.log.appendAsLeader(batch.slice(), { now });
    if (outcome.kind !== "appended") throw new Error(JSON.stringify(outcome));
    if (withProducer) this.batches.push({ bytes: batch, base: outcome.baseOffset, last: outcome.lastOffset });
    for (const [index, { key, value, timestampMs }] of inputs.entries()) {
      const offset = outcome.baseOffset + index;
      this.appended.push({ offset, key: textOf(key), value: textOf(value), timestampMs });
    }
    await this.disk.time.until(() => this.log.countedOffset === this.log.logEndOffset, "it to count");
  }

  async compact(): Promise<string[]> {
    this.log.advanceHighWatermark(this.log.countedOffset);
    await this.disk.time.result(this.store.checkpoint(), "a checkpoint");
    // After a start the last segment may be one that had been closed before.
    this.untouchedFrom = Math.max(this.untouchedFrom, this.log.segments.at(-1)?.baseOffset ?? 0);
    const reports = await this.#result(this.store.runCompaction());
    return reports.map(({ outcome }) => outcome.kind);
  }

  /** As `SimulatedTime.result`, with turns of the real loop: codecs work on its threads. */
  async #result<T>(promise: Promise<T>): Promise<T> {
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

  async restart(ending: "kill" | "power cut"): Promise<void> {
    if (ending === "kill") this.disk.kill(1);
    else this.disk.powerCut(1);
    this.store = await openStore(this.disk, { compactionBytesPerSecond: 0 });
    const log = this.store.get(id.topicId, id.partition);
    if (log === undefined) throw new Error("The partition is gone");
    this.log = log;
    expect(log.state.kind).toBe("needs-epoch");
    await this.disk.time.result(log.setConfig(config({ flush: log.config.flush })), "the config");
    log.startEpoch(++this.#epoch);
    log.advanceHighWatermark(log.countedOffset);
  }

  /** Every record in the files, not in memory. */
  async read(): Promise<Appended[]> {
    const found: Appended[] = [];
    let offset = this.log.logStartOffset;
    const { files } = this.log.writer;
    while (offset < files.endOffset) {
      const epochAt = (at: number): number | undefined => this.log.epochAt(at);
      const options = { offset, limit: files.endOffset, maxBytes: 1000, atLeastOneBatch: true, epochAt };
      const read = await this.disk.time.result(files.read(options), "a read");
      if (read.kind !== "batches") throw new Error(JSON.stringify(read));
      for (let at = 0; at < read.bytes.length;) {
        const size = new DataView(read.bytes.buffer, read.bytes.byteOffset).getInt32(at + 8) + 12;
        for (const record of await readRecords(read.bytes.subarray(at, at + size))) {
          const { key, value, timestampMs } = record;
          found.push({ offset: record.offset, key: textOf(key), value: textOf(value), timestampMs });
        }
        at += size;
      }
      expect(read.nextOffset).toBeGreaterThan(offset);
      offset = read.nextOffset;
    }
    return found;
  }

  /** What must be there, and what may be. */
  async check(): Promise<void> {
    const { untouchedFrom } = this;
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
      const mayGo = record.offset < untouchedFrom && (!isLatest || (record.value === null && record.key !== null));
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

const batch: fc.Arbitrary<Batch> = fc.record({
  records: fc.array(fc.record({ key: fc.nat(5), value: fc.option(fc.nat(1000), { freq: 4 }) }), {
    minLength: 1,
    maxLength: 6,
  }),
  codec: fc.constantFrom(...codecs),
  withProducer: fc.boolean(),
});

const step = fc.oneof(
  { weight: 12, arbitrary: batch },
  { weight: 3, arbitrary: fc.constant("compact" as const) },
  { weight: 1, arbitrary: fc.constantFrom("kill" as const, "power cut" as const) },
);

test("LogStore.runCompaction() J-17: the latest of every key stays, in order, through restarts and in all codecs", async () => {
  let removed = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      fc.array(step, { minLength: 5, maxLength: 60, size: "max" }),
      async (seed, steps) => {
        const fixture = await Fixture.begin(seed);
        for (const one of steps) {
          if (one === "kill" || one === "power cut") await fixture.restart(one);
          else if (one === "compact") {
            await fixture.compact();
            await fixture.check();
          } else await fixture.append(one);
        }
        await fixture.compact();
        await fixture.restart("power cut");
        await fixture.check();
        removed += fixture.appended.length - (await fixture.read()).length;
        // The last five batches of the producer are recognised (kafka-wire 4.7), whatever became of their records.
        for (const { bytes, base, last } of fixture.batches.slice(-5)) {
          assignOffsets(bytes, 0, 0, -1);
          const outcome = fixture.log.appendAsLeader(bytes.slice(), { now: 0 });
          expect(outcome).toMatchObject({ kind: "duplicate", baseOffset: base, lastOffset: last });
        }
      },
    ),
    { numRuns: 25, seed: 1, endOnFailure: process.env["SHRINK"] === undefined },
  );
  expect(removed).toBeGreaterThan(100);
});
