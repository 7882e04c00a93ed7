// SPDX-License-Identifier: Apache-2.0
// Some of a batch's records in a batch of their own, in the same place: what compaction leaves of it.
//
//   before  base 40, last delta 4   [0 a][1 b][2 a][3 c][4 b]       offsets 40 to 44
//   after   base 40, last delta 4             [2 a][3 c][4 b]       the same offsets, fewer records
//
// Base offset, last offset delta, epoch, producer and sequence stay, so whoever walks batches finds each where it was. A record's
// bytes are copied as they are, unless the batch gets a delete horizon (KIP-534): then its timestamp counts from there.

import { varlongBytes } from "../varint.ts";
import { ByteWriter } from "../writer.ts";
import {
  attributeBits,
  batchHeaderBytes,
  batchPrefixBytes,
  codecOf,
  codecs,
  fieldAt,
  readInt16,
  sealBatch,
  usesLogAppendTime,
  writeInt16,
  writeInt32,
  writeInt64,
  type BatchHeader,
  type Codec,
} from "./layout.ts";
import type { RecordCursor } from "./reader.ts";

export class RetainedRecords {
  readonly #plain: Uint8Array;
  readonly #header: BatchHeader;
  readonly #horizonMs: number | undefined;
  /** Made with the first copy: a batch that stays whole needs none. */
  #bytes: ByteWriter | undefined;
  #count = 0;
  #maxTimestampMs = -1;
  /** Records that are to be copied as they are, and follow each other. */
  #from = 0;
  #to = 0;

  /**
   * `recordsPlain` is the records section of the batch, decompressed, borrowed until `finish`. `horizonMs`: the delete horizon that
   * the batch gets; undefined: it stays as it is.
   */
  constructor(recordsPlain: Uint8Array, header: BatchHeader, horizonMs: number | undefined) {
    this.#plain = recordsPlain;
    this.#header = header;
    this.#horizonMs = horizonMs;
  }

  /** Takes the record on which `cursor` stands, a cursor over the same section. Records come in order. */
  keep(cursor: RecordCursor): void {
    this.#count += 1;
    this.#maxTimestampMs = Math.max(this.#maxTimestampMs, cursor.timestampMs);
    if (this.#horizonMs === undefined) {
      if (cursor.recordStart !== this.#to) {
        this.#copy();
        this.#from = cursor.recordStart;
      }
      this.#to = cursor.recordEnd;
      return;
    }
    this.#rebase(cursor, cursor.timestampMs - this.#horizonMs);
  }

  /**
   * The records in plain form, to be compressed with the codec of the batch and handed to `batch`. Owned, valid once.
   * At least one record was kept.
   */
  finish(): Uint8Array {
    this.#copy();
    return this.#writer.view();
  }

  /** The whole batch around `section`, owned: `original` is the batch that it takes the place of. */
  batch(original: Uint8Array, section: Uint8Array): Uint8Array {
    const { attributes } = this.#header;
    // The append time of all of them, or the largest of those that are left.
    const maxTimestampMs = usesLogAppendTime(attributes) ? this.#header.maxTimestampMs : this.#maxTimestampMs;
    const bytes = batchLike(original, section, {
      codec: codecOf(attributes),
      recordCount: this.#count,
      maxTimestampMs,
    });
    if (this.#horizonMs === undefined) return bytes;
    writeInt16(bytes, fieldAt.attributes, readInt16(bytes, fieldAt.attributes) | attributeBits.deleteHorizon);
    writeInt64(bytes, fieldAt.baseTimestamp, this.#horizonMs);
    sealBatch(bytes, 0);
    return bytes;
  }

  get #writer(): ByteWriter {
    this.#bytes ??= new ByteWriter(this.#plain.length);
    return this.#bytes;
  }

  #copy(): void {
    if (this.#to > this.#from) this.#writer.raw(this.#plain.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }

  #rebase(cursor: RecordCursor, timestampDelta: number): void {
    const plain = this.#plain;
    // length varint | attributes | timestamp delta varlong | the rest, which stays
    let at = cursor.recordStart;
    while (plain[at]! >= 128) at += 1;
    const attributes = plain[at + 1]!;
    at += 2;
    while (plain[at]! >= 128) at += 1;
    const rest = plain.subarray(at + 1, cursor.recordEnd);
    this.#writer.varint(1 + varlongBytes(timestampDelta) + rest.length);
    this.#writer.int8(attributes);
    this.#writer.varlong(timestampDelta);
    this.#writer.raw(rest);
  }
}

/** The batch `original` with other records in it, owned and sealed. */
export function batchLike(
  original: Uint8Array,
  section: Uint8Array,
  of: { readonly codec: Codec; readonly recordCount: number; readonly maxTimestampMs: number },
): Uint8Array {
  const bytes = new Uint8Array(batchHeaderBytes + section.length);
  bytes.set(original.subarray(0, batchHeaderBytes));
  bytes.set(section, batchHeaderBytes);
  writeInt32(bytes, fieldAt.batchLength, bytes.length - batchPrefixBytes);
  const attributes = readInt16(bytes, fieldAt.attributes) & ~attributeBits.codec;
  writeInt16(bytes, fieldAt.attributes, attributes | codecs.indexOf(of.codec));
  writeInt64(bytes, fieldAt.maxTimestamp, of.maxTimestampMs);
  writeInt32(bytes, fieldAt.recordCount, of.recordCount);
  sealBatch(bytes, 0);
  return bytes;
}
