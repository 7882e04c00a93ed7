/**
 * Sparse index of one segment, time → offset.
 *
 *   batches    1000      1007      1031      1040      1055
 *   newest     12:00     12:07     12:03     12:07     12:09      largest timestamp in each
 *   entries    (12:00, 1000)  (12:07, 1007)                (12:09, 1055)
 *
 * An entry (T, O) says: the batch at base offset O is the first one whose largest timestamp is T, and no batch up to O has
 * a larger one. Both rise strictly, so timestamps that jump back cost nothing and lead nobody astray. The first record at or
 * after time t cannot lie before the last entry with T < t: scan from there. Lives and is written as `offset-index.ts`.
 */
import { InvariantError } from "@varve/format";
import { blocksBytes, decodeBlocks, encodeBlocks } from "./index-blocks.ts";
import type { BlockKind, DecodedIndex } from "./index-blocks.ts";
import { offsetDeltaMax } from "./offset-index.ts";

const kind: BlockKind = { magic: 0x31_49_54_56 /* "VTI1" */, entryBytes: 12 };

export interface IndexedTime {
  readonly timestampMs: number;
  /** Base offset of the first batch that has this as its largest timestamp. */
  readonly offset: number;
}

export class TimeIndex {
  readonly baseOffset: number;
  /** Timestamp and delta in turn; doubles hold both exactly. */
  #numbers = new Float64Array(0);
  #count = 0;
  #savedCount = 0;
  #savedBytes = 0;
  /** The file says that it is the whole index of a segment that does not grow any more. */
  #complete = false;
  /** The largest timestamp so far, which need not have an entry yet. */
  #largest: IndexedTime | undefined;

  constructor(baseOffset: number) {
    this.baseOffset = baseOffset;
  }

  /**
   * As `OffsetIndex.decode`: never throws, and with a `fault` holds what came before it. Unless it is `complete`, batches
   * from the last entry on have to be noted before `largest` and `lookup` are right.
   */
  static decode(baseOffset: number, bytes: Uint8Array): DecodedIndex<TimeIndex> {
    const index = new TimeIndex(baseOffset);
    const { fault, complete } = decodeBlocks(kind, baseOffset, bytes, (view, at) => {
      const timestampMs = Number(view.getBigInt64(at, true));
      const delta = view.getUint32(at + 8, true);
      const last = index.#entry(index.#count - 1);
      if (!Number.isSafeInteger(timestampMs) || delta > offsetDeltaMax) return "an entry out of range";
      if (last !== undefined && (timestampMs <= last.timestampMs || baseOffset + delta <= last.offset)) {
        return "entries that do not rise";
      }
      index.#push(timestampMs, delta);
      return undefined;
    });
    index.#largest = index.#entry(index.#count - 1);
    index.#savedCount = index.#count;
    index.#savedBytes = fault === undefined ? bytes.length : fault.at;
    index.#complete = complete;
    return { index, fault, complete };
  }

  get count(): number {
    return this.#count;
  }

  /** The largest timestamp of all batches noted, and the first batch that has it; undefined when none had any. */
  get largest(): IndexedTime | undefined {
    return this.#largest;
  }

  /** Notes a batch; batches come in the order of offsets. Adds no entry. A timestamp below 0 means none. O(1). */
  note(maxTimestampMs: number, baseOffset: number): void {
    if (maxTimestampMs < 0 || maxTimestampMs <= (this.#largest?.timestampMs ?? -1)) return;
    if (this.#complete || baseOffset <= (this.#largest?.offset ?? -1) || baseOffset < this.baseOffset) {
      throw new InvariantError(`Cannot note the time of offset ${baseOffset} after ${JSON.stringify(this.#largest)}`);
    }
    this.#largest = { timestampMs: maxTimestampMs, offset: baseOffset };
  }

  /**
   * Adds an entry for the largest timestamp, if it has none yet: whenever the offset index gets an entry, and when the
   * segment is complete, so that the last entry is the segment's largest timestamp.
   */
  addEntry(): void {
    const largest = this.#largest;
    if (largest === undefined || this.#entry(this.#count - 1)?.offset === largest.offset) return;
    this.#push(largest.timestampMs, largest.offset - this.baseOffset);
  }

  /**
   * Offset from which a scan for the first record at or after `timeMs` has to begin: no batch before it has one. Undefined
   * when no batch of the segment has one at all.
   */
  lookup(timeMs: number): number | undefined {
    if (this.#largest === undefined || this.#largest.timestampMs < timeMs) return undefined;
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#numbers[middle * 2] ?? 0) < timeMs) low = middle + 1;
      else high = middle;
    }
    return this.#entry(low - 1)?.offset ?? this.baseOffset;
  }

  /** Entry number `index`, for tools that print the index. */
  entry(index: number): IndexedTime | undefined {
    return this.#entry(index);
  }

  /**
   * Forgets batches at or above `offset`; the rule about the file is that of `OffsetIndex.truncateTo`. What lies between
   * the last entry that stays and `offset` is not known any more: note those batches again, or the segment's largest
   * timestamp would be too small. Returns the offset to scan from.
   */
  truncateTo(offset: number): number {
    while (this.#count > 0 && (this.#entry(this.#count - 1)?.offset ?? -1) >= offset) this.#count--;
    this.#largest = this.#entry(this.#count - 1);
    this.#savedCount = 0;
    this.#savedBytes = 0;
    this.#complete = false;
    return this.#largest?.offset ?? this.baseOffset;
  }

  /** How many bytes `takePending` would return. */
  get pendingBytes(): number {
    return blocksBytes(kind, this.#count - this.#savedCount);
  }

  /** As `OffsetIndex.takePending`; with `complete`, adds the entry of the largest timestamp first. */
  takePending(options?: { complete: boolean }): { bytes: Uint8Array; at: number } | undefined {
    const complete = options?.complete ?? false;
    if (complete) this.addEntry();
    if (this.#complete || (this.#savedCount === this.#count && !complete)) return undefined;
    const at = this.#savedBytes;
    const range = { baseOffset: this.baseOffset, from: this.#savedCount, to: this.#count, complete };
    const bytes = encodeBlocks(kind, range, (view, to, index) => {
      view.setBigInt64(to, BigInt(this.#numbers[index * 2] ?? 0), true);
      view.setUint32(to + 8, this.#numbers[index * 2 + 1] ?? 0, true);
    });
    this.#savedCount = this.#count;
    this.#savedBytes = at + bytes.length;
    this.#complete = complete;
    return { bytes, at };
  }

  #entry(index: number): IndexedTime | undefined {
    if (index < 0) return undefined;
    return {
      timestampMs: this.#numbers[index * 2] ?? 0,
      offset: this.baseOffset + (this.#numbers[index * 2 + 1] ?? 0),
    };
  }

  #push(timestampMs: number, delta: number): void {
    if (this.#count * 2 === this.#numbers.length) {
      const larger = new Float64Array(Math.max(16, this.#numbers.length * 2));
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[this.#count * 2] = timestampMs;
    this.#numbers[this.#count * 2 + 1] = delta;
    this.#count++;
  }
}
