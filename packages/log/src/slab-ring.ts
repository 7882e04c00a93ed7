/**
 * Memory of the tail cache: slabs of one size, each filled from front to back, and filled again once nothing in it is
 * needed any more.
 *
 *   slab 0   [a3][a4][b8][a5]          4 pieces          ──▶ 0 pieces: filled again from the front
 *   slab 1   [a6][b9]………………            2 pieces, filling
 *   slab 2   [a2 given][a7 abandoned]  never filled again: the collector has it when the last view is gone
 *
 * A buffer for each batch instead is fresh pages from the system every time, and weighs on V8's account of memory outside of
 * its heap: with 64 KiB batches that was a major collection for every 6 MB, and half of the processor.
 *
 * Invariants:
 * - The bytes of a piece do not change until it is given back. `giveBack` says that nobody will look at them again; whoever
 *   cannot know that, because a write may be on its way to the disk, says `abandon`: that slab is not filled again.
 * - Who looks at pieces beside their owner says `hold`, and `giveBack` afterwards: until then their slab is not filled again.
 * - There are never more than `slabsMax` slabs that may be filled again. When all are in use there is no room, and nothing waits.
 * - Small pieces have slabs of their own, so that one that stays does not keep a slab from those that come and go in bulk.
 */
import { invariant } from "./invariant.ts";

/** A piece has at most this share of a slab: what is lost at the end of one is less than that. */
const pieceShare = 4;
/** A piece is small below this share of a slab. */
const smallShare = 256;

interface Slab {
  readonly bytes: Uint8Array;
  /** Everything below has been filled since it was last empty. */
  filledBytes: number;
  /** Pieces that were neither given back nor abandoned, and holds. */
  pieces: number;
  isAbandoned: boolean;
}

/** Bytes in a slab. */
export interface Piece {
  /** A view; nobody writes into it but the ring. */
  readonly bytes: Uint8Array;
  readonly slab: Slab;
}

export class SlabRing {
  readonly slabBytes: number;
  readonly slabsMax: number;
  /** Slabs that exist and may be filled again. */
  #slabs = 0;
  /** Those of them without a piece. */
  readonly #free: Slab[] = [];
  /** Being filled: with large pieces, with small ones. */
  #large: Slab | undefined;
  #small: Slab | undefined;

  constructor(options: { slabBytes: number; slabsMax: number }) {
    this.slabBytes = options.slabBytes;
    this.slabsMax = options.slabsMax;
  }

  /** Bytes of the slabs that may be filled again. */
  get allocatedBytes(): number {
    return this.#slabs * this.slabBytes;
  }

  /** A copy of `bytes`; undefined when they are too large for a slab, or every slab is in use. Give it back or abandon it, once. */
  copy(bytes: Uint8Array): Piece | undefined {
    if (bytes.length * pieceShare > this.slabBytes) return undefined;
    const isSmall = bytes.length * smallShare < this.slabBytes;
    let slab = isSmall ? this.#small : this.#large;
    if (slab === undefined || slab.filledBytes + bytes.length > this.slabBytes) {
      slab = this.#next();
      if (isSmall) this.#small = slab;
      else this.#large = slab;
      if (slab === undefined) return undefined;
    }
    const at = slab.filledBytes;
    slab.bytes.set(bytes, at);
    slab.filledBytes = at + bytes.length;
    slab.pieces += 1;
    return { bytes: slab.bytes.subarray(at, slab.filledBytes), slab };
  }

  /** Keeps the bytes of the piece, and of its neighbours in the slab, as they are until it is given back once more. */
  hold({ slab }: Pick<Piece, "slab">): void {
    invariant(slab.pieces > 0, () => "a piece is held that was given back");
    slab.pieces += 1;
  }

  /** Nobody looks at the piece any more: its bytes may change from now on. */
  giveBack({ slab }: Pick<Piece, "slab">): void {
    invariant(slab.pieces > 0, () => "a piece is given back twice");
    slab.pieces -= 1;
    if (slab.pieces > 0 || slab.isAbandoned) return;
    slab.filledBytes = 0;
    if (slab !== this.#large && slab !== this.#small) this.#free.push(slab);
  }

  /** Somebody may still look at the piece: its bytes never change. */
  abandon({ slab }: Pick<Piece, "slab">): void {
    invariant(slab.pieces > 0, () => "a piece is given back twice");
    slab.pieces -= 1;
    if (slab.isAbandoned) return;
    slab.isAbandoned = true;
    this.#slabs -= 1;
    if (slab === this.#large) this.#large = undefined;
    if (slab === this.#small) this.#small = undefined;
  }

  #next(): Slab | undefined {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#slabs === this.slabsMax) return undefined;
    this.#slabs += 1;
    return { bytes: new Uint8Array(this.slabBytes), filledBytes: 0, pieces: 0, isAbandoned: false };
  }
}
