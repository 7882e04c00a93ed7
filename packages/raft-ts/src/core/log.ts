// SPDX-License-Identifier: Apache-2.0
// The log as the core sees it: terms of all of it, the newest entries in memory, and how far it is durable, committed and
// applied. The disk is somebody else's; what is not in memory is asked for (`Ready.fetch`).
//
//        snapshot        ┌── in memory ─────────────────────┐
//   ─────────┼───────────┬────────────┬──────────┬──────────┤
//         firstIndex   cached       applied    commit     lastIndex
//                                          stable ┘ (anywhere from applied up)
//
// Entries above min(stable, commit) stay in memory whatever their size. `handed` is what the disk will end with once the
// batch under way is written: entries from `handed + 1` on belong to the next batch.

import { emptyEntry, entryBytes } from "./entries.ts";
import { must } from "./raft-fatal.ts";
import { TermRuns } from "./term-runs.ts";
import type { BootState, Entry } from "./types.ts";

/** In the place of an entry that was let go of. */
const gone = emptyEntry(0, 0);

export class Log {
  readonly #cacheBytesMax: number;
  readonly #runs: TermRuns;
  /** Contiguous, the last one at `lastIndex`; the first live one at position `#head`. */
  #entries: Entry[];
  #head = 0;
  #cacheBytes = 0;
  #firstIndex: number;
  #lastIndex: number;
  #lastTerm: number;
  #stable: number;
  #handed: number;
  #truncateFrom: number | null = null;
  #commit: number;
  /** `reset`, and not yet `installed`: batches on their way are about a log that is gone. */
  #installing = false;

  constructor(boot: BootState, cacheBytesMax: number) {
    this.#cacheBytesMax = cacheBytesMax;
    this.#firstIndex = boot.firstIndex;
    this.#lastIndex = boot.lastIndex;
    this.#stable = boot.lastIndex;
    this.#handed = boot.lastIndex;
    this.#runs = new TermRuns(boot.termRuns);
    this.#entries = [...boot.tail];
    const covered = boot.snapshot?.index ?? 0;
    this.#commit = Math.max(boot.hard.commit, covered, boot.applied);
    const { firstIndex, lastIndex } = boot;
    must(firstIndex >= 1 && lastIndex >= firstIndex - 1, "L4", "a log has a first and a last index");
    must(firstIndex - 1 <= covered, "S3", "a snapshot covers what is gone from the log");
    must(this.#commit <= lastIndex, "C4", "nothing is committed beyond the log");
    must((boot.termRuns.at(-1)?.start ?? 0) <= lastIndex, "L4", "no term run starts behind the log");
    // The term in front of the first entry: that of the snapshot, or 0 in front of everything (L1).
    if (boot.snapshot !== null && covered === firstIndex - 1) {
      if (this.#runs.termAt(covered) === undefined) {
        const later = boot.termRuns.filter(({ start, term }) => start > covered && term > boot.snapshot!.term);
        this.#runs = new TermRuns([{ start: covered, term: boot.snapshot.term }, ...later]);
      }
      must(this.#runs.termAt(covered) === boot.snapshot.term, "S1", "log and snapshot agree on a term");
    }
    this.#lastTerm = lastIndex === 0 ? 0 : (this.#runs.termAt(lastIndex) ?? -1);
    must(this.#lastTerm >= 0, "L4", "the last entry has a term");
    let expected = lastIndex - boot.tail.length + 1;
    must(expected >= firstIndex, "L4", "the tail is part of the log");
    for (const entry of boot.tail) {
      must(entry.index === expected && entry.term === this.termAt(expected), "L4", "the tail fits the log");
      this.#cacheBytes += entryBytes(entry);
      expected += 1;
    }
  }

  get firstIndex(): number {
    return this.#firstIndex;
  }

  get lastIndex(): number {
    return this.#lastIndex;
  }

  get lastTerm(): number {
    return this.#lastTerm;
  }

  /** Durable on this node up to here. */
  get stable(): number {
    return this.#stable;
  }

  get commit(): number {
    return this.#commit;
  }

  /** First entry in memory; `lastIndex + 1` when there is none. */
  get cachedFrom(): number {
    return this.#lastIndex - (this.#entries.length - this.#head) + 1;
  }

  /** Whether the next batch has something to do. */
  get dirty(): boolean {
    return this.#truncateFrom !== null || this.#handed < this.#lastIndex;
  }

  /** Term at `index`; undefined when it is compacted or not there yet, which is never a match (L1). */
  termAt(index: number): number | undefined {
    if (index === this.#lastIndex) return this.#lastTerm;
    if (index > this.#lastIndex) return undefined;
    if (index === 0) return 0;
    return index < this.#firstIndex - 1 ? undefined : this.#runs.termAt(index);
  }

  /** The largest index at or below `index` and the log's end whose term is at most `term` (L8). It may lie below what the log
   * still knows. */
  floor(index: number, term: number): number {
    return this.#runs.floor(Math.min(index, this.#lastIndex), term);
  }

  /** Whether a log that ends with (`lastTerm`, `lastIndex`) has at least what this one has: as a pair, term first (E3). */
  notAheadOf(lastTerm: number, lastIndex: number): boolean {
    return lastTerm > this.#lastTerm || (lastTerm === this.#lastTerm && lastIndex >= this.#lastIndex);
  }

  append(entry: Entry): void {
    must(entry.index === this.#lastIndex + 1 && Number.isSafeInteger(entry.index), "L4", "indexes are contiguous");
    must(entry.term >= this.#lastTerm, "L4", "terms never fall");
    this.#runs.append(entry.index, entry.term);
    this.#entries.push(entry);
    this.#cacheBytes += entryBytes(entry);
    this.#lastIndex = entry.index;
    this.#lastTerm = entry.term;
  }

  /** Entries at `from` and above are wrong. */
  truncateFrom(from: number): void {
    must(from > this.#commit, "L3", "committed entries are never truncated");
    const keep = Math.max(this.#head, this.#entries.length - (this.#lastIndex - from + 1));
    for (let position = keep; position < this.#entries.length; position += 1) {
      this.#cacheBytes -= entryBytes(this.#entries[position]!);
    }
    this.#entries.length = keep;
    this.#runs.truncateFrom(from);
    this.#lastIndex = from - 1;
    this.#lastTerm = this.#lastIndex === 0 ? 0 : this.#runs.termAt(this.#lastIndex)!;
    this.#stable = Math.min(this.#stable, this.#lastIndex);
    if (from <= this.#handed) {
      this.#handed = this.#lastIndex;
      this.#truncateFrom = Math.min(this.#truncateFrom ?? from, from);
    }
  }

  commitTo(index: number): void {
    must(index >= this.#commit, "C4", "commit never falls");
    must(index <= this.#lastIndex, "L6", "nothing is committed beyond the log");
    this.#commit = index;
  }

  /**
   * Entries from `lo` up to, not including, `hi`, as many as `maxBytes` hold and at least one; undefined when `lo` is not in
   * memory. `lo < hi <= lastIndex + 1`.
   */
  slice(lo: number, hi: number, maxBytes: number): Entry[] | undefined {
    const from = this.cachedFrom;
    if (lo < from) return undefined;
    const start = this.#head + lo - from;
    const limit = this.#head + hi - from;
    let end = start + 1;
    let bytes = entryBytes(this.#entries[start]!);
    while (end < limit) {
      bytes += entryBytes(this.#entries[end]!);
      if (bytes > maxBytes) break;
      end += 1;
    }
    return this.#entries.slice(start, end);
  }

  /** What entries from `lo` up to, not including, `hi` weigh; those not in memory count nothing. */
  bytesBetween(lo: number, hi: number): number {
    const from = this.cachedFrom;
    let bytes = 0;
    for (let index = Math.max(lo, from); index < hi; index += 1) {
      bytes += entryBytes(this.#entries[this.#head + index - from]!);
    }
    return bytes;
  }

  /** The next batch's share of the log. From here on the disk is expected to end with `lastIndex`. */
  handOut(): { truncateFrom: number | null; entries: readonly Entry[] } {
    const truncateFrom = this.#truncateFrom;
    const count = this.#lastIndex - this.#handed;
    const entries = count === 0 ? [] : this.#entries.slice(this.#entries.length - count);
    this.#truncateFrom = null;
    this.#handed = this.#lastIndex;
    return { truncateFrom, entries };
  }

  /**
   * The batch whose last entry was (`index`, `term`) is durable. Only what was not rewritten since counts (P6): a truncation
   * moved `handed` below it, and its successor belongs to the next batch.
   */
  persisted(index: number, term: number): void {
    if (this.#installing) return;
    const durable = Math.min(index, this.#handed);
    if (durable <= this.#stable) return;
    must(durable < index || this.termAt(durable) === term, "P6", "what became durable is what was handed out");
    this.#stable = durable;
    this.#evict();
  }

  /** Entries up to `upTo` go; a durable snapshot covers them (S3). Their last term stays known, for matching. */
  compact(upTo: number): void {
    if (upTo < this.#firstIndex) return;
    must(upTo <= this.#commit && upTo <= this.#stable, "S3", "only durable, committed entries are compacted");
    while (this.#head < this.#entries.length && this.#entries[this.#head]!.index <= upTo) this.#dropOldest();
    this.#runs.forgetBelow(upTo);
    this.#firstIndex = upTo + 1;
    this.#shrink();
  }

  /** An installed snapshot replaces everything. The disk follows with the batch that installs it. */
  reset(index: number, term: number): void {
    must(index > this.#commit, "S6", "a snapshot at or below commit is ignored");
    this.#entries = [];
    this.#head = 0;
    this.#cacheBytes = 0;
    this.#runs.reset(index, term);
    this.#firstIndex = index + 1;
    this.#lastIndex = index;
    this.#lastTerm = term;
    this.#commit = index;
    this.#stable = 0;
    this.#handed = index;
    this.#truncateFrom = null;
    this.#installing = true;
  }

  /** The snapshot given to `reset` is durable. */
  installed(): void {
    this.#installing = false;
    this.#stable = this.#firstIndex - 1;
  }

  /** Lets go of the oldest entries that nobody needs in memory, while there are too many bytes. */
  #evict(): void {
    const free = Math.min(this.#stable, this.#commit);
    while (
      this.#cacheBytes > this.#cacheBytesMax &&
      this.#head < this.#entries.length &&
      this.#entries[this.#head]!.index <= free
    ) {
      this.#dropOldest();
    }
    this.#shrink();
  }

  #dropOldest(): void {
    this.#cacheBytes -= entryBytes(this.#entries[this.#head]!);
    // The position stays for a while, its payload does not.
    this.#entries[this.#head] = gone;
    this.#head += 1;
  }

  /** Cuts dead positions off once they are half of the array: constant cost for each entry. */
  #shrink(): void {
    if (this.#head * 2 <= this.#entries.length) return;
    this.#entries.splice(0, this.#head);
    this.#head = 0;
  }
}
