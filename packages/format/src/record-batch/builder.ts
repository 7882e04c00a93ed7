// SPDX-License-Identifier: Apache-2.0
// Records in, one uncompressed record batch out. Each record is written straight into one growable buffer behind room for
// the header; no object is kept per record.
//
// record:  length varint | attributes int8 = 0 | timestampDelta varlong | offsetDelta varint
//          | keyLength varint (-1 null) key | valueLength varint (-1 null) value | headerCount varint
//          | per header: keyLength varint, UTF-8 key, valueLength varint (-1 null), value

import { FormatError } from "../format-error.ts";
import { invariant } from "../invariant.ts";
import { batchRecordsMax, int32Max } from "../limits.ts";
import { varintBytes, varlongBytes } from "../varint.ts";
import {
  attributeBits,
  batchHeaderBytes,
  batchMagic,
  batchPrefixBytes,
  fieldAt,
  sealBatch,
  writeInt16,
  writeInt32,
  writeInt64,
} from "./layout.ts";

export interface RecordHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** What a producer gives. Absent and null are the same; empty is different. Bytes are copied by `append`. */
export interface RecordInput {
  readonly key?: Uint8Array | null;
  readonly value?: Uint8Array | null;
  readonly headers?: readonly RecordHeader[];
  /** Milliseconds since 1970, -1 for none. */
  readonly timestampMs: number;
}

/** One record whose parts lie in a larger message: places, not objects. Lengths of -1 are null. One may be reused for all. */
export interface RecordSpans {
  timestampMs: number;
  keyStart: number;
  keyLength: number;
  valueStart: number;
  valueLength: number;
  /** Four numbers a header: key start, key length, value start, value length. The first headerCount * 4 count. */
  headers: readonly number[];
  headerCount: number;
}

export interface FinishOptions {
  /** -1, the default, is none; so for the next two. */
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  /** 0 unless given: brokers assign it. */
  readonly baseOffset?: number;
  /** -1 unless given: brokers assign it. */
  readonly leaderEpoch?: number;
  readonly transactional?: boolean;
  /** A control batch (transaction markers); brokers write these, clients may not. */
  readonly control?: boolean;
}

/** Up to this many bytes a loop beats a call into native code. */
const shortBytes = 24;

export class RecordBatchBuilder {
  #bytes: Buffer;
  #length = batchHeaderBytes;
  #count = 0;
  #baseTimestampMs = -1;
  #maxTimestampMs = -1;

  constructor(options: { initialBytes?: number } = {}) {
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(options.initialBytes ?? 16 * 1024, 2 * batchHeaderBytes));
  }

  /** Size of the batch if it were finished now, header included. */
  get sizeBytes(): number {
    return this.#length;
  }

  get recordCount(): number {
    return this.#count;
  }

  /** Adds a record and returns the batch's size. Its bytes are copied. FormatError TOO_LARGE beyond 2 GiB or 1,000,000 records. */
  append(record: RecordInput): number {
    const { key = null, value = null, headers, timestampMs } = record;
    const timestampDelta = this.#begin(timestampMs);
    const keyLength = key === null ? -1 : key.length;
    const valueLength = value === null ? -1 : value.length;
    const headerBytes = headers === undefined || headers.length === 0 ? 1 : sizeOfHeaders(headers);
    this.#writeFront(timestampDelta, keyLength, valueLength, headerBytes);
    if (key !== null) this.#put(key, 0, keyLength);
    this.#varint(valueLength);
    if (value !== null) this.#put(value, 0, valueLength);
    this.#varint(headers?.length ?? 0);
    if (headers !== undefined && headers.length > 0) this.#writeHeaders(headers);
    return this.#end(timestampMs);
  }

  /** As `append`, for a record whose parts are spans of `source` (trusted to lie inside it). */
  appendSpans(source: Uint8Array, spans: RecordSpans): number {
    const { timestampMs, keyLength, valueLength, headers, headerCount } = spans;
    const timestampDelta = this.#begin(timestampMs);
    let headerBytes = varintBytes(headerCount);
    for (let index = 0; index < headerCount * 4; index += 2) headerBytes += sizeOfNullable(headers[index + 1]!);
    this.#writeFront(timestampDelta, keyLength, valueLength, headerBytes);
    if (keyLength > 0) this.#put(source, spans.keyStart, keyLength);
    this.#varint(valueLength);
    if (valueLength > 0) this.#put(source, spans.valueStart, valueLength);
    this.#varint(headerCount);
    for (let index = 0; index < headerCount * 4; index += 2) {
      const length = headers[index + 1]!;
      this.#varint(length);
      if (length > 0) this.#put(source, headers[index]!, length);
    }
    return this.#end(timestampMs);
  }

  /** The batch, owned by the caller, with its checksum. The records stay until `reset`, so the next call gives them again. */
  finish(options: FinishOptions = {}): Uint8Array {
    return this.finishInPlace(options).slice();
  }

  /**
   * As `finish`, without a copy: the batch lies in the builder's own memory, borrowed and valid until the next call. Whoever drops the
   * builder owns it.
   */
  finishInPlace(options: FinishOptions = {}): Uint8Array {
    invariant(this.#count > 0, "a batch has at least one record");
    // Not a Buffer: its slice() would not copy.
    const batch = new Uint8Array(this.#bytes.buffer, 0, this.#length);
    let attributes = 0;
    if (options.transactional === true) attributes |= attributeBits.transactional;
    if (options.control === true) attributes |= attributeBits.control;
    writeInt64(batch, fieldAt.baseOffset, options.baseOffset ?? 0);
    writeInt32(batch, fieldAt.batchLength, this.#length - batchPrefixBytes);
    writeInt32(batch, fieldAt.leaderEpoch, options.leaderEpoch ?? -1);
    batch[fieldAt.magic] = batchMagic;
    writeInt16(batch, fieldAt.attributes, attributes);
    writeInt32(batch, fieldAt.lastOffsetDelta, this.#count - 1);
    writeInt64(batch, fieldAt.baseTimestamp, this.#baseTimestampMs);
    writeInt64(batch, fieldAt.maxTimestamp, this.#maxTimestampMs);
    writeInt64(batch, fieldAt.producerId, options.producerId ?? -1);
    writeInt16(batch, fieldAt.producerEpoch, options.producerEpoch ?? -1);
    writeInt32(batch, fieldAt.baseSequence, options.baseSequence ?? -1);
    writeInt32(batch, fieldAt.recordCount, this.#count);
    sealBatch(batch, 0);
    return batch;
  }

  /** Forgets the records and keeps the memory. */
  reset(): void {
    this.#length = batchHeaderBytes;
    this.#count = 0;
    this.#baseTimestampMs = -1;
    this.#maxTimestampMs = -1;
  }

  #begin(timestampMs: number): number {
    invariant(Number.isSafeInteger(timestampMs) && timestampMs >= -1, "a timestamp is -1 or a natural number");
    if (this.#count === 0) this.#baseTimestampMs = timestampMs;
    return timestampMs - this.#baseTimestampMs;
  }

  /** Length, attributes, deltas and the key's length; makes room for the whole record. */
  #writeFront(timestampDelta: number, keyLength: number, valueLength: number, headerBytes: number): void {
    if (this.#count >= batchRecordsMax) {
      throw new FormatError("TOO_LARGE", `Cannot append a record: the batch has ${batchRecordsMax} already.`);
    }
    const bodyBytes =
      1 +
      varlongBytes(timestampDelta) +
      varintBytes(this.#count) +
      sizeOfNullable(keyLength) +
      sizeOfNullable(valueLength) +
      headerBytes;
    const needed = this.#length + 5 + bodyBytes;
    if (needed > this.#bytes.length) this.#grow(needed);
    this.#varint(bodyBytes);
    this.#bytes[this.#length++] = 0;
    this.#varlong(timestampDelta);
    this.#varint(this.#count);
    this.#varint(keyLength);
  }

  #end(timestampMs: number): number {
    this.#count++;
    if (timestampMs > this.#maxTimestampMs) this.#maxTimestampMs = timestampMs;
    return this.#length;
  }

  #writeHeaders(headers: readonly RecordHeader[]): void {
    for (const { key, value } of headers) {
      const keyLength = utf8Length(key);
      this.#varint(keyLength);
      if (keyLength === key.length && keyLength <= shortBytes) {
        for (let index = 0; index < keyLength; index++) this.#bytes[this.#length + index] = key.charCodeAt(index);
      } else this.#bytes.write(key, this.#length, keyLength);
      this.#length += keyLength;
      this.#varint(value === null ? -1 : value.length);
      if (value !== null) this.#put(value, 0, value.length);
    }
  }

  #put(source: Uint8Array, start: number, length: number): void {
    const target = this.#bytes;
    const at = this.#length;
    if (length <= shortBytes) {
      for (let index = 0; index < length; index++) target[at + index] = source[start + index]!;
    } else {
      target.set(start === 0 && length === source.length ? source : source.subarray(start, start + length), at);
    }
    this.#length = at + length;
  }

  #varint(value: number): void {
    let rest = ((value << 1) ^ (value >> 31)) >>> 0;
    let at = this.#length;
    for (; rest >= 128; rest >>>= 7) this.#bytes[at++] = rest | 128;
    this.#bytes[at++] = rest;
    this.#length = at;
  }

  #varlong(value: number): void {
    if (value >= -0x4000_0000 && value < 0x4000_0000) {
      this.#varint(value);
      return;
    }
    // Zigzag may need 54 bits: the lowest seven are split off by hand.
    const magnitude = value < 0 ? -value - 1 : value;
    this.#bytes[this.#length++] = (magnitude % 64) * 2 + (value < 0 ? 1 : 0) + 128;
    let rest = Math.floor(magnitude / 64);
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#bytes[this.#length++] = (rest % 128) + 128;
    this.#bytes[this.#length++] = rest;
  }

  #grow(needed: number): void {
    if (needed > int32Max) throw new FormatError("TOO_LARGE", "Cannot append a record: the batch would exceed 2 GiB.");
    const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(needed, this.#bytes.length * 2), int32Max));
    this.#bytes.copy(larger, batchHeaderBytes, batchHeaderBytes, this.#length);
    this.#bytes = larger;
  }
}

/** One batch of `records` (at least one), owned by the caller. */
export function buildBatch(records: readonly RecordInput[], options: FinishOptions = {}): Uint8Array {
  const builder = new RecordBatchBuilder();
  for (const record of records) builder.append(record);
  return builder.finish(options);
}

/** Exact bytes that `record` takes in a batch, as record `offsetDelta` of it, `timestampDeltaMs` after its first. */
export function recordSizeBytes(record: RecordInput, offsetDelta: number, timestampDeltaMs: number): number {
  const body =
    1 +
    varlongBytes(timestampDeltaMs) +
    varintBytes(offsetDelta) +
    sizeOfNullable(record.key?.length ?? -1) +
    sizeOfNullable(record.value?.length ?? -1) +
    sizeOfHeaders(record.headers ?? []);
  return varintBytes(body) + body;
}

function sizeOfHeaders(headers: readonly RecordHeader[]): number {
  let bytes = varintBytes(headers.length);
  for (const { key, value } of headers) bytes += sizeOfNullable(utf8Length(key)) + sizeOfNullable(value?.length ?? -1);
  return bytes;
}

function sizeOfNullable(length: number): number {
  return length < 0 ? 1 : varintBytes(length) + length;
}

/** Bytes of `text` in UTF-8. */
function utf8Length(text: string): number {
  if (text.length > shortBytes) return Buffer.byteLength(text);
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 127) return Buffer.byteLength(text);
  return text.length;
}
