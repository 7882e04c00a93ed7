/**
 * Steps through batches that lie one after the other, and believes none of them.
 *
 * Offset, length and leader epoch lie outside the CRC of a batch, so the CRC alone would accept a batch of another place
 * or time. Every scan and every read also checks that base offsets are contiguous and that the epoch is the one that
 * the partition's epoch runs give for that offset (J-11).
 */
import { batchHeaderBytes, batchSizeBytes, checkBatch, readBatchHeader } from "@varve/format";
import type { BatchHeader } from "@varve/format";

/** What the partition says about an offset; undefined when it knows of no epoch there. */
export type EpochLookup = (offset: number) => number | undefined;

export interface WalkedBatch {
  readonly kind: "batch";
  readonly header: BatchHeader;
  readonly sizeBytes: number;
  /** Exclusive end, where the next one must begin. */
  readonly endOffset: number;
}

/** `cut-off`: the bytes end before the batch does; `bad`: there is something else than the batch that belongs here. */
export interface WalkFault {
  readonly kind: "cut-off" | "bad";
  /** Bytes that would have been needed, as far as they are known; at least 61. */
  readonly neededBytes: number;
  readonly why: string;
}

/** The batch at `at` of `bytes`, which are read up to `end`. Never throws on hostile bytes. */
export function walkBatch(
  bytes: Uint8Array,
  at: number,
  end: number,
  expectedOffset: number,
  epochAt: EpochLookup | undefined,
): WalkedBatch | WalkFault {
  if (end - at < batchHeaderBytes) return { kind: "cut-off", neededBytes: batchHeaderBytes, why: "the file ends here" };
  const sizeBytes = batchSizeBytes(bytes, at);
  if (sizeBytes < batchHeaderBytes) return bad(`a batch of ${sizeBytes} bytes`);
  const header = readBatchHeader(bytes, at);
  // J-11: contiguous offsets. Before the length is believed, since both are outside the CRC.
  if (header.baseOffset !== expectedOffset) return bad(`offset ${header.baseOffset} where ${expectedOffset} belongs`);
  const epoch = epochAt?.(expectedOffset);
  // J-11: the epoch that the runs give.
  if (epochAt !== undefined && epoch !== header.leaderEpoch) {
    return bad(
      `leader epoch ${header.leaderEpoch} at offset ${expectedOffset}, which was written in ${epoch ?? "none"}`,
    );
  }
  if (end - at < sizeBytes) {
    return { kind: "cut-off", neededBytes: sizeBytes, why: `a batch of ${sizeBytes} bytes, and the file ends before` };
  }
  const fault = checkBatch(bytes, at, at + sizeBytes);
  // `why` stands inside of sentences.
  if (fault !== undefined) return bad(fault.message.replace(/\.$/, ""));
  return { kind: "batch", header, sizeBytes, endOffset: header.baseOffset + header.lastOffsetDelta + 1 };
}

function bad(why: string): WalkFault {
  return { kind: "bad", neededBytes: batchHeaderBytes, why };
}
