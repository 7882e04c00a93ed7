// SPDX-License-Identifier: Apache-2.0
// Whether bytes are a record batch, in three depths: header and checksum (every batch, at every door and on every read
// from disk), what a producer may send (kafka-wire 4.6), and each record. Values, never exceptions, on any bytes.

import { crc32c } from "../crc32c.ts";
import { batchRecordsMax } from "../limits.ts";
import type { Reason } from "../reasons.ts";
import {
  attributeBits,
  batchChecksumStart,
  batchHeaderBytes,
  batchMagic,
  batchPrefixBytes,
  batchSizeBytes,
  codecs,
  fieldAt,
  readBatchHeader,
  readInt16,
  readInt32,
  readInt64,
  type BatchHeader,
} from "./layout.ts";
import { RecordCursor } from "./reader.ts";

export type BatchFaultCode =
  | "TRUNCATED"
  | "BAD_LENGTH"
  | "BAD_MAGIC"
  | "BAD_CRC"
  | "BAD_OFFSET"
  | "BAD_COUNT"
  | "BAD_ATTRIBUTES"
  | "BAD_TIMESTAMP"
  | "BAD_SEQUENCE"
  | "BAD_RECORD"
  | "TOO_LARGE";

export interface BatchFault {
  readonly code: BatchFaultCode;
  /** What a producer of such a batch is told. */
  readonly reason: Reason;
  readonly message: string;
}

export interface ProducedBatchLimits {
  /** `max.message.bytes`: the whole batch as sent. */
  readonly maxBatchBytes: number;
  /** Largest timestamp allowed: the broker's time and an hour. Absent: any. */
  readonly timestampMsMax?: number;
}

/**
 * Checks the one whole batch that begins at `at` and ends before or at `end`: length, magic, checksum, and that every number
 * of the header can be what it says. Undefined when all is well. Needs at <= end <= bytes.length.
 */
export function checkBatch(bytes: Uint8Array, at: number, end: number): BatchFault | undefined {
  const room = end - at;
  if (room < batchPrefixBytes) return fault("TRUNCATED", "CORRUPT_MESSAGE", `The batch ends after ${room} bytes.`);
  const sizeBytes = batchSizeBytes(bytes, at);
  if (sizeBytes < batchHeaderBytes) {
    return fault(
      "BAD_LENGTH",
      "CORRUPT_MESSAGE",
      `The batch claims ${sizeBytes} bytes; a header has ${batchHeaderBytes}.`,
    );
  }
  // Old formats have their magic at the same place and may be shorter: name them before their length is compared.
  if (room > fieldAt.magic && bytes[at + fieldAt.magic] !== batchMagic) {
    const magic = bytes[at + fieldAt.magic]!;
    return fault(
      "BAD_MAGIC",
      "INVALID_RECORD",
      `The batch has format (magic) ${magic}; only ${batchMagic} is accepted.`,
    );
  }
  if (sizeBytes > room) {
    return fault("TRUNCATED", "CORRUPT_MESSAGE", `The batch claims ${sizeBytes} bytes, ${room} are there.`);
  }
  const found = readInt32(bytes, at + fieldAt.crc) >>> 0;
  const computed = crc32c(bytes, at + batchChecksumStart, at + sizeBytes);
  if (found !== computed) {
    return fault(
      "BAD_CRC",
      "CORRUPT_MESSAGE",
      `The batch has checksum ${hexadecimal(found)}, its bytes have ${hexadecimal(computed)}.`,
    );
  }
  return checkHeaderNumbers(bytes, at);
}

/** Checks that `bytes` are exactly one batch that a client may produce, in Kafka's order (kafka-wire 4.6). Records stay unopened. */
export function checkProducedBatch(bytes: Uint8Array, limits: ProducedBatchLimits): BatchFault | undefined {
  if (bytes.length > limits.maxBatchBytes) {
    return fault(
      "TOO_LARGE",
      "MESSAGE_TOO_LARGE",
      `The batch has ${bytes.length} bytes; the limit is ${limits.maxBatchBytes}.`,
    );
  }
  const broken = checkBatch(bytes, 0, bytes.length);
  if (broken !== undefined) return broken;
  const header = readBatchHeader(bytes);
  if (header.sizeBytes !== bytes.length) {
    return fault(
      "BAD_LENGTH",
      "CORRUPT_MESSAGE",
      `${bytes.length} bytes were sent, the batch has ${header.sizeBytes}.`,
    );
  }
  return checkProducedHeader(header, limits);
}

/**
 * Checks every record of a batch that was just produced: exactly recordCount of them, offset deltas 0, 1, 2 …, all lengths
 * inside. (A compacted batch has gaps between its deltas: read those with a cursor.) `recordsPlain` is decompressed.
 */
export function checkRecords(recordsPlain: Uint8Array, header: BatchHeader): BatchFault | undefined {
  const cursor = new RecordCursor(recordsPlain, header);
  while (cursor.tryNext()) {
    if (cursor.offsetDelta !== cursor.index) {
      return badRecord(`Record ${cursor.index} has offset delta ${cursor.offsetDelta}.`);
    }
  }
  return cursor.fault === undefined ? undefined : badRecord(`The batch is malformed: ${cursor.fault}.`);
}

/** What a stored batch may be and a produced one may not. */
function checkProducedHeader(header: BatchHeader, limits: ProducedBatchLimits): BatchFault | undefined {
  const { attributes, recordCount, lastOffsetDelta } = header;
  if ((attributes & attributeBits.control) !== 0) {
    return fault("BAD_ATTRIBUTES", "INVALID_RECORD", "The batch is a control batch, which only brokers write.");
  }
  if ((attributes & attributeBits.deleteHorizon) !== 0) {
    return fault("BAD_ATTRIBUTES", "INVALID_RECORD", "The batch has a delete horizon, which only compaction writes.");
  }
  if ((attributes & attributeBits.appendTime) !== 0) {
    return fault("BAD_ATTRIBUTES", "INVALID_TIMESTAMP", "The batch claims the append time, which only brokers know.");
  }
  if (recordCount <= 0 || lastOffsetDelta !== recordCount - 1) {
    const message = `The batch has ${recordCount} records and a last offset delta of ${lastOffsetDelta}.`;
    return fault("BAD_COUNT", "INVALID_RECORD", message);
  }
  if (header.producerId >= 0 && (header.baseSequence < 0 || header.producerEpoch < 0)) {
    return fault("BAD_SEQUENCE", "INVALID_RECORD", "The batch has a producer id without epoch and sequence.");
  }
  if (limits.timestampMsMax !== undefined && header.maxTimestampMs > limits.timestampMsMax) {
    const message = `The largest timestamp, ${header.maxTimestampMs} ms, lies beyond ${limits.timestampMsMax} ms.`;
    return fault("BAD_TIMESTAMP", "INVALID_TIMESTAMP", message);
  }
  return undefined;
}

/** What holds for every batch, however old or compacted: numbers that fit ours (ADR 0001) and each other. */
function checkHeaderNumbers(bytes: Uint8Array, at: number): BatchFault | undefined {
  const attributes = readInt16(bytes, at + fieldAt.attributes);
  if ((attributes & attributeBits.codec) >= codecs.length) {
    const codec = attributes & attributeBits.codec;
    return fault("BAD_ATTRIBUTES", "UNSUPPORTED_COMPRESSION", `The batch has the unknown codec ${codec}.`);
  }
  if ((attributes & ~127) !== 0) {
    return fault("BAD_ATTRIBUTES", "INVALID_RECORD", `The batch has unknown attributes, ${attributes}.`);
  }
  const recordCount = readInt32(bytes, at + fieldAt.recordCount);
  const lastOffsetDelta = readInt32(bytes, at + fieldAt.lastOffsetDelta);
  // Compaction may leave fewer records than offsets, down to none.
  if (recordCount < 0 || recordCount > batchRecordsMax || lastOffsetDelta < 0 || recordCount - 1 > lastOffsetDelta) {
    const message = `The batch has ${recordCount} records and a last offset delta of ${lastOffsetDelta}.`;
    return fault("BAD_COUNT", "INVALID_RECORD", message);
  }
  const baseOffset = readInt64(bytes, at + fieldAt.baseOffset);
  if (baseOffset < 0 || !Number.isSafeInteger(baseOffset + lastOffsetDelta)) {
    return fault("BAD_OFFSET", "CORRUPT_MESSAGE", `The batch has base offset ${baseOffset}.`);
  }
  const baseTimestamp = readInt64(bytes, at + fieldAt.baseTimestamp);
  const maxTimestamp = readInt64(bytes, at + fieldAt.maxTimestamp);
  if (!isTimestamp(baseTimestamp) || !isTimestamp(maxTimestamp)) {
    const message = `The batch has base timestamp ${baseTimestamp} and largest timestamp ${maxTimestamp}.`;
    return fault("BAD_TIMESTAMP", "INVALID_TIMESTAMP", message);
  }
  const producerId = readInt64(bytes, at + fieldAt.producerId);
  if (producerId < -1 || !Number.isSafeInteger(producerId)) {
    return fault("BAD_SEQUENCE", "INVALID_RECORD", `The batch has producer id ${producerId}.`);
  }
  return undefined;
}

function isTimestamp(milliseconds: number): boolean {
  return milliseconds >= -1 && Number.isSafeInteger(milliseconds);
}

function badRecord(message: string): BatchFault {
  return fault("BAD_RECORD", "INVALID_RECORD", message);
}

function fault(code: BatchFaultCode, reason: Reason, message: string): BatchFault {
  return { code, reason, message };
}

function hexadecimal(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}
