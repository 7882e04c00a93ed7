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
 * - Memory is used again (`slab-ring.ts`) in one case only: a batch is evicted that was unpinned, so the write to its
 *   segment has ended. One that is removed while it is pinned may be part of a write or of a journal round that is on its way:
 *   its memory is left alone. Readers get copies, or hold the memory until they release it. So bytes never change under anybody.
 */
import { invariant } from "./invariant.ts";
import { SlabRing } from "./slab-ring.ts";
import type { Piece } from "./slab-ring.ts";

/** What one batch costs beyond its bytes (entry, array slot, view), so that many tiny batches are bounded as well. */
const entryOverheadBytes = 160;
/** The largest slab, and how many make up the limit. */
const slabBytesMax = 4 * 1024 * 1024;
const slabsInLimit = 64;
/** Slabs beyond the limit: those being filled, the oldest that is half evicted, and what is lost at the ends. */
const spareSlabs = 4;

interface Entry {
  readonly tail: CachedTail;
  readonly baseOffset: number;
  /** Exclusive. */
  readonly nextOffset: number;
  readonly bytes: Uint8Array;
  /** Where `bytes` are in a slab; undefined: they have a buffer of their own. */
  readonly piece: Piece | undefined;
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
  /** A view, valid as long as the batch is pinned; if it is removed before that, for ever. Do not write into it. */
  readonly bytes: Uint8Array;
}

export interface CachedRead {
  /** Whole batches, one after the other. Owned by the caller unless there is `release`. */
  readonly bytes: Uint8Array;
  /** Where the next read begins. */
  readonly nextOffset: number;
  /** Given when the bytes are lent: call it once, when nobody looks at them any more. Do not write into them. */
  readonly release?: () => void;
}

export interface CachedReadOptions {
  /** The first batch is the one that holds this offset, and may begin below it. */
  readonly offset: number;
  /** Exclusive; only batches that end at or below it are returned. */
  readonly limit: number;
  /** The first batch may exceed it when `atLeastOneBatch`. */
  readonly maxBytes: number;
  readonly atLeastOneBatch: boolean;
  /** Bytes that lie in one piece need not be copied: the caller releases them. @default false */
  readonly lend?: boolean;
}

export class TailCache {
  readonly limitBytes: number;
  readonly #slabs: SlabRing;
  #usedBytes = 0;
  #pinnedBytes = 0;
  #oldest: Entry | undefined;
  #newest: Entry | undefined;

  constructor(options: { limitBytes: number }) {
    this.limitBytes = options.limitBytes;
    const slabBytes = Math.min(slabBytesMax, Math.ceil(options.limitBytes / slabsInLimit));
    this.#slabs = new SlabRing({
      slabBytes,
      slabsMax: Math.ceil(options.limitBytes / slabBytes) + spareSlabs,
    });
  }

  /** Bytes of everything here, with what the bookkeeping costs. Above the limit only when pinned bytes alone are. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Bytes of the slabs; what is here and in none of them has buffers of its own. */
  get slabBytes(): number {
    return this.#slabs.allocatedBytes;
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
    keep: (bytes) => this.#slabs.copy(bytes),
    lend: (piece) => {
      this.#slabs.hold(piece);
      let isHeld = true;
      return () => {
        invariant(isHeld, () => "bytes of the tail cache are released twice");
        isHeld = false;
        this.#slabs.giveBack(piece);
      };
    },
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
      if (entry.pinned) {
        this.#pinnedBytes -= costOf(entry);
        if (entry.piece !== undefined) this.#slabs.abandon(entry.piece);
      } else {
        this.#unlink(entry);
        if (entry.piece !== undefined) this.#slabs.giveBack(entry.piece);
      }
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
  keep(bytes: Uint8Array): Piece | undefined;
  /** Returns how to release. */
  lend(piece: Piece): () => void;
  added(entry: Entry): void;
  unpinned(entry: Entry): void;
  removed(entry: Entry): void;
}

function costOf(entry: Entry): number {
  return entry.bytes.length + entryOverheadBytes;
}

/** `bytes`, or a copy of them when they are a small view that would keep a large buffer alive. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  // Not `bytes.slice()`: of a Buffer that is a view again.
  return bytes.buffer.byteLength > 2 * bytes.length + 1024 ? new Uint8Array(bytes) : bytes;
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
   * bytes as kept, mostly a copy: use these from here on, as long as the batch is pinned. A batch that is not `pinned` may be gone at once when everything else is pinned.
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
    const piece = this.#ledger.keep(bytes);
    const kept = piece?.bytes ?? ownBytes(bytes);
    const entry: Entry = {
      tail: this,
      baseOffset,
      nextOffset,
      bytes: kept,
      piece,
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
    const lent = options.lend === true ? this.#together(from, to) : undefined;
    if (lent !== undefined) return { ...lent, nextOffset };
    // A copy, also of a single batch: the memory here is used again.
    const joined = new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
    let at = 0;
    for (let index = from; index < to; index++) {
      const entry = this.#entries[index];
      if (entry === undefined) break;
      joined.set(entry.bytes, at);
      at += entry.bytes.length;
    }
    return { bytes: joined, nextOffset };
  }

  /** The bytes of the entries when they lie one after the other in one slab; else undefined. */
  #together(from: number, to: number): { bytes: Uint8Array; release: () => void } | undefined {
    const first = this.#entries[from];
    if (first?.piece === undefined) return undefined;
    const { slab } = first.piece;
    const start = first.bytes.byteOffset;
    let end = start;
    // Each of them: a batch of the same size of another partition may be where one is missing.
    for (let index = from; index < to; index++) {
      const entry = this.#entries[index];
      if (entry?.piece?.slab !== slab || entry.bytes.byteOffset !== end) return undefined;
      end += entry.bytes.length;
    }
    return { bytes: slab.bytes.subarray(start, end), release: this.#ledger.lend(first.piece) };
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
