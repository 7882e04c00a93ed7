// SPDX-License-Identifier: Apache-2.0
// Where the parts of one protobuf Record are, found without making an object per record: one of these serves a whole pass,
// and is what RecordBatchBuilder.appendSpans() takes.
//
//   0a len key │ 12 len value │ 1a len (0a len name │ 12 len value) … │ 20 time
//
// read() trusts nothing: it stays inside the record or throws MalformedMessageError. A field that occurs twice counts as
// its last occurrence, as protobuf says; headers are gathered wherever they stand.

import type { RecordSpans } from "@varve/format";
import { MalformedMessageError, WireReader } from "../wire/wire-reader.ts";

/** Tags of Record and, for the first two, of Header. */
const keyTag = 0x0a;
const valueTag = 0x12;
const headerTag = 0x1a;
const timestampTag = 0x20;

export class RecordPlaces implements RecordSpans {
  /** The record's time, or `nowMs` of read(). May lie beyond 2^53. */
  timestampMs = 0;
  /** Whether the record brought its time. */
  hasTimestamp = false;
  keyStart = 0;
  /** -1: no key. */
  keyLength = -1;
  valueStart = 0;
  /** -1: no value. */
  valueLength = -1;
  /** Name start, name length, value start, value length (-1: null) of each header. */
  readonly headers: number[] = [];
  headerCount = 0;

  /** Finds the parts of the record in [start, end). `nowMs` is the time of a record without one. */
  read(bytes: Buffer, start: number, end: number, nowMs: number): void {
    this.keyLength = -1;
    this.valueLength = -1;
    this.timestampMs = nowMs;
    this.hasTimestamp = false;
    this.headerCount = 0;
    let at = start;
    while (at < end) {
      const tag = bytes[at]!;
      if (tag !== keyTag && tag !== valueTag) {
        at = this.#readOther(bytes, at, end);
        continue;
      }
      at += 1;
      let length = at < end ? bytes[at++]! : 0x80;
      if (length > 0x7f) {
        const reader = new WireReader(bytes, at - 1, end);
        length = reader.length();
        at = reader.at;
      } else if (length > end - at) throw new MalformedMessageError("Cannot read a record: a length leads out of it");
      if (tag === keyTag) {
        this.keyStart = at;
        this.keyLength = length;
      } else {
        this.valueStart = at;
        this.valueLength = length;
      }
      at += length;
    }
  }

  /** Headers, timestamps, fields that only readers get, fields of the future, tags in more bytes than they need. */
  #readOther(bytes: Buffer, at: number, end: number): number {
    const reader = new WireReader(bytes, at, end);
    const tag = reader.uint32();
    if (tag === headerTag) {
      const length = reader.length();
      this.#readHeader(new WireReader(bytes, reader.at, reader.at + length));
      reader.at += length;
    } else if (tag === timestampTag) {
      this.timestampMs = reader.int64();
      this.hasTimestamp = true;
    } else if (tag === keyTag) {
      this.keyLength = reader.length();
      this.keyStart = reader.at;
      reader.at += this.keyLength;
    } else if (tag === valueTag) {
      this.valueLength = reader.length();
      this.valueStart = reader.at;
      reader.at += this.valueLength;
    } else reader.skip(tag);
    return reader.at;
  }

  #readHeader(reader: WireReader): void {
    const { headers } = this;
    const base = this.headerCount * 4;
    let nameStart = reader.at;
    let nameLength = 0;
    let valueStart = reader.at;
    let valueLength = -1;
    while (!reader.done) {
      const tag = reader.uint32();
      if (tag === keyTag) {
        nameLength = reader.length();
        nameStart = reader.at;
        reader.at += nameLength;
      } else if (tag === valueTag) {
        valueLength = reader.length();
        valueStart = reader.at;
        reader.at += valueLength;
      } else reader.skip(tag);
    }
    headers[base] = nameStart;
    headers[base + 1] = nameLength;
    headers[base + 2] = valueStart;
    headers[base + 3] = valueLength;
    this.headerCount += 1;
  }
}
