/**
 * What compaction may have done to a partition of the model, and whether what is read may be what it left (J-17 to J-20).
 *
 * Nobody knows which of it a crash has undone, so each batch may be read as it was appended, or with fewer records. What must be there:
 * everything that no later record of the same key could have taken the place of, and every tombstone before its time.
 */
import { batchHeaderBytes, batchSizeBytes, checkBatch, isGap, readBatchHeader, recordsOf } from "@varve/format";
import type { BatchHeader } from "@varve/format";

/** What a record is, as far as compaction goes by it. */
export interface ModelRecord {
  /** Undefined: none. */
  readonly key: string | undefined;
  readonly isTombstone: boolean;
  readonly timestampMs: number;
}

interface RecordsOfBatch {
  readonly base: number;
  readonly end: number;
  readonly epoch: number;
  readonly bytes: Uint8Array;
  readonly records: readonly ModelRecord[];
}

export const deleteRetentionMs = 2_000;

export class ModelCompaction {
  /** Of each key the latest offset that a compaction may have seen. */
  readonly #latest = new Map<string, number>();
  /** When a tombstone may first have had nothing older behind it. */
  readonly #since = new Map<number, number>();
  readonly #mayBeGone = new Set<number>();
  /** Exclusive: nothing at or above was ever touched. */
  limit = 0;

  /** A compaction begins that may touch what is below `limit`. */
  begins(batches: readonly RecordsOfBatch[], limit: number, nowMs: number): void {
    this.limit = Math.max(this.limit, limit);
    for (const batch of batches) {
      if (batch.end > limit) break;
      for (const [index, { key, isTombstone }] of batch.records.entries()) {
        const offset = batch.base + index;
        if (key !== undefined) this.#latest.set(key, Math.max(this.#latest.get(key) ?? -1, offset));
        if (isTombstone && !this.#since.has(offset)) this.#since.set(offset, nowMs);
      }
    }
    this.passed(nowMs);
  }

  /** So late it is, and a compaction may still be under way: tombstones whose time is over may go. */
  passed(nowMs: number): void {
    for (const [offset, sinceMs] of this.#since) if (nowMs >= sinceMs + deleteRetentionMs) this.#mayBeGone.add(offset);
  }

  /**
   * The log ends at `end` after a start, undamaged: what is above can have taken nobody's place, since it was not in synced segments
   * (J-17).
   */
  endsAt(end: number, batches: readonly RecordsOfBatch[]): void {
    for (const [key, offset] of this.#latest) if (offset >= end) this.#latest.delete(key);
    for (const offset of this.#since.keys()) if (offset >= end) this.#forget(offset);
    for (const batch of batches) {
      if (batch.end > Math.min(end, this.limit)) break;
      for (const [index, { key }] of batch.records.entries()) {
        if (key !== undefined) this.#latest.set(key, Math.max(this.#latest.get(key) ?? -1, batch.base + index));
      }
    }
    this.limit = Math.min(this.limit, end);
  }

  /** Whether the record must be there. */
  isNeeded({ key }: ModelRecord, offset: number): boolean {
    if (key === undefined || offset >= this.limit) return true;
    return offset >= (this.#latest.get(key) ?? -1) && !this.#mayBeGone.has(offset);
  }

  #forget(offset: number): void {
    this.#since.delete(offset);
    this.#mayBeGone.delete(offset);
  }

  /** Why `bytes` are not what may be read of `batches` from the one that holds `offset` on; or where they end. */
  compare(
    batches: readonly RecordsOfBatch[],
    bytes: Uint8Array,
    offset: number,
  ): { why: string; isBatch: boolean } | { next: number } {
    let at = 0;
    let next = offset;
    let index = 0;
    while (at < bytes.length) {
      const fault = checkBatch(bytes, at, bytes.length);
      if (fault !== undefined) return { why: `a batch at ${next} that is none: ${fault.message}`, isBatch: false };
      const found = bytes.subarray(at, at + batchSizeBytes(bytes, at));
      const header = readBatchHeader(found);
      const end = header.baseOffset + header.lastOffsetDelta + 1;
      if (at === 0) {
        // A gap may begin below the batch that held the offset, and below the log start.
        if (header.baseOffset > offset || end <= offset)
          return { why: `[${header.baseOffset}, ${end}) at ${offset}`, isBatch: true };
      } else if (header.baseOffset !== next) return { why: `[${header.baseOffset}, ${end}) at ${next}`, isBatch: true };
      const covered: RecordsOfBatch[] = [];
      for (; index < batches.length; index += 1) {
        const batch = batches[index];
        if (batch === undefined || batch.base >= end) break;
        if (batch.end > header.baseOffset) covered.push(batch);
      }
      const why = this.#whyNot(covered, found, header, end);
      if (why !== undefined) return { why: `[${header.baseOffset}, ${end}): ${why}`, isBatch: true };
      at += found.length;
      next = end;
    }
    return { next };
  }

  #whyNot(covered: readonly RecordsOfBatch[], found: Uint8Array, header: BatchHeader, end: number): string | undefined {
    const [first] = covered;
    if (first === undefined) return "nobody appended this";
    const isOne = covered.length === 1 && first.base === header.baseOffset && first.end === end;
    if (isOne && Buffer.compare(first.bytes, found) === 0) return undefined;
    if (end > this.limit) return "other bytes than were appended, and nothing may touch them";
    if (covered.some(({ epoch }) => epoch !== header.leaderEpoch)) return `epoch ${header.leaderEpoch}`;
    if (covered.at(-1)?.end !== end) return "it ends inside a batch";
    if (!isOne && !isGap(header)) return "it holds something and has other bounds";
    const left = new Map(recordsOf(found.subarray(batchHeaderBytes), header).map((record) => [record.offset, record]));
    for (const batch of covered) {
      const originals = recordsOf(batch.bytes.subarray(batchHeaderBytes), readBatchHeader(batch.bytes));
      for (const [index, record] of batch.records.entries()) {
        const offset = batch.base + index;
        const kept = left.get(offset);
        if (kept === undefined && this.isNeeded(record, offset)) return `the record at ${offset} is gone`;
        const original = originals[index];
        left.delete(offset);
        if (kept === undefined || original === undefined) continue;
        if (!areSame(kept, { ...original, offset })) return `the record at ${offset} is another one`;
      }
    }
    return left.size === 0 ? undefined : "records that nobody appended";
  }
}

function areSame(a: ReturnType<typeof recordsOf>[number], b: ReturnType<typeof recordsOf>[number]): boolean {
  const text = (bytes: Uint8Array | null): string => (bytes === null ? "null" : Buffer.from(bytes).toString("hex"));
  return (
    a.offset === b.offset &&
    a.timestampMs === b.timestampMs &&
    text(a.key) === text(b.key) &&
    text(a.value) === text(b.value)
  );
}
