// SPDX-License-Identifier: Apache-2.0
// Batches without records: what compaction and an accepted loss leave, so that offsets go on without a gap. Kafka's compaction leaves
// batches like these, too: whoever reads the format goes on behind them.

import { invariant } from "../invariant.ts";
import {
  attributeBits,
  fieldAt,
  readBatchHeader,
  readInt16,
  sealBatch,
  writeInt16,
  writeInt32,
  writeInt64,
  type BatchHeader,
} from "./layout.ts";
import { batchLike } from "./retained-records.ts";

/** What is left of a batch whose records are all gone, owned: offsets, epoch, producer and sequence, and no timestamp. */
export function emptiedBatch(original: Uint8Array): Uint8Array {
  const bytes = batchLike(original, new Uint8Array(0), { codec: "none", recordCount: 0, maxTimestampMs: -1 });
  writeInt16(bytes, fieldAt.attributes, readInt16(bytes, fieldAt.attributes) & ~attributeBits.deleteHorizon);
  writeInt64(bytes, fieldAt.baseTimestamp, -1);
  sealBatch(bytes, 0);
  return bytes;
}

/** Whether a batch says nothing but that its offsets are taken: no records, no producer. Several of them may become one. */
export function isGap({ recordCount, producerId }: Pick<BatchHeader, "recordCount" | "producerId">): boolean {
  return recordCount === 0 && producerId < 0;
}

/**
 * Makes the gap (`isGap`) that begins at byte `at` begin at `offset` instead, which lies in it; in place, with a new checksum. A
 * replica that ends at an offset which its leader holds in the middle of a gap takes the rest of it.
 */
export function startGapAt(bytes: Uint8Array, at: number, offset: number): void {
  const header = readBatchHeader(bytes, at);
  const skipped = offset - header.baseOffset;
  invariant(isGap(header) && skipped >= 0 && skipped <= header.lastOffsetDelta, "a gap begins inside itself");
  writeInt64(bytes, at + fieldAt.baseOffset, offset);
  writeInt32(bytes, at + fieldAt.lastOffsetDelta, header.lastOffsetDelta - skipped);
  sealBatch(bytes, at);
}
