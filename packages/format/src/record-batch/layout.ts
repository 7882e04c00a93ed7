// SPDX-License-Identifier: Apache-2.0
// Record batch, magic 2 (KIP-98): Kafka's, byte for byte. All integers big-endian.
//
//    0  baseOffset int64            ┐ written by the broker; outside the checksum,
//    8  batchLength int32           │ so offsets and epoch are assigned in place
//   12  leaderEpoch int32           │ and the records stay unopened
//   16  magic int8 = 2              │
//   17  crc uint32                  ┘ CRC-32C of byte 21 to the end
//   21  attributes int16              bits 0-2 codec, 3 append time, 4 transactional, 5 control, 6 delete horizon
//   23  lastOffsetDelta int32
//   27  baseTimestamp int64  35  maxTimestamp int64      ms, -1 none
//   43  producerId int64  51  producerEpoch int16  53  baseSequence int32      -1 none
//   57  recordCount int32
//   61  records, plain or compressed as one blob
//
// Nothing here checks its input: `checkBatch` does, once, where bytes come in.

import { crc32c } from "../crc32c.ts";
import { invariant } from "../invariant.ts";

export const batchHeaderBytes = 61;
/** Bytes before the part that batchLength counts. */
export const batchPrefixBytes = 12;
/** First byte that the checksum covers. */
export const batchChecksumStart = 21;
export const batchMagic = 2;

/** Where the fields are. */
export const fieldAt = {
  baseOffset: 0,
  batchLength: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
} as const;

export const attributeBits = { codec: 7, appendTime: 8, transactional: 16, control: 32, deleteHorizon: 64 } as const;

export interface BatchHeader {
  baseOffset: number;
  /** The whole batch, header included. */
  sizeBytes: number;
  leaderEpoch: number;
  magic: number;
  crc: number;
  attributes: number;
  /** The last record's offset is baseOffset + lastOffsetDelta, even when compaction took that record. */
  lastOffsetDelta: number;
  baseTimestampMs: number;
  maxTimestampMs: number;
  /** -1: none; so for producerEpoch and baseSequence. */
  producerId: number;
  producerEpoch: number;
  baseSequence: number;
  recordCount: number;
}

export type Codec = "none" | "gzip" | "snappy" | "lz4" | "zstd";

/** By codec number. */
export const codecs: readonly Codec[] = ["none", "gzip", "snappy", "lz4", "zstd"];

/** The header at `start`. The caller has checked that 61 bytes are there; `checkBatch`, that integers are safe. */
export function readBatchHeader(bytes: Uint8Array, start = 0): BatchHeader {
  return {
    baseOffset: readInt64(bytes, start + fieldAt.baseOffset),
    sizeBytes: batchSizeBytes(bytes, start),
    leaderEpoch: readInt32(bytes, start + fieldAt.leaderEpoch),
    magic: (bytes[start + fieldAt.magic]! << 24) >> 24,
    crc: readInt32(bytes, start + fieldAt.crc) >>> 0,
    attributes: readInt16(bytes, start + fieldAt.attributes),
    lastOffsetDelta: readInt32(bytes, start + fieldAt.lastOffsetDelta),
    baseTimestampMs: readInt64(bytes, start + fieldAt.baseTimestamp),
    maxTimestampMs: readInt64(bytes, start + fieldAt.maxTimestamp),
    producerId: readInt64(bytes, start + fieldAt.producerId),
    producerEpoch: readInt16(bytes, start + fieldAt.producerEpoch),
    baseSequence: readInt32(bytes, start + fieldAt.baseSequence),
    recordCount: readInt32(bytes, start + fieldAt.recordCount),
  };
}

/** Size of the whole batch at `start` by its own word, unchecked: 12 bytes must be there, the result may be any int32 + 12. */
export function batchSizeBytes(bytes: Uint8Array, start: number): number {
  return batchPrefixBytes + readInt32(bytes, start + fieldAt.batchLength);
}

/** Writes base offset and leader epoch in place; the checksum stays valid. */
export function assignOffsets(bytes: Uint8Array, start: number, baseOffset: number, leaderEpoch: number): void {
  invariant(Number.isSafeInteger(baseOffset) && baseOffset >= 0, "an offset is a natural number");
  writeInt64(bytes, start + fieldAt.baseOffset, baseOffset);
  writeInt32(bytes, start + fieldAt.leaderEpoch, leaderEpoch);
}

/** LogAppendTime: every record of the batch is from `nowMs`. Sets bit 3, maxTimestamp and a new checksum. */
export function stampAppendTime(bytes: Uint8Array, start: number, nowMs: number): void {
  invariant(Number.isSafeInteger(nowMs) && nowMs >= 0, "the time is a natural number of milliseconds");
  writeInt16(
    bytes,
    start + fieldAt.attributes,
    readInt16(bytes, start + fieldAt.attributes) | attributeBits.appendTime,
  );
  writeInt64(bytes, start + fieldAt.maxTimestamp, nowMs);
  sealBatch(bytes, start);
}

/** Computes the checksum of the batch at `start` and writes it. The batch's length must be right. */
export function sealBatch(bytes: Uint8Array, start: number): void {
  const end = start + batchSizeBytes(bytes, start);
  invariant(end <= bytes.length, "the batch lies inside its bytes");
  writeInt32(bytes, start + fieldAt.crc, crc32c(bytes, start + batchChecksumStart, end));
}

/** The codec of a checked batch. Codec numbers 5 to 7 do not exist and do not pass `checkBatch`. */
export function codecOf(attributes: number): Codec {
  const codec = codecs[attributes & attributeBits.codec];
  invariant(codec !== undefined, "a checked batch has a known codec");
  return codec;
}

export function usesLogAppendTime(attributes: number): boolean {
  return (attributes & attributeBits.appendTime) !== 0;
}

export function isTransactional(attributes: number): boolean {
  return (attributes & attributeBits.transactional) !== 0;
}

export function isControl(attributes: number): boolean {
  return (attributes & attributeBits.control) !== 0;
}

/** Bit 6: baseTimestamp is the time from which compaction may drop tombstones, not the first record's. */
export function hasDeleteHorizon(attributes: number): boolean {
  return (attributes & attributeBits.deleteHorizon) !== 0;
}

export function readInt16(bytes: Uint8Array, start: number): number {
  return ((bytes[start]! << 24) >> 16) | bytes[start + 1]!;
}

export function readInt32(bytes: Uint8Array, start: number): number {
  return (bytes[start]! << 24) | (bytes[start + 1]! << 16) | (bytes[start + 2]! << 8) | bytes[start + 3]!;
}

/** Rounded when it exceeds 53 bits, but then never a safe integer. */
export function readInt64(bytes: Uint8Array, start: number): number {
  return readInt32(bytes, start) * 0x1_0000_0000 + (readInt32(bytes, start + 4) >>> 0);
}

export function writeInt16(bytes: Uint8Array, start: number, value: number): void {
  bytes[start] = value >> 8;
  bytes[start + 1] = value;
}

export function writeInt32(bytes: Uint8Array, start: number, value: number): void {
  bytes[start] = value >> 24;
  bytes[start + 1] = value >> 16;
  bytes[start + 2] = value >> 8;
  bytes[start + 3] = value;
}

/** `value` is a safe integer. */
export function writeInt64(bytes: Uint8Array, start: number, value: number): void {
  writeInt32(bytes, start, Math.floor(value / 0x1_0000_0000));
  writeInt32(bytes, start + 4, value >>> 0);
}
