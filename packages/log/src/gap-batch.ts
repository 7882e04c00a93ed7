/**
 * Batches without records that take the place of offsets which were given up (J-12).
 *
 * The log stays contiguous for everything that reads it (J-11), and no offset that somebody may have seen is given out again.
 * Kafka's compaction leaves batches like these, so every reader of the format knows what to do with them: go on behind.
 */
import { assignOffsets, batchHeaderBytes, int32Max, sealBatch } from "@varve/format";

/** Where the fields of a batch lie, from its first byte. */
const lengthAt = 8;
const magicAt = 16;
const lastOffsetDeltaAt = 23;
const timestampsAt = 27;
const producerAt = 43;
const offsetsPerBatchMax = int32Max;

export interface GapBatch {
  readonly baseOffset: number;
  readonly nextOffset: number;
  /** Owned by the caller. */
  readonly bytes: Uint8Array;
}

/** Batches that cover [from, to), written in `epoch`; none when it is empty. */
export function gapBatches(from: number, to: number, epoch: number): GapBatch[] {
  const batches: GapBatch[] = [];
  for (let at = from; at < to; at += offsetsPerBatchMax) {
    const nextOffset = Math.min(to, at + offsetsPerBatchMax);
    batches.push({ baseOffset: at, nextOffset, bytes: gapBatch(at, nextOffset, epoch) });
  }
  return batches;
}

function gapBatch(baseOffset: number, nextOffset: number, epoch: number): Uint8Array {
  const bytes = new Uint8Array(batchHeaderBytes);
  const view = new DataView(bytes.buffer);
  view.setInt32(lengthAt, batchHeaderBytes - lengthAt - 4);
  bytes[magicAt] = 2;
  view.setInt32(lastOffsetDeltaAt, nextOffset - baseOffset - 1);
  // No timestamps, no producer: all -1. And no records.
  bytes.fill(0xff, timestampsAt, timestampsAt + 16);
  bytes.fill(0xff, producerAt, producerAt + 14);
  assignOffsets(bytes, 0, baseOffset, epoch);
  sealBatch(bytes, 0);
  return bytes;
}
