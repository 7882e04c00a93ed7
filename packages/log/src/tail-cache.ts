/**
 * The newest batches of all partitions in memory, up to one limit for the whole node.
 *
 *   partition A   [a3][a4][a5│a6][a7]      │ = what is left of it is in a segment too, what is right of it is not
 *   partition B           [b8][b9│]
 *
 *   evictable, oldest first:  a3 → b8 → a4 → a5 → b9        pinned: a6 a7
 *
 * Invariants:
 * - What a partition has here is contiguous and ends at its newest batch; a lookup is a binary search in it.
 * - *Pinned* batches are in no segment yet. They are never evicted, since nothing else could serve them (J-2); they are
 *   always the end of what a partition has. When they fill the limit, produce has to wait: ask `hasRoomFor`.
 * - Everything else is evicted in the order in which it became evictable, which within a partition is the order of
 *   offsets. So what goes is always the front of its partition, and every operation is O(1) amortised.
 * - Bytes here are owned and do not change any more. A result may share them: it stays valid after an eviction.
 */
import { invariant } from "./invariant.ts";

/** What one batch costs beyond its bytes (entry, array slot, view), so that many tiny batches are bounded as well. */
const entryOverheadBytes = 160;

interface Entry {
  readonly tail: CachedTail;
  readonly baseOffset: number;
  /** Exclusive. */
  readonly nextOffset: number;
  readonly bytes: Uint8Array;
  pinned: boolean;
  /** Neighbours in the list of evictable entries. */
  older: Entry | undefined;
  newer: Entry | undefined;
}

/** One batch that is in no segment yet. */
export interface PinnedBatch {
  readonly baseOffset: number;
  /** Exclusive. */
  readonly nextOffset: number;
  /** A stable view; do not write into it. */
  readonly bytes: Uint8Array;
}

export interface CachedRead {
  /** Whole batches, one after the other: a stable view of one batch, or an owned copy of several. Do not write into it. */
  readonly bytes: Uint8Array;
  /** Where the next read begins. */
  readonly nextOffset: number;
}

export interface CachedReadOptions {
  /** The first batch is the one that holds this offset, and may begin below it. */
  readonly offset: number;
  /** Exclusive; only batches that end at or below it are returned. */
  readonly limit: number;
  /** The first batch may exceed it when `atLeastOneBatch`. */
  readonly maxBytes: number;
  readonly atLeastOneBatch: boolean;
}

export class TailCache {
  readonly limitBytes: number;
  #usedBytes = 0;
  #pinnedBytes = 0;
  #oldest: Entry | undefined;
  #newest: Entry | undefined;

  constructor(options: { limitBytes: number }) {
    this.limitBytes = options.limitBytes;
  }

  /** Bytes of everything here, with what the bookkeeping costs. Above the limit only when pinned bytes alone are. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Bytes that cannot be evicted. */
  get pinnedBytes(): number {
    return this.#pinnedBytes;
  }

  /** Whether a pinned batch of so many bytes stays within the limit (J-2: otherwise produce waits). An empty cache has room for any. */
  hasRoomFor(bytes: number): boolean {
    return this.#pinnedBytes === 0 || this.#pinnedBytes + bytes + entryOverheadBytes <= this.limitBytes;
  }

  /** The part of a partition that starts empty; the caller keeps it as long as the partition is open, then clears it. */
  openTail(): CachedTail {
    return new CachedTail(this.#ledger);
  }

  readonly #ledger: Ledger = {
    added: (entry) => {
      this.#usedBytes += costOf(entry);
      if (entry.pinned) this.#pinnedBytes += costOf(entry);
      else this.#link(entry);
      this.#evict();
    },
    unpinned: (entry) => {
      this.#pinnedBytes -= costOf(entry);
      this.#link(entry);
      this.#evict();
    },
    removed: (entry) => {
      this.#usedBytes -= costOf(entry);
      if (entry.pinned) this.#pinnedBytes -= costOf(entry);
      else this.#unlink(entry);
    },
  };

  #evict(): void {
    while (this.#usedBytes > this.limitBytes && this.#oldest !== undefined) {
      this.#oldest.tail.dropFirst(this.#oldest);
    }
  }

  #link(entry: Entry): void {
    entry.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #unlink(entry: Entry): void {
    if (entry.older === undefined) this.#oldest = entry.newer;
    else entry.older.newer = entry.newer;
    if (entry.newer === undefined) this.#newest = entry.older;
    else entry.newer.older = entry.older;
    entry.older = undefined;
    entry.newer = undefined;
  }
}

/** How a partition's part tells the node-wide accounts what it did. */
interface Ledger {
  added(entry: Entry): void;
  unpinned(entry: Entry): void;
  removed(entry: Entry): void;
}

function costOf(entry: Entry): number {
  return entry.bytes.length + entryOverheadBytes;
}

/** What one partition has in the cache. */
export class CachedTail {
  readonly #ledger: Ledger;
  /** Entries from `#head` on are live; the array is compacted when half of it is dead. */
  #entries: (Entry | undefined)[] = [];
  #head = 0;
  /** Index of the first pinned entry; all after it are pinned. */
  #firstPinned = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  get batchCount(): number {
    return this.#entries.length - this.#head;
  }

  /** Offset of the first batch here, or undefined when there is none. */
  get startOffset(): number | undefined {
    return this.#entries[this.#head]?.baseOffset;
  }

  /** Exclusive end of the last batch here, or undefined when there is none. */
  get endOffset(): number | undefined {
    return this.batchCount === 0 ? undefined : this.#entries.at(-1)?.nextOffset;
  }

  /**
   * Adds the batch that follows; ownership of `bytes` passes to the cache, and they do not change any more. Returns the
   * bytes as kept: a copy when `bytes` is a small view that would keep a large buffer alive, so use these from here on.
   * A batch that is not `pinned` may be gone at once when everything else is pinned.
   */
  append(baseOffset: number, nextOffset: number, bytes: Uint8Array, options: { pinned: boolean }): Uint8Array {
    const end = this.endOffset;
    invariant(end === undefined || end === baseOffset, () => `a cached tail ends at ${end}, cannot add ${baseOffset}`);
    invariant(nextOffset > baseOffset, () => `a batch from ${baseOffset} to ${nextOffset} is empty`);
    const pinned = options.pinned;
    invariant(
      pinned || this.#firstPinned === this.#entries.length,
      () => `batch ${baseOffset} is in a segment, but one before it is not`,
    );
    // Not `bytes.slice()`: of a Buffer that is a view again.
    const kept = bytes.buffer.byteLength > 2 * bytes.length + 1024 ? new Uint8Array(bytes) : bytes;
    const entry: Entry = {
      tail: this,
      baseOffset,
      nextOffset,
      bytes: kept,
      pinned,
      older: undefined,
      newer: undefined,
    };
    this.#entries.push(entry);
    if (!pinned) this.#firstPinned = this.#entries.length;
    this.#ledger.added(entry);
    return kept;
  }

  /** Says that all batches that end at or below `offset` are in a segment now (written; not necessarily synced). */
  unpinBelow(offset: number): void {
    for (;;) {
      const entry = this.#entries[this.#firstPinned];
      if (entry === undefined || entry.nextOffset > offset) return;
      this.#firstPinned++;
      entry.pinned = false;
      // This may evict, and so move `#head` and `#firstPinned`.
      this.#ledger.unpinned(entry);
    }
  }

  /** Removes all batches that end above `offset`, pinned or not. What is left ends at or below it. */
  truncateTo(offset: number): void {
    for (;;) {
      const entry = this.batchCount === 0 ? undefined : this.#entries.at(-1);
      if (entry === undefined || entry.nextOffset <= offset) break;
      this.#entries.pop();
      this.#ledger.removed(entry);
    }
    this.#firstPinned = Math.min(this.#firstPinned, this.#entries.length);
    this.#reset();
  }

  /** Removes everything; for a partition that is closed, deleted or starts somewhere else. */
  clear(): void {
    this.truncateTo(-1);
  }

  /** The batches that are in no segment yet and end at or below `limit`, in order: the first ones, up to `maxBytes`, at least one. */
  pinnedBatches(limit: number, maxBytes: number): PinnedBatch[] {
    const found: PinnedBatch[] = [];
    let bytes = 0;
    for (let index = this.#firstPinned; index < this.#entries.length; index++) {
      const entry = this.#entries[index];
      if (entry === undefined || entry.nextOffset > limit) break;
      bytes += entry.bytes.length;
      if (bytes > maxBytes && found.length > 0) break;
      found.push(entry);
    }
    return found;
  }

  /** `offset`, or the start of the batch that holds it: a cut there leaves whole batches. */
  boundaryAt(offset: number): number {
    const entry = this.#entries[this.#indexOf(offset)];
    return entry !== undefined && entry.baseOffset < offset ? entry.baseOffset : offset;
  }

  /** Bytes that are in no segment yet, of batches that end at or below `limit`; counts no further than `enough`. */
  pinnedBytesBelow(limit: number, enough: number): number {
    let bytes = 0;
    for (let index = this.#firstPinned; index < this.#entries.length && bytes < enough; index++) {
      const entry = this.#entries[index];
      if (entry === undefined || entry.nextOffset > limit) break;
      bytes += entry.bytes.length;
    }
    return bytes;
  }

  /** Whole batches from the one that holds `offset` on; undefined when that one is not here or does not fit. */
  read(options: CachedReadOptions): CachedRead | undefined {
    const { offset, limit, maxBytes, atLeastOneBatch } = options;
    const from = this.#indexOf(offset);
    const first = this.#entries[from];
    if (first === undefined || first.nextOffset > limit) return undefined;
    if (first.bytes.length > maxBytes && !atLeastOneBatch) return undefined;
    let bytes = first.bytes.length;
    let nextOffset = first.nextOffset;
    let to = from + 1;
    for (; to < this.#entries.length; to++) {
      const entry = this.#entries[to];
      if (entry === undefined || entry.nextOffset > limit || bytes + entry.bytes.length > maxBytes) break;
      bytes += entry.bytes.length;
      nextOffset = entry.nextOffset;
    }
    if (to === from + 1) return { bytes: first.bytes, nextOffset };
    const joined = new Uint8Array(bytes);
    let at = 0;
    for (let index = from; index < to; index++) {
      const entry = this.#entries[index];
      if (entry === undefined) break;
      joined.set(entry.bytes, at);
      at += entry.bytes.length;
    }
    return { bytes: joined, nextOffset };
  }

  /** For the eviction of the cache: removes `entry`, which is the first one here. */
  dropFirst(entry: Entry): void {
    invariant(this.#entries[this.#head] === entry, () => `batch ${entry.baseOffset} is evicted, but is not the oldest`);
    this.#entries[this.#head] = undefined;
    this.#head++;
    this.#ledger.removed(entry);
    if (this.#head > 32 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#firstPinned -= this.#head;
      this.#head = 0;
    }
    this.#reset();
  }

  /** An empty tail starts over, so that dead slots do not pile up in one that is filled and emptied in turn. */
  #reset(): void {
    if (this.batchCount > 0 || this.#entries.length === 0) return;
    this.#entries = [];
    this.#head = 0;
    this.#firstPinned = 0;
  }

  /** Index of the batch that holds `offset`, or one past the end. */
  #indexOf(offset: number): number {
    const first = this.#entries[this.#head];
    if (first === undefined || offset < first.baseOffset) return this.#entries.length;
    let low = this.#head;
    let high = this.#entries.length;
    // The first entry that ends above `offset`.
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && entry.nextOffset > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
