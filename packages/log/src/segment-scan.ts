/**
 * Reads a segment from a position on, batch by batch, until its end or the first thing that does not belong there (J-11).
 * Changes nothing: what to do about what is found is decided elsewhere (J-12).
 */
import { batchHeaderBytes } from "@varve/format";
import type { BatchHeader } from "@varve/format";
import { walkBatch } from "./batch-walk.ts";
import type { EpochLookup } from "./batch-walk.ts";

const chunkBytes = 1024 * 1024;

export interface ScanOptions {
  /** A batch boundary, and the offset that belongs there. */
  readonly positionBytes: number;
  readonly offset: number;
  /** Where reading ends: the size of the file, or of what is known to be whole. */
  readonly sizeBytes: number;
  /** Undefined: take the epochs as they are, when the runs are to be rebuilt. */
  readonly epochAt: EpochLookup | undefined;
  readonly onBatch?: (header: BatchHeader, positionBytes: number) => void;
  /** Called after each piece that was read, for a byte rate. */
  readonly onPiece?: (bytes: number) => Promise<void> | void;
}

export interface ScanResult {
  /** Where the batches that were found good end. */
  readonly positionBytes: number;
  readonly endOffset: number;
  readonly maxTimestampMs: number;
  /** Undefined: everything up to the end of the file is good. */
  readonly fault: { readonly kind: "cut-off" | "bad"; readonly why: string } | undefined;
}

export async function scanSegment(
  read: (into: Uint8Array, at: number) => Promise<number>,
  options: ScanOptions,
): Promise<ScanResult> {
  let position = options.positionBytes;
  let offset = options.offset;
  let maxTimestampMs = -1;
  let wanted = chunkBytes;
  while (position < options.sizeBytes) {
    const buffer = new Uint8Array(Math.min(wanted, options.sizeBytes - position));
    const length = await read(buffer, position);
    await options.onPiece?.(length);
    const isEnd = position + length >= options.sizeBytes || length < buffer.length;
    let at = 0;
    wanted = chunkBytes;
    while (at < length) {
      const step = walkBatch(buffer, at, length, offset, options.epochAt);
      if (step.kind === "batch") {
        options.onBatch?.(step.header, position + at);
        maxTimestampMs = Math.max(maxTimestampMs, step.header.maxTimestampMs);
        at += step.sizeBytes;
        offset = step.endOffset;
        continue;
      }
      // A batch that only ends in the next piece is no fault, unless it ends beyond the file.
      const isLarger = step.kind === "cut-off" && !isEnd && position + at + step.neededBytes <= options.sizeBytes;
      if (!isLarger) {
        return {
          positionBytes: position + at,
          endOffset: offset,
          maxTimestampMs,
          fault: { kind: step.kind, why: step.why },
        };
      }
      wanted = Math.max(chunkBytes, step.neededBytes);
      break;
    }
    if (at === 0 && isEnd) {
      const why = `the file ends after ${length} of ${batchHeaderBytes} bytes`;
      return { positionBytes: position, endOffset: offset, maxTimestampMs, fault: { kind: "cut-off", why } };
    }
    position += at;
  }
  return { positionBytes: position, endOffset: offset, maxTimestampMs, fault: undefined };
}
