// How a batch of records lies in the metadata log. The number of its first record is in front, so a batch that is replayed
// twice, skipped or moved is found out before it changes anything (C-2).
//
//   [version u8][first record's number i64][written at, ms, i64][count uvarint] count × ([size uvarint][record])

import { ByteReader, ByteWriter, FormatError, invariant } from "@varve/format";
import { batchBytesMax, batchRecordsMax } from "../limits.ts";
import { metadataRecords } from "./records.ts";
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

const batchVersion = 1;
/** More than the fixed fields take. */
const headerBytes = 32;

/** Owned bytes of `batch`. */
export function encodeBatch(batch: MetadataBatch): Uint8Array {
  const writer = new ByteWriter();
  writer.int8(batchVersion);
  writer.int64(batch.firstOffset);
  writer.int64(batch.writtenAtMs);
  writeRecords(writer, batch.records);
  invariant(
    batch.records.length <= batchRecordsMax && writer.length <= batchBytesMax + headerBytes,
    "a metadata batch keeps its limits (C-5)",
  );
  return writer.finish();
}

/** The batch in `bytes`, which are only borrowed. Throws `FormatError` when they are none, or from a newer version. */
export function decodeBatch(bytes: Uint8Array): MetadataBatch {
  const reader = new ByteReader(bytes);
  const version = reader.int8();
  if (version !== batchVersion) {
    throw new FormatError(
      "UNSUPPORTED",
      `Cannot read a metadata batch of version ${version}, only ${batchVersion} is known.`,
    );
  }
  const batch = { firstOffset: reader.int64(), writtenAtMs: reader.int64(), records: readRecords(reader) };
  if (reader.remaining === 0) return batch;
  throw new FormatError("MALFORMED", `Cannot read a metadata batch: ${reader.remaining} bytes follow its records.`);
}

/** Of records whose size was asked for: they are written next, and a record never changes. */
const encodings = new WeakMap<MetadataRecord, Uint8Array>();

/** Count and records, each with its size. */
export function writeRecords(writer: ByteWriter, records: readonly MetadataRecord[]): void {
  writer.uvarint(records.length);
  for (const record of records) {
    const bytes = encodings.get(record) ?? metadataRecords.encode(record);
    writer.uvarint(bytes.length);
    writer.raw(bytes);
  }
}

/** What `writeRecords` wrote. A record is at least three bytes, which bounds the count before anything is allocated. */
export function readRecords(reader: ByteReader): MetadataRecord[] {
  const count = reader.uvarint();
  if (count * 3 > reader.remaining) {
    throw new FormatError("MALFORMED", `Cannot read ${count} metadata records: ${reader.remaining} bytes are left.`);
  }
  const records: MetadataRecord[] = [];
  for (let index = 0; index < count; index += 1) records.push(metadataRecords.decode(reader.raw(reader.uvarint())));
  return records;
}

/** The image after a committed batch. Throws `InvariantError` when it does not follow `image` (C-2: fatal). */
export function replayBatch(image: ControllerImage, batch: MetadataBatch): ControllerImage {
  invariant(
    batch.firstOffset === image.offset + 1,
    `metadata batch at record ${batch.firstOffset} follows record ${image.offset}`,
  );
  return replayAll(image, batch.records);
}

/** Bytes that a record takes in a batch, its size in front included. */
export function recordSizeBytes(record: MetadataRecord): number {
  let bytes = encodings.get(record);
  if (bytes === undefined) encodings.set(record, (bytes = metadataRecords.encode(record)));
  return bytes.length + 4;
}

export function recordsSizeBytes(records: readonly MetadataRecord[]): number {
  return records.reduce((sum, record) => sum + recordSizeBytes(record), 0);
}
