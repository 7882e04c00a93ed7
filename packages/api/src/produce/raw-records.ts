// SPDX-License-Identifier: Apache-2.0
// The records of a ProduceRequest, still as protobuf, and their way into a record batch without an object per record.
//
//   message   … 22 len │ record 0 │ 22 len │ record 1 │ …
//                      └ starts[0]└ ends[0]└ starts[1]
//
// RecordIndex checks each record while the request is decoded, so toBatch() refuses nothing any more. What it costs to
// remember is bounded by the message: 8 bytes for each record, which takes at least 2 itself.

import { isUtf8 } from "node:buffer";
import { batchHeaderBytes, batchRecordsMax, invariant, RecordBatchBuilder } from "@varve/format";
import { RecordPlaces } from "./record-places.ts";

/** What the batch is to say beside the records. */
export interface ToBatchOptions {
  readonly producerId?: number | undefined;
  readonly producerEpoch?: number | undefined;
  readonly baseSequence?: number | undefined;
  /** Time of records that have none of their own. */
  readonly nowMs: number;
  /** Which records, by index, in this order. Absent: all. */
  readonly indexes?: readonly number[] | undefined;
}

/** Records inside a request's bytes, borrowed from it. */
export class RawRecords {
  readonly #bytes: Buffer;
  readonly #index: RecordIndex;

  constructor(bytes: Buffer, index: RecordIndex) {
    this.#bytes = bytes;
    this.#index = index;
  }

  get count(): number {
    return this.#index.count;
  }

  /** Size of the largest record as it came, in bytes: key, value, headers and their framing. */
  get maxRecordBytes(): number {
    return this.#index.maxRecordBytes;
  }

  /** The largest timestamp that a record brings. Absent when none brings one. */
  get maxTimestampMs(): number | undefined {
    return this.#index.maxTimestampMs;
  }

  /** Key of a record: null when it has none. Borrowed from the request. */
  keyOf(index: number): Uint8Array | null {
    const places = new RecordPlaces();
    this.#read(index, places, 0);
    return places.keyLength < 0 ? null : this.#bytes.subarray(places.keyStart, places.keyStart + places.keyLength);
  }

  /** Whether any record, or any of those at `indexes`, has no key: what a compacted topic refuses. */
  lacksKey(indexes?: readonly number[]): boolean {
    const places = new RecordPlaces();
    const count = indexes?.length ?? this.count;
    for (let position = 0; position < count; position++) {
      this.#read(indexes?.[position] ?? position, places, 0);
      if (places.keyLength < 0) return true;
    }
    return false;
  }

  /**
   * The records as one uncompressed record batch (magic 2), base offset 0, leader epoch -1, CRC set. Owned by the caller.
   */
  toBatch(options: ToBatchOptions): Uint8Array {
    const { indexes, nowMs, producerId = -1, producerEpoch = -1, baseSequence = -1 } = options;
    const count = indexes === undefined ? this.count : indexes.length;
    const payload = indexes === undefined ? this.#index.payloadBytes : this.#payloadOf(indexes);
    // Most records need about 8 bytes more than they had; the rest makes the builder grow.
    const builder = new RecordBatchBuilder({ initialBytes: batchHeaderBytes + payload + count * 12 });
    const places = new RecordPlaces();
    for (let position = 0; position < count; position++) {
      this.#read(indexes === undefined ? position : indexes[position]!, places, nowMs);
      builder.appendSpans(this.#bytes, places);
    }
    return builder.finish({ producerId, producerEpoch, baseSequence });
  }

  #read(index: number, places: RecordPlaces, nowMs: number): void {
    invariant(index >= 0 && index < this.#index.count, "a record index lies within the request");
    places.read(this.#bytes, this.#index.starts[index]!, this.#index.ends[index]!, nowMs);
  }

  #payloadOf(indexes: readonly number[]): number {
    let bytes = 0;
    for (const index of indexes) bytes += this.#index.ends[index]! - this.#index.starts[index]!;
    return bytes;
  }
}

/** Where a request's records are, gathered and checked while it is decoded. */
export class RecordIndex {
  starts = new Int32Array(64);
  ends = new Int32Array(64);
  count = 0;
  payloadBytes = 0;
  maxRecordBytes = 0;
  maxTimestampMs: number | undefined;
  /** What is wrong with the first record that may not be stored, for people. */
  fault: string | undefined;
  readonly #places = new RecordPlaces();

  /** Notes the record in [start, end). Throws MalformedMessageError when it is not a Record. */
  add(bytes: Buffer, start: number, end: number): void {
    // The request will be refused: what follows is not worth remembering.
    if (this.fault !== undefined) return;
    const places = this.#places;
    places.read(bytes, start, end, 0);
    this.fault = this.#findFault(bytes);
    if (this.count === this.starts.length) this.#grow();
    this.starts[this.count] = start;
    this.ends[this.count] = end;
    this.count += 1;
    this.payloadBytes += end - start;
    if (end - start > this.maxRecordBytes) this.maxRecordBytes = end - start;
    if (places.hasTimestamp && !(places.timestampMs <= this.maxTimestampMs!)) this.maxTimestampMs = places.timestampMs;
  }

  #findFault(bytes: Buffer): string | undefined {
    const { timestampMs, headers, headerCount } = this.#places;
    if (this.count >= batchRecordsMax) return `the request has more than ${batchRecordsMax} records`;
    if (timestampMs < 0 || timestampMs > Number.MAX_SAFE_INTEGER) {
      return `the timestamp of record ${this.count} is ${timestampMs}, not 0 to 2^53 - 1`;
    }
    for (let at = 0; at < headerCount * 4; at += 4) {
      // Header names come back as protobuf strings, which strict decoders refuse when they are not UTF-8.
      if (!isUtf8(bytes.subarray(headers[at], headers[at]! + headers[at + 1]!))) {
        return `the name of a header of record ${this.count} is not UTF-8`;
      }
    }
    return undefined;
  }

  #grow(): void {
    const [starts, ends] = [new Int32Array(this.count * 2), new Int32Array(this.count * 2)];
    starts.set(this.starts);
    ends.set(this.ends);
    this.starts = starts;
    this.ends = ends;
  }
}
