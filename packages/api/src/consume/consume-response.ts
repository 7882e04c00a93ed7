// SPDX-License-Identifier: Apache-2.0
// ConsumeResponse and FetchResponse as a reader gets them: plain objects whose bytes are views of the message.

import { batchRecordsMax } from "@varve/format";
import { readLeaderHint, type LeaderHint } from "../wire/shared-messages.ts";
import { asBuffer, MalformedMessageError, WireReader } from "../wire/wire-reader.ts";

export interface ConsumedHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/**
 * One record that was read. Key, value and header values are views of the message it came in (at most a few hundred KiB,
 * kept alive by each of them): copy what is kept for long.
 */
export interface ConsumedRecord {
  readonly partition: number;
  readonly offset: number;
  /** -1: none. */
  readonly timestampMs: number;
  readonly leaderEpoch: number;
  /** null: none, which differs from empty. */
  readonly key: Uint8Array | null;
  /** null: none (a tombstone in a compacted topic), which differs from empty. */
  readonly value: Uint8Array | null;
  /** In order. Names may repeat. */
  readonly headers: readonly ConsumedHeader[];
}

/** The next records of one partition, or progress without records. */
export interface ConsumeResponse {
  readonly partition: number;
  readonly records: readonly ConsumedRecord[];
  /** Whole record batches, a view of the message; empty unless asked for. */
  readonly batches: Uint8Array;
  /** Where the read goes on. */
  readonly nextOffset: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  /** The partition's end has been reached; nothing follows. */
  readonly endReached: boolean;
  /** Records that the time filter left out. */
  readonly skipped: number;
  readonly leader: LeaderHint | undefined;
  /** Size of the message: what a reader's budget counts. */
  readonly sizeBytes: number;
}

/** FetchResponse has the fields of ConsumeResponse. */
export type FetchResponse = ConsumeResponse;

const noBytes = new Uint8Array(0);
const noHeaders: readonly ConsumedHeader[] = Object.freeze([]);

/** Decodes a ConsumeResponse or FetchResponse. Throws MalformedMessageError when the bytes are none. */
export function decodeConsumeResponse(message: Uint8Array): ConsumeResponse {
  const bytes = asBuffer(message);
  const reader = new WireReader(bytes);
  let partition = 0;
  let batches = noBytes as Uint8Array;
  let nextOffset = 0;
  let highWatermark = 0;
  let logStartOffset = 0;
  let endReached = false;
  let skipped = 0;
  let leader: LeaderHint | undefined;
  const places: number[] = [];
  while (!reader.done) {
    const tag = reader.uint32();
    switch (tag) {
      case 0x08:
        partition = reader.int32();
        break;
      case 0x12: {
        const length = reader.length();
        if (places.length >= 2 * batchRecordsMax) {
          throw new MalformedMessageError(`Cannot read a message of more than ${batchRecordsMax} records`);
        }
        places.push(reader.at, reader.at + length);
        reader.at += length;
        break;
      }
      case 0x1a:
        batches = reader.view();
        break;
      case 0x20:
        nextOffset = reader.int64();
        break;
      case 0x28:
        highWatermark = reader.int64();
        break;
      case 0x30:
        logStartOffset = reader.int64();
        break;
      case 0x38:
        endReached = reader.uint32() !== 0;
        break;
      case 0x40:
        skipped = reader.uint32();
        break;
      case 0x4a:
        leader = readLeaderHint(reader.nested());
        break;
      default:
        reader.skip(tag);
    }
  }
  // Last, since a message may name its partition behind its records.
  const records: ConsumedRecord[] = [];
  for (let index = 0; index < places.length; index += 2) {
    records.push(readRecord(partition, new WireReader(bytes, places[index], places[index + 1])));
  }
  const sizeBytes = bytes.length;
  return {
    partition,
    records,
    batches,
    nextOffset,
    highWatermark,
    logStartOffset,
    endReached,
    skipped,
    leader,
    sizeBytes,
  };
}

function readRecord(partition: number, reader: WireReader): ConsumedRecord {
  let offset = 0;
  let timestampMs = -1;
  let leaderEpoch = 0;
  let key: Uint8Array | null = null;
  let value: Uint8Array | null = null;
  let headers: ConsumedHeader[] | undefined;
  while (!reader.done) {
    const tag = reader.uint32();
    switch (tag) {
      case 0x0a:
        key = reader.view();
        break;
      case 0x12:
        value = reader.view();
        break;
      case 0x1a:
        (headers ??= []).push(readHeader(reader.nested()));
        break;
      case 0x20:
        timestampMs = reader.int64();
        break;
      case 0x28:
        offset = reader.int64();
        break;
      case 0x30:
        leaderEpoch = reader.int32();
        break;
      default:
        reader.skip(tag);
    }
  }
  return { partition, offset, timestampMs, leaderEpoch, key, value, headers: headers ?? noHeaders };
}

function readHeader(reader: WireReader): ConsumedHeader {
  let key = "";
  let value: Uint8Array | null = null;
  while (!reader.done) {
    const tag = reader.uint32();
    if (tag === 0x0a) key = reader.string();
    else if (tag === 0x12) value = reader.view();
    else reader.skip(tag);
  }
  return { key, value };
}
