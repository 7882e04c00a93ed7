/**
 * Sparse index of one segment, offset → position: one entry every `index.interval.bytes`, so a lookup is followed by a
 * scan of at most that much.
 *
 *   segment  base 1000     1007            1031          1040
 *            ├──────┬──────┼───────┬───────┼──────┬──────┼─────…
 *   entries                (7, 5120)       (31, 9400)    (40, 14000)      delta to the base, bytes
 *
 * An entry is the base offset of a batch and where this batch begins. Both rise strictly. Offset 1000 at position 0 needs
 * no entry. Entries live in memory; what has been added since the last `takePending` is written to the file in blocks
 * (`index-blocks.ts`). Nothing here is ever lost for good: the segment says it all, only more slowly.
 */
import { InvariantError } from "@varve/format";
import { blocksBytes, decodeBlocks, encodeBlocks } from "./index-blocks.ts";
import type { BlockKind, DecodedIndex } from "./index-blocks.ts";

const kind: BlockKind = { magic: 0x31_49_4f_56 /* "VOI1" */, entryBytes: 8 };

/** Largest distance between the base of a segment and a batch in it; the store rolls before. */
export const offsetDeltaMax = 0x7fff_ffff;

export interface IndexedPosition {
  /** Base offset of the batch that begins at `position`. */
  readonly offset: number;
  /** Bytes from the start of the segment. */
  readonly position: number;
}

export class OffsetIndex {
  readonly baseOffset: number;
  /** Delta and position in turn. Grows by doubling; `#count` entries are live. */
  #numbers = new Uint32Array(0);
  #count = 0;
  /** Entries in the file, and its size, as far as the caller was handed blocks for it. */
  #savedCount = 0;
  #savedBytes = 0;
  /** The file says that it is the whole index of a segment that does not grow any more. */
  #complete = false;

  constructor(baseOffset: number) {
    this.baseOffset = baseOffset;
  }

  /**
   * Reads a whole index file of the segment that starts at `baseOffset`. Never throws: with a `fault` the index holds what
   * came before it, which is good as far as CRCs can tell; build it again from the segment and write the file anew.
   */
  static decode(baseOffset: number, bytes: Uint8Array): DecodedIndex<OffsetIndex> {
    const index = new OffsetIndex(baseOffset);
    const { fault, complete } = decodeBlocks(kind, baseOffset, bytes, (view, at) => {
      const delta = view.getUint32(at, true);
      const position = view.getUint32(at + 4, true);
      if (!index.#follows(delta, position)) return "entries that do not rise";
      index.#push(delta, position);
      return undefined;
    });
    index.#savedCount = index.#count;
    index.#savedBytes = fault === undefined ? bytes.length : fault.at;
    index.#complete = complete;
    return { index, fault, complete };
  }

  get count(): number {
    return this.#count;
  }

  /** The last entry; the base of the segment when there is none. */
  get last(): IndexedPosition {
    return this.#at(this.#count - 1);
  }

  /** Adds the batch at `offset`, which begins at `position`. Both rise from call to call. */
  append(offset: number, position: number): void {
    const delta = offset - this.baseOffset;
    if (this.#complete || delta > offsetDeltaMax || !this.#follows(delta, position)) {
      throw new InvariantError(`Cannot index offset ${offset} at ${position} after ${JSON.stringify(this.last)}`);
    }
    this.#push(delta, position);
  }

  /** The last entry at or below `offset`, or the start of the segment: begin to scan there. O(log n). */
  lookup(offset: number): IndexedPosition {
    let low = 0;
    let high = this.#count;
    const delta = offset - this.baseOffset;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#numbers[middle * 2] ?? 0) <= delta) low = middle + 1;
      else high = middle;
    }
    return this.#at(low - 1);
  }

  /** Entry number `index`; for tools that print the index. */
  entry(index: number): IndexedPosition {
    return this.#at(index);
  }

  /**
   * Forgets batches at or above `offset`. The file is out of date from then on: remove it *before* the segment is cut,
   * as an old block that came back with a crash would have a good CRC; the next `takePending` begins a new file.
   */
  truncateTo(offset: number): void {
    while (this.#count > 0 && this.last.offset >= offset) this.#count--;
    this.#savedCount = 0;
    this.#savedBytes = 0;
    this.#complete = false;
  }

  /** How many bytes `takePending` would return. */
  get pendingBytes(): number {
    return blocksBytes(kind, this.#count - this.#savedCount);
  }

  /**
   * What the file lacks: write `bytes` (owned) at `at`. They count as written from here on; when the write fails, the
   * file has a hole, which `decode` finds, and nothing else is wrong. Undefined when it lacks nothing. `complete` is for a
   * segment that gets no more batches: the index must not grow afterwards.
   */
  takePending(options?: { complete: boolean }): { bytes: Uint8Array; at: number } | undefined {
    const complete = options?.complete ?? false;
    if (this.#complete || (this.#savedCount === this.#count && !complete)) return undefined;
    const at = this.#savedBytes;
    const range = { baseOffset: this.baseOffset, from: this.#savedCount, to: this.#count, complete };
    const bytes = encodeBlocks(kind, range, (view, to, index) => {
      view.setUint32(to, this.#numbers[index * 2] ?? 0, true);
      view.setUint32(to + 4, this.#numbers[index * 2 + 1] ?? 0, true);
    });
    this.#savedCount = this.#count;
    this.#savedBytes = at + bytes.length;
    this.#complete = complete;
    return { bytes, at };
  }

  #follows(delta: number, position: number): boolean {
    const last = this.last;
    return this.baseOffset + delta > last.offset && position > last.position && position <= 0xffff_ffff;
  }

  #at(index: number): IndexedPosition {
    if (index < 0) return { offset: this.baseOffset, position: 0 };
    return {
      offset: this.baseOffset + (this.#numbers[index * 2] ?? 0),
      position: this.#numbers[index * 2 + 1] ?? 0,
    };
  }

  #push(delta: number, position: number): void {
    if (this.#count * 2 === this.#numbers.length) {
      const larger = new Uint32Array(Math.max(16, this.#numbers.length * 2));
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[this.#count * 2] = delta;
    this.#numbers[this.#count * 2 + 1] = position;
    this.#count++;
  }
}
