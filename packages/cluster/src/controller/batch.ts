// How a batch of records lies in the metadata log. The number of its first record is in front, so a batch that is replayed
// twice, skipped or moved is found out before it changes anything (C-2).

import { FormatError, invariant } from "@varve/format";
import { batchBytesMax } from "../limits.ts";
import type { MetadataRecord } from "./records.ts";
import { replayAll } from "./replay.ts";
import type { ControllerImage } from "./state.ts";

export interface MetadataBatch {
  /** Number of the first record. */
  readonly firstOffset: number;
  /** When the controller wrote it: for people, never for replay. */
  readonly writtenAtMs: number;
  readonly records: readonly MetadataRecord[];
}

const headerBytes = 64;

/** Owned bytes of `batch`. */
export function encodeBatch(batch: MetadataBatch): Uint8Array {
  const bytes = new TextEncoder().encode(JSON.stringify(batch));
  invariant(bytes.length <= batchBytesMax + headerBytes, "a metadata batch fits its limit (C-5)");
  return bytes;
}

/** The batch in `bytes`, which are only borrowed. Throws `FormatError` when they are none, or from a newer version. */
export function decodeBatch(bytes: Uint8Array): MetadataBatch {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as MetadataBatch;
  } catch (error) {
    throw new FormatError("MALFORMED", "Cannot read a metadata batch.", { cause: error });
  }
}

/** The image after a committed batch. Throws `InvariantError` when it does not follow `image` (C-2: fatal). */
export function replayBatch(image: ControllerImage, batch: MetadataBatch): ControllerImage {
  invariant(
    batch.firstOffset === image.offset + 1,
    `metadata batch at record ${batch.firstOffset} follows record ${image.offset}`,
  );
  return replayAll(image, batch.records);
}

/** Bytes that a record takes in a batch. */
export function recordSizeBytes(record: MetadataRecord): number {
  return JSON.stringify(record).length + 1;
}

export function recordsSizeBytes(records: readonly MetadataRecord[]): number {
  return records.reduce((sum, record) => sum + recordSizeBytes(record), 0);
}
