// SPDX-License-Identifier: Apache-2.0
// From record batches to the bytes of a ConsumeResponse (or FetchResponse, which has the same fields), without an object
// per record: a record's length is computed from its spans, then its parts are copied straight into the message.
//
//   batch   len attributes Δtime Δoffset klen key vlen value n (klen name vlen value)*
//   message 12 len │ 0a klen key │ 12 vlen value │ 1a len (0a klen name │ 12 vlen value)… │ 20 time │ 28 offset │ 30 epoch
//
// One encoder makes one message of one partition. It selects by offset, count and time, and knows where the next one goes on.

import { isUtf8 } from "node:buffer";
import { isControl, RecordCursor, type BatchHeader } from "@varve/format";
import { writeLeaderHint, type LeaderHint } from "../wire/shared-messages.ts";
import { asBuffer } from "../wire/wire-reader.ts";
import { sizeOfInt64, sizeOfUint32, WireWriter, writeInt64, writeUint32 } from "../wire/wire-writer.ts";

/** Which records of the batches go into the message. */
export interface ConsumeSelection {
  readonly partition: number;
  /** First offset to deliver. */
  readonly fromOffset: number;
  /** First offset not to deliver. @default no limit */
  readonly toOffset?: number | undefined;
  /** Only records at or after this time; others count as skipped. */
  readonly fromTimeMs?: number | undefined;
  /** Only records before this time; others count as skipped. */
  readonly toTimeMs?: number | undefined;
  /** At most this many records. @default no limit */
  readonly maxRecords?: number | undefined;
}

/** What a message says beside its records. */
export interface ConsumeProgress {
  readonly highWatermark: number;
  readonly logStartOffset: number;
  /** @default false */
  readonly endReached?: boolean | undefined;
  readonly leader?: LeaderHint | undefined;
}

/** What became of one batch. */
export type AddOutcome =
  /** All that was wanted of it is in the message. */
  | { readonly kind: "added" }
  /** `toOffset` or `maxRecords` is reached: nothing that follows is wanted. */
  | { readonly kind: "complete" }
  /** The records break the format at or after this offset; those before it are in the message. */
  | { readonly kind: "damaged"; readonly offset: number; readonly why: string };

const added: AddOutcome = { kind: "added" };
const complete: AddOutcome = { kind: "complete" };

export class ConsumeEncoder {
  /** Records in the message. */
  recordCount = 0;
  /** Records that the time filter left out. */
  skipped = 0;
  /** Where the next message of this partition goes on. */
  nextOffset: number;
  readonly #writer: WireWriter;
  readonly #toOffset: number;
  readonly #fromTimeMs: number;
  readonly #toTimeMs: number;
  readonly #maxRecords: number;

  /** `initialBytes`: how large the message is likely to become. */
  constructor(selection: ConsumeSelection, initialBytes = 64 * 1024) {
    this.#toOffset = selection.toOffset ?? Number.MAX_SAFE_INTEGER;
    this.#fromTimeMs = selection.fromTimeMs ?? Number.NEGATIVE_INFINITY;
    this.#toTimeMs = selection.toTimeMs ?? Number.POSITIVE_INFINITY;
    this.#maxRecords = selection.maxRecords ?? Number.POSITIVE_INFINITY;
    this.nextOffset = selection.fromOffset;
    this.#writer = new WireWriter(initialBytes);
    if (selection.partition !== 0) this.#writer.intField(0x08, selection.partition);
  }

  /** Size of the message by now. */
  get sizeBytes(): number {
    return this.#writer.at;
  }

  /**
   * Adds the wanted records of the next batch, in offset order. `recordsPlain` is its records section, decompressed; both are
   * borrowed for the call.
   */
  add(header: BatchHeader, recordsPlain: Uint8Array): AddOutcome {
    if (header.baseOffset >= this.#toOffset || this.recordCount >= this.#maxRecords) return complete;
    const behind = header.baseOffset + header.lastOffsetDelta + 1;
    if (!isControl(header.attributes)) {
      const bytes = asBuffer(recordsPlain);
      const cursor = new RecordCursor(bytes, header);
      while (cursor.tryNext()) {
        const { offset, timestampMs } = cursor;
        if (offset < this.nextOffset) continue;
        if (offset >= this.#toOffset) {
          this.nextOffset = this.#toOffset;
          return complete;
        }
        this.nextOffset = offset + 1;
        if (timestampMs < this.#fromTimeMs || timestampMs >= this.#toTimeMs) {
          this.skipped += 1;
          continue;
        }
        this.#writeRecord(bytes, cursor, header.leaderEpoch);
        this.recordCount += 1;
        if (this.recordCount >= this.#maxRecords) return complete;
      }
      if (cursor.fault !== undefined) return { kind: "damaged", offset: this.nextOffset, why: cursor.fault };
    }
    if (behind > this.nextOffset) this.nextOffset = Math.min(behind, this.#toOffset);
    return added;
  }

  /** The message, owned by the caller. Nothing may be added afterwards. */
  finish(progress: ConsumeProgress): Buffer {
    const writer = this.#writer;
    writeProgress(writer, this.nextOffset, this.skipped, progress);
    return writer.finish();
  }

  #writeRecord(bytes: Buffer, cursor: RecordCursor, leaderEpoch: number): void {
    const { keyLength, valueLength, timestampMs, offset, headerCount } = cursor;
    const headers = headerCount === 0 ? undefined : cursor.headerSpans();
    let size = 0;
    if (keyLength >= 0) size += 1 + sizeOfUint32(keyLength) + keyLength;
    if (valueLength >= 0) size += 1 + sizeOfUint32(valueLength) + valueLength;
    size += 1 + sizeOfInt64(timestampMs);
    if (offset !== 0) size += 1 + sizeOfInt64(offset);
    if (leaderEpoch !== 0) size += 1 + sizeOfInt64(leaderEpoch);
    if (headers !== undefined) size += sizeOfHeaders(bytes, headers);
    const writer = this.#writer;
    writer.reserve(size + 6);
    const into = writer.bytes;
    let at = writer.at;
    into[at++] = 0x12;
    at = writeUint32(into, at, size);
    if (keyLength >= 0) at = writeBytes(into, at, 0x0a, bytes, cursor.keyStart, keyLength);
    if (valueLength >= 0) at = writeBytes(into, at, 0x12, bytes, cursor.valueStart, valueLength);
    if (headers !== undefined) at = writeHeaders(into, at, bytes, headers);
    into[at++] = 0x20;
    at = writeInt64(into, at, timestampMs);
    if (offset !== 0) {
      into[at++] = 0x28;
      at = writeInt64(into, at, offset);
    }
    if (leaderEpoch !== 0) {
      into[at++] = 0x30;
      at = writeInt64(into, at, leaderEpoch);
    }
    writer.at = at;
  }
}

/** A message of whole batches (FORMAT_BATCHES). `batches` is borrowed for the call. */
export function encodeConsumeBatches(
  options: { partition: number; batches: Uint8Array; nextOffset: number } & ConsumeProgress,
): Buffer {
  const writer = new WireWriter(options.batches.length + 128);
  if (options.partition !== 0) writer.intField(0x08, options.partition);
  if (options.batches.length > 0) writer.bytesField(0x1a, options.batches);
  writeProgress(writer, options.nextOffset, 0, options);
  return writer.finish();
}

function writeProgress(writer: WireWriter, nextOffset: number, skipped: number, progress: ConsumeProgress): void {
  if (nextOffset !== 0) writer.intField(0x20, nextOffset);
  if (progress.highWatermark !== 0) writer.intField(0x28, progress.highWatermark);
  if (progress.logStartOffset !== 0) writer.intField(0x30, progress.logStartOffset);
  if (progress.endReached === true) writer.boolField(0x38, true);
  if (skipped !== 0) writer.uint32Field(0x40, skipped);
  if (progress.leader !== undefined) writeLeaderHint(writer, 0x4a, progress.leader);
}

function writeBytes(into: Buffer, at: number, tag: number, source: Buffer, start: number, length: number): number {
  into[at++] = tag;
  at = writeUint32(into, at, length);
  // For short pieces a loop beats the call into native code.
  if (length < 32) for (let index = 0; index < length; index++) into[at + index] = source[start + index]!;
  else source.copy(into, at, start, start + length);
  return at + length;
}

/** What headers take, framing included. */
function sizeOfHeaders(bytes: Buffer, spans: readonly number[]): number {
  let size = 0;
  for (let index = 0; index < spans.length; index += 4) {
    const header = sizeOfHeader(bytes, spans, index);
    size += 1 + sizeOfUint32(header) + header;
  }
  return size;
}

function sizeOfHeader(bytes: Buffer, spans: readonly number[], index: number): number {
  const nameLength = printable(bytes, spans[index]!, spans[index + 1]!)?.length ?? spans[index + 1]!;
  const valueLength = spans[index + 3]!;
  return (
    1 + sizeOfUint32(nameLength) + nameLength + (valueLength < 0 ? 0 : 1 + sizeOfUint32(valueLength) + valueLength)
  );
}

function writeHeaders(into: Buffer, at: number, bytes: Buffer, spans: readonly number[]): number {
  for (let index = 0; index < spans.length; index += 4) {
    const name = printable(bytes, spans[index]!, spans[index + 1]!);
    into[at++] = 0x1a;
    at = writeUint32(into, at, sizeOfHeader(bytes, spans, index));
    at =
      name === undefined
        ? writeBytes(into, at, 0x0a, bytes, spans[index]!, spans[index + 1]!)
        : writeBytes(into, at, 0x0a, name, 0, name.length);
    if (spans[index + 3]! >= 0) at = writeBytes(into, at, 0x12, bytes, spans[index + 2]!, spans[index + 3]!);
  }
  return at;
}

/** A replacement for a header name that is not UTF-8 (Kafka clients may write one): strict decoders would refuse the message. */
function printable(bytes: Buffer, start: number, length: number): Buffer | undefined {
  for (let at = start; at < start + length; at++) {
    if (bytes[at]! < 0x80) continue;
    return isUtf8(bytes.subarray(start, start + length))
      ? undefined
      : Buffer.from(bytes.toString("utf8", start, start + length));
  }
  return undefined;
}
