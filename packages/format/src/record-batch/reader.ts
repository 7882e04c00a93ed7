// SPDX-License-Identifier: Apache-2.0
// A walk over the records of one batch, in plain form, as numbers that say where things are; objects only on request.

import { FormatError } from "../format-error.ts";
import type { RecordHeader } from "./builder.ts";
import {
  batchHeaderBytes,
  batchPrefixBytes,
  batchSizeBytes,
  codecOf,
  readBatchHeader,
  usesLogAppendTime,
  type BatchHeader,
} from "./layout.ts";

/** One record. Its bytes are views into the batch, borrowed for as long as that is. */
export interface ReadRecord {
  offset: number;
  /** Milliseconds, -1 for none; the append time where the batch says so. */
  timestampMs: number;
  key: Uint8Array | null;
  value: Uint8Array | null;
  headers: readonly RecordHeader[];
}

/**
 * The records of one batch, first to last. After `next()` returned true the fields describe the current record; places
 * count from the start of `recordsPlain`, and a length of -1 is null. The bytes are borrowed and trusted for nothing.
 */
export class RecordCursor {
  /** Number of the current record in the batch, -1 before the first. */
  index = -1;
  offset = -1;
  offsetDelta = -1;
  timestampMs = -1;
  /** Where the current record begins (at its length) and ends. */
  recordStart = 0;
  recordEnd = 0;
  keyStart = 0;
  keyLength = -1;
  valueStart = 0;
  valueLength = -1;
  /** Where the first header begins. */
  headersStart = 0;
  headerCount = 0;
  /** Why the walk ended early, if it did. */
  fault: string | undefined = undefined;

  readonly #bytes: Uint8Array;
  #text: Buffer | undefined = undefined;
  readonly #count: number;
  readonly #baseOffset: number;
  readonly #lastOffsetDelta: number;
  readonly #baseTimestampMs: number;
  readonly #appendTimeMs: number | undefined;
  #at = 0;

  /** `recordsPlain` is the batch's records section, decompressed; `header` the batch's. */
  constructor(recordsPlain: Uint8Array, header: BatchHeader) {
    this.#bytes = recordsPlain;
    this.#count = header.recordCount;
    this.#baseOffset = header.baseOffset;
    this.#lastOffsetDelta = header.lastOffsetDelta;
    // A delete horizon replaces the base of the deltas as well: they count from it (KIP-534).
    this.#baseTimestampMs = header.baseTimestampMs;
    this.#appendTimeMs = usesLogAppendTime(header.attributes) ? header.maxTimestampMs : undefined;
  }

  /** Steps to the next record; false after the last. FormatError MALFORMED when the bytes are no record. */
  next(): boolean {
    if (this.tryNext()) return true;
    if (this.fault !== undefined)
      throw new FormatError("MALFORMED", `Cannot read the batch at offset ${this.#baseOffset}: ${this.fault}.`);
    return false;
  }

  /** As `next`, but a fault ends the walk and is left in `fault`: ask for it after false. */
  tryNext(): boolean {
    if (this.fault !== undefined) return false;
    const bytes = this.#bytes;
    const end = bytes.length;
    const index = this.index + 1;
    if (index >= this.#count) {
      if (this.#at !== end) return this.#fail(`${end - this.#at} bytes follow its last record`);
      return false;
    }
    this.recordStart = this.#at;
    const length = this.#varint(end);
    const recordEnd = this.#at + length;
    // Not `>`: a broken varint is NaN.
    if (!(length >= 6 && recordEnd <= end)) return this.#fail(`record ${index} has no valid length`);
    this.#at++; // Record attributes: none are defined, and Kafka ignores them.
    const timestampDelta = this.#varlong(recordEnd);
    const timestampMs = this.#baseTimestampMs + timestampDelta;
    if (!Number.isSafeInteger(timestampMs)) return this.#fail(`record ${index} has no valid timestamp`);
    const offsetDelta = this.#varint(recordEnd);
    if (!(offsetDelta >= 0 && offsetDelta <= this.#lastOffsetDelta)) {
      return this.#fail(`record ${index} has no valid offset`);
    }
    const keyLength = this.#length(recordEnd);
    const keyStart = this.#at;
    if (keyLength > 0) this.#at += keyLength;
    const valueLength = this.#length(recordEnd);
    const valueStart = this.#at;
    if (valueLength > 0) this.#at += valueLength;
    const headerCount = this.#varint(recordEnd);
    // Each header takes two bytes at least.
    if (!(keyLength >= -1 && valueLength >= -1 && headerCount >= 0 && headerCount * 2 <= recordEnd - this.#at)) {
      return this.#fail(`record ${index} has a length that leads outside it`);
    }
    this.headersStart = this.#at;
    for (let header = 0; header < headerCount; header++) {
      const headerKeyLength = this.#length(recordEnd);
      if (!(headerKeyLength >= 0)) return this.#fail(`record ${index} has a header without a valid key`);
      this.#at += headerKeyLength;
      const headerValueLength = this.#length(recordEnd);
      if (!(headerValueLength >= -1)) return this.#fail(`record ${index} has a header without a valid value`);
      if (headerValueLength > 0) this.#at += headerValueLength;
    }
    if (this.#at !== recordEnd)
      return this.#fail(`record ${index} is ${recordEnd - this.#at} bytes longer than its parts`);
    this.index = index;
    this.offsetDelta = offsetDelta;
    this.offset = this.#baseOffset + offsetDelta;
    this.timestampMs = this.#appendTimeMs ?? timestampMs;
    this.recordEnd = recordEnd;
    this.keyStart = keyStart;
    this.keyLength = keyLength;
    this.valueStart = valueStart;
    this.valueLength = valueLength;
    this.headerCount = headerCount;
    return true;
  }

  /** The current record as an object with views. */
  record(): ReadRecord {
    return {
      offset: this.offset,
      timestampMs: this.timestampMs,
      key: this.#viewOf(this.keyStart, this.keyLength),
      value: this.#viewOf(this.valueStart, this.valueLength),
      headers: this.headerCount === 0 ? noHeaders : this.#headers(),
    };
  }

  /** Places of the current record's headers: key start, key length, value start, value length each. `into` is overwritten. */
  headerSpans(into: number[] = []): number[] {
    const saved = this.#at;
    this.#at = this.headersStart;
    into.length = 0;
    for (let count = 0; count < this.headerCount * 2; count++) {
      const length = this.#length(this.recordEnd);
      into.push(this.#at, length);
      if (length > 0) this.#at += length;
    }
    this.#at = saved;
    return into;
  }

  #headers(): RecordHeader[] {
    const spans = this.headerSpans();
    const bytes = this.#bytes;
    // One Buffer for all of them: making a view costs more than reading a short key.
    this.#text ??= Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const headers: RecordHeader[] = [];
    for (let index = 0; index < spans.length; index += 4) {
      const start = spans[index]!;
      const key = this.#text.toString("utf8", start, start + spans[index + 1]!);
      headers.push({ key, value: this.#viewOf(spans[index + 2]!, spans[index + 3]!) });
    }
    return headers;
  }

  #viewOf(start: number, length: number): Uint8Array | null {
    return length < 0 ? null : this.#bytes.subarray(start, start + length);
  }

  #fail(why: string): false {
    this.fault = why;
    return false;
  }

  /** A nullable length at the cursor that fits before `end`, else NaN. */
  #length(end: number): number {
    const length = this.#varint(end);
    return length >= -1 && length <= end - this.#at ? length : NaN;
  }

  /** A zigzag varint of 32 bits, NaN when there is none before `end`. */
  #varint(end: number): number {
    const bytes = this.#bytes;
    let at = this.#at;
    if (at >= end) return NaN;
    let byte = bytes[at++]!;
    let value = byte & 127;
    for (let shift = 7; byte >= 128; shift += 7) {
      if (at >= end) return NaN;
      byte = bytes[at++]!;
      if (shift === 28 && byte > 15) return NaN;
      value |= (byte & 127) << shift;
    }
    this.#at = at;
    return (value >>> 1) ^ -(value & 1);
  }

  /** A zigzag varlong; NaN when there is none before `end`. Beyond 53 bits it is rounded, but not to a safe integer. */
  #varlong(end: number): number {
    const bytes = this.#bytes;
    let at = this.#at;
    if (at >= end) return NaN;
    let byte = bytes[at++]!;
    const negative = (byte & 1) === 1;
    let magnitude = (byte & 127) >>> 1;
    let weight = 64;
    for (let count = 1; byte >= 128; count++) {
      if (at >= end || count === 10) return NaN;
      byte = bytes[at++]!;
      magnitude += (byte & 127) * weight;
      weight *= 128;
    }
    this.#at = at;
    return negative ? -magnitude - 1 : magnitude;
  }
}

const noHeaders: readonly RecordHeader[] = Object.freeze([]);

/** The records of one whole, uncompressed batch as objects with borrowed views. FormatError when it is compressed or malformed. */
export function readPlainRecords(batch: Uint8Array): ReadRecord[] {
  const header = readBatchHeader(batch);
  if (codecOf(header.attributes) !== "none") {
    throw new FormatError("UNSUPPORTED", "Cannot read the batch without decompressing it: use readRecords.");
  }
  return recordsOf(batch.subarray(batchHeaderBytes, header.sizeBytes), header);
}

/** All records of a records section in plain form. */
export function recordsOf(recordsPlain: Uint8Array, header: BatchHeader): ReadRecord[] {
  const cursor = new RecordCursor(recordsPlain, header);
  const records: ReadRecord[] = [];
  while (cursor.next()) records.push(cursor.record());
  return records;
}

/** A batch among others: [at, end) of the bytes given. */
export interface BatchPlace {
  at: number;
  end: number;
  header: BatchHeader;
}

/**
 * The whole batches in `bytes`, one after another; a cut-off one at the end (as fetches may return) is left out. Only
 * lengths are looked at. FormatError MALFORMED on a length that no batch can have.
 */
export function* batchesIn(bytes: Uint8Array, start = 0): Generator<BatchPlace, void, undefined> {
  let at = start;
  while (bytes.length - at >= batchPrefixBytes) {
    const sizeBytes = batchSizeBytes(bytes, at);
    if (sizeBytes < batchHeaderBytes) {
      throw new FormatError("MALFORMED", `Cannot read the batch at byte ${at}: its length is ${sizeBytes} bytes.`);
    }
    if (sizeBytes > bytes.length - at) return;
    yield { at, end: at + sizeBytes, header: readBatchHeader(bytes, at) };
    at += sizeBytes;
  }
}
