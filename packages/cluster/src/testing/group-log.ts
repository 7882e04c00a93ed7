// The internal partition in a world of groups: batches of stored records with their offsets. A leader's log; whoever takes over gets a
// copy of a prefix. Below the high watermark it may be compacted: each key's newest record, wherever it lies.

import { decodeGroupRecord } from "../group/records.ts";
import type { GroupRecord, StoredGroupRecord } from "../group/records.ts";

interface LogBatch {
  readonly records: readonly { readonly key: string; readonly stored: StoredGroupRecord }[];
  /** Offset after it. */
  readonly end: number;
}

export class GroupLog {
  #batches: LogBatch[];

  constructor(batches: readonly LogBatch[] = []) {
    this.#batches = [...batches];
  }

  get end(): number {
    return this.#batches.at(-1)?.end ?? 0;
  }

  append(records: readonly StoredGroupRecord[]): void {
    this.#batches.push({
      records: records.map((one) => ({ key: Buffer.from(one.key).toString("latin1"), stored: one })),
      end: this.end + records.length,
    });
  }

  /** Where batches end, from `from` on. */
  endsAfter(from: number): number[] {
    return this.#batches.map(({ end }) => end).filter((end) => end > from);
  }

  /** What a new leader has, that ends there. */
  prefix(end: number): GroupLog {
    return new GroupLog(this.#batches.filter((batch) => batch.end <= end));
  }

  *records(end: number): Generator<GroupRecord> {
    for (const batch of this.#batches) {
      if (batch.end > end) return;
      for (const { stored } of batch.records) yield decodeGroupRecord(stored);
    }
  }

  /** Below `bound` only the newest record of each key stays; `dropsTombstones`: and those without value go too. */
  compact(bound: number, dropsTombstones: boolean): void {
    const newest = new Map<string, StoredGroupRecord>();
    const below = this.#batches.filter(({ end }) => end <= bound);
    for (const { records } of below) for (const { key, stored } of records) newest.set(key, stored);
    const clean = below.map(({ records, end }) => ({
      records: records.filter(
        ({ key, stored }) => newest.get(key) === stored && !(dropsTombstones && stored.value === null),
      ),
      end,
    }));
    this.#batches = [...clean, ...this.#batches.slice(below.length)];
  }
}
