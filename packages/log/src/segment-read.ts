// SPDX-License-Identifier: Apache-2.0
/**
 * Reads whole batches from one segment and checks them (J-11) before anyone sees them.
 *
 *     index floor ──> [ batch ][ batch ][ batch ][ ba…
 *                       below     wanted ──────>│ the last one that is whole, fits and ends below the limit
 *
 * A large read is done in two pieces at once: the thread pool copies the second while the first is copied or checked.
 * Nothing returns before every piece has come back, since the system writes into the buffer until then.
 */
import { walkBatch } from "./batch-walk.ts";
import type { EpochLookup, WalkFault } from "./batch-walk.ts";
import { invariant } from "./invariant.ts";
import type { ReadBuffers } from "./read-buffers.ts";
import { unfilled } from "./read-buffers.ts";
import type { Segment } from "./segment.ts";

/** Smallest piece read when looking for a batch. */
const probeBytes = 64 * 1024;
/** From this size on a read goes in pieces: a smaller one is done before a second thread has woken up. */
const splitBytesMin = 512 * 1024;

export interface SegmentReadOptions {
  readonly offset: number;
  /** Exclusive. */
  readonly limit: number;
  readonly maxBytes: number;
  /** The first batch may exceed `maxBytes`. */
  readonly atLeastOneBatch: boolean;
  readonly epochAt: EpochLookup;
  /** The bytes may be lent; absent: they are owned by the caller. */
  readonly lendFrom?: ReadBuffers | undefined;
}

export type SegmentRead =
  | {
      readonly kind: "batches";
      readonly bytes: Uint8Array;
      readonly nextOffset: number;
      /** Given when the bytes are lent; they are valid until it is called. */
      readonly release?: () => void;
    }
  | { readonly kind: "empty" }
  | { readonly kind: "damaged"; readonly file: string; readonly offset: number; readonly why: string };

/** Whole batches from the one that holds `offset` on, checked (J-11). Errors: those of the file system. */
export async function readSegment(segment: Segment, options: SegmentReadOptions): Promise<SegmentRead> {
  const floor = (await segment.indexes()).index.lookup(options.offset);
  const from = { position: floor.position, offset: floor.offset };
  let wanted = Math.max(options.maxBytes, probeBytes);
  for (;;) {
    const sizeBytes = Math.max(0, Math.min(wanted, segment.sizeBytes - from.position));
    const taken = options.lendFrom?.take(sizeBytes);
    const buffer = taken?.subarray(0, sizeBytes) ?? unfilled(sizeBytes);
    const found = await readBuffer(segment, buffer, from, options);
    if (found.end > found.start) {
      const { start, end, nextOffset } = found;
      if (taken !== undefined)
        return { ...lent(taken, options.lendFrom!), bytes: buffer.subarray(start, end), nextOffset };
      const isWhole = start === 0 && end === buffer.length;
      return { kind: "batches", bytes: isWhole ? buffer : buffer.slice(start, end), nextOffset };
    }
    if (taken !== undefined) options.lendFrom!.give(taken);
    const isAtEnd = from.position + found.end >= segment.sizeBytes;
    if (!found.isReached && isAtEnd && found.nextOffset < Math.min(segment.endOffset, options.limit)) {
      // What is known of the segment was taken from a file that has lost its end.
      return { kind: "damaged", file: segment.path, offset: found.nextOffset, why: "the file ends here" };
    }
    if (found.fault !== undefined) {
      return { kind: "damaged", file: segment.path, offset: found.nextOffset, why: found.fault.why };
    }
    if (found.neededBytes === 0) return { kind: "empty" };
    // The batch that holds the offset was not reached, or is larger than what was read.
    from.position += found.end;
    from.offset = found.nextOffset;
    wanted = Math.max(found.neededBytes, probeBytes);
  }
}

interface Found {
  /** Where the wanted batches are; `start` equals `end` when there are none. `end` is also where the walk stopped. */
  readonly start: number;
  readonly end: number;
  readonly nextOffset: number;
  /** The walk came to a batch that holds the offset or follows it. */
  readonly isReached: boolean;
  readonly fault: WalkFault | undefined;
  /** Bytes that the next batch needs, 0 when none is to be read. */
  readonly neededBytes: number;
}

/** Fills `buffer` from the file and walks it, while later pieces are still being read. */
async function readBuffer(
  segment: Segment,
  buffer: Uint8Array,
  from: { readonly position: number; readonly offset: number },
  { offset, limit, maxBytes, atLeastOneBatch, epochAt }: SegmentReadOptions,
): Promise<Found> {
  const pieces = new Pieces(segment, buffer, from.position);
  try {
    await pieces.next();
    let at = 0;
    let start = -1;
    let nextOffset = from.offset;
    let fault: WalkFault | undefined;
    let neededBytes = 0;
    while (from.position + at < segment.sizeBytes && nextOffset < limit) {
      const step = walkBatch(buffer, at, pieces.filledBytes, nextOffset, epochAt);
      if (step.kind === "cut-off" && (await pieces.next())) continue;
      if (step.kind !== "batch") {
        const isCutByUs =
          step.kind === "cut-off" &&
          from.position + at + step.neededBytes <= segment.sizeBytes &&
          pieces.filledBytes === buffer.length;
        if (isCutByUs) neededBytes = step.neededBytes;
        else fault = step;
        break;
      }
      if (step.endOffset > limit) break;
      if (step.endOffset > offset) {
        if (start < 0) start = at;
        if (at + step.sizeBytes - start > maxBytes && !(start === at && atLeastOneBatch)) break;
      }
      at += step.sizeBytes;
      nextOffset = step.endOffset;
    }
    return { start: start < 0 ? at : start, end: at, nextOffset, isReached: start >= 0, fault, neededBytes };
  } finally {
    await pieces.allBack();
  }
}

/** One read as one or two that are under way together. */
class Pieces {
  /** Bytes from the buffer's beginning on that have been read. */
  filledBytes = 0;
  readonly #reads: { readonly bytes: number; readonly count: Promise<number> }[] = [];
  readonly #allBack: Promise<unknown>;
  #next = 0;

  constructor(segment: Segment, buffer: Uint8Array, position: number) {
    const size = buffer.length < splitBytesMin ? buffer.length : Math.ceil(buffer.length / 2);
    for (let at = 0; at < buffer.length; at += size) {
      const into = buffer.subarray(at, at + size);
      this.#reads.push({ bytes: into.length, count: segment.read(into, position + at) });
    }
    // At once, so that the failure of a piece that nobody comes to await is not an unhandled one.
    this.#allBack = Promise.allSettled(this.#reads.map((read) => read.count));
  }

  /** Waits for one more piece; false when there is none, or the file has ended before it. */
  async next(): Promise<boolean> {
    const read = this.#reads[this.#next];
    if (read === undefined) return false;
    this.#next += 1;
    const count = await read.count;
    this.filledBytes += count;
    // What comes after a short read is not there, whatever a later piece found.
    if (count < read.bytes) this.#next = this.#reads.length;
    return count > 0;
  }

  /** The system writes into the buffer no more. */
  async allBack(): Promise<void> {
    await this.#allBack;
  }
}

function lent(buffer: Uint8Array, pool: ReadBuffers): { kind: "batches"; release: () => void } {
  let isLent = true;
  const release = (): void => {
    // Twice would give the same memory to two readers.
    invariant(isLent, () => "lent bytes are released twice");
    isLent = false;
    pool.give(buffer);
  };
  return { kind: "batches", release };
}
