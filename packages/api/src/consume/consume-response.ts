// SPDX-License-Identifier: Apache-2.0
// ConsumeResponse and FetchResponse as a reader gets them. Records are read when they are asked for: decoding notes where
// key, value and headers are, the getters make views.

import { readLeaderHint, type LeaderHint } from "../wire/shared-messages.ts";
import { asBuffer, WireReader } from "../wire/wire-reader.ts";

export interface ConsumedHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/**
 * One record that was read. Key, value and header values are views of the message it came in (at most a few hundred KiB,
 * kept alive by each of them): copy what is kept for long.
 */
export class ConsumedRecord {
  readonly partition: number;
  offset = 0;
  timestampMs = -1;
  leaderEpoch = 0;
  readonly #bytes: Buffer;
  #keyStart = 0;
  #keyLength = -1;
  #valueStart = 0;
  #valueLength = -1;
  /** Start and end of each header. */
  #headerPlaces: number[] | undefined;

  constructor(partition: number, bytes: Buffer, start: number, end: number) {
    this.partition = partition;
    this.#bytes = bytes;
    const reader = new WireReader(bytes, start, end);
    while (!reader.done) {
      const tag = reader.uint32();
      switch (tag) {
        case 0x0a:
          this.#keyLength = reader.length();
          this.#keyStart = reader.at;
          reader.at += this.#keyLength;
          break;
        case 0x12:
          this.#valueLength = reader.length();
          this.#valueStart = reader.at;
          reader.at += this.#valueLength;
          break;
        case 0x1a: {
          const length = reader.length();
          (this.#headerPlaces ??= []).push(reader.at, reader.at + length);
          reader.at += length;
          break;
        }
        case 0x20:
          this.timestampMs = reader.int64();
          break;
        case 0x28:
          this.offset = reader.int64();
          break;
        case 0x30:
          this.leaderEpoch = reader.int32();
          break;
        default:
          reader.skip(tag);
      }
    }
  }

  /** null: none, which differs from empty. */
  get key(): Uint8Array | null {
    return this.#keyLength < 0 ? null : this.#bytes.subarray(this.#keyStart, this.#keyStart + this.#keyLength);
  }

  /** null: none (a tombstone in a compacted topic), which differs from empty. */
  get value(): Uint8Array | null {
    return this.#valueLength < 0 ? null : this.#bytes.subarray(this.#valueStart, this.#valueStart + this.#valueLength);
  }

  /** In order. Names may repeat. Throws MalformedMessageError when the broker sent a header that is none. */
  get headers(): readonly ConsumedHeader[] {
    const headers: ConsumedHeader[] = [];
    const places = this.#headerPlaces ?? [];
    for (let index = 0; index < places.length; index += 2) {
      headers.push(readHeader(new WireReader(this.#bytes, places[index], places[index + 1])));
    }
    return headers;
  }

  /** Bytes of key and value together. */
  get sizeBytes(): number {
    return Math.max(this.#keyLength, 0) + Math.max(this.#valueLength, 0);
  }
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
  const records: ConsumedRecord[] = [];
  for (let index = 0; index < places.length; index += 2) {
    records.push(new ConsumedRecord(partition, bytes, places[index]!, places[index + 1]!));
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
