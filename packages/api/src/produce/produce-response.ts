// SPDX-License-Identifier: Apache-2.0
// ProduceResponse and ProduceStreamResponse between their bytes and what a broker or client works with.

import { MalformedMessageError, WireReader } from "../wire/wire-reader.ts";
import {
  readAck,
  readError,
  readLeaderHint,
  writeAck,
  writeError,
  writeLeaderHint,
  type Ack,
  type ErrorFields,
  type LeaderHint,
} from "../wire/shared-messages.ts";
import { sizeOfUint32, WireWriter, writeUint32 } from "../wire/wire-writer.ts";

/** What became of a request's records in one partition. */
export interface ProduceResult {
  readonly partition: number;
  /** Offset of the first record; -1 when unknown (acks none, or failed). */
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** The broker's time that was given to the records; absent when they kept their own. */
  readonly timestampMs?: number | undefined;
  /** Absent when the append failed. */
  readonly ack?: Ack | undefined;
  /** Appended before, by an earlier try. */
  readonly duplicate: boolean;
  /** Which of the request's records, in offset order. Empty: all, in order. */
  readonly recordIndexes: readonly number[];
  readonly error?: ErrorFields | undefined;
  readonly leader?: LeaderHint | undefined;
  readonly logStartOffset: number;
}

export interface ProduceResponse {
  /** One for each partition that received records. */
  readonly results: readonly ProduceResult[];
}

/** The answer to one request of a produce stream. */
export type ProduceOutcome =
  | { readonly kind: "response"; readonly response: ProduceResponse }
  | { readonly kind: "error"; readonly error: ErrorFields };

export function encodeProduceResponse(response: ProduceResponse): Buffer {
  const writer = new WireWriter(128);
  writeProduceResponse(writer, response);
  return writer.finish();
}

/** Encodes a ProduceStreamResponse: the next answers, in request order. */
export function encodeProduceStreamResponse(outcomes: readonly ProduceOutcome[]): Buffer {
  const writer = new WireWriter(128 * outcomes.length);
  for (const outcome of outcomes) {
    const start = writer.begin(0x0a);
    if (outcome.kind === "error") writeError(writer, 0x12, outcome.error);
    else {
      const responseStart = writer.begin(0x0a);
      writeProduceResponse(writer, outcome.response);
      writer.end(responseStart);
    }
    writer.end(start);
  }
  return writer.finish();
}

export function decodeProduceResponse(bytes: Uint8Array): ProduceResponse {
  return readProduceResponse(new WireReader(bytes));
}

export function decodeProduceStreamResponse(bytes: Uint8Array): ProduceOutcome[] {
  const reader = new WireReader(bytes);
  const outcomes: ProduceOutcome[] = [];
  while (!reader.done) {
    const tag = reader.uint32();
    if (tag === 0x0a) outcomes.push(readOutcome(reader.nested()));
    else reader.skip(tag);
  }
  return outcomes;
}

function readOutcome(reader: WireReader): ProduceOutcome {
  let outcome: ProduceOutcome | undefined;
  while (!reader.done) {
    const tag = reader.uint32();
    if (tag === 0x0a) outcome = { kind: "response", response: readProduceResponse(reader.nested()) };
    else if (tag === 0x12) outcome = { kind: "error", error: readError(reader.nested()) };
    else reader.skip(tag);
  }
  if (outcome === undefined)
    throw new MalformedMessageError("Cannot read an outcome: it is neither response nor error");
  return outcome;
}

function writeProduceResponse(writer: WireWriter, response: ProduceResponse): void {
  for (const result of response.results) {
    const start = writer.begin(0x0a);
    writeProduceResult(writer, result);
    writer.end(start);
  }
}

function readProduceResponse(reader: WireReader): ProduceResponse {
  const results: ProduceResult[] = [];
  while (!reader.done) {
    const tag = reader.uint32();
    if (tag === 0x0a) results.push(readProduceResult(reader.nested()));
    else reader.skip(tag);
  }
  return { results };
}

function writeProduceResult(writer: WireWriter, result: ProduceResult): void {
  if (result.partition !== 0) writer.intField(0x08, result.partition);
  if (result.baseOffset !== 0) writer.intField(0x10, result.baseOffset);
  if (result.lastOffset !== 0) writer.intField(0x18, result.lastOffset);
  if (result.timestampMs !== undefined) writer.intField(0x20, result.timestampMs);
  if (result.ack !== undefined) writeAck(writer, 0x2a, result.ack);
  if (result.duplicate) writer.boolField(0x30, true);
  writeIndexes(writer, 0x3a, result.recordIndexes);
  if (result.error !== undefined) writeError(writer, 0x42, result.error);
  if (result.leader !== undefined) writeLeaderHint(writer, 0x4a, result.leader);
  if (result.logStartOffset !== 0) writer.intField(0x50, result.logStartOffset);
}

function readProduceResult(reader: WireReader): ProduceResult {
  let partition = 0;
  let baseOffset = 0;
  let lastOffset = 0;
  let duplicate = false;
  let logStartOffset = 0;
  const recordIndexes: number[] = [];
  let timestampMs: number | undefined;
  let ack: Ack | undefined;
  let error: ErrorFields | undefined;
  let leader: LeaderHint | undefined;
  while (!reader.done) {
    const tag = reader.uint32();
    switch (tag) {
      case 0x08:
        partition = reader.int32();
        break;
      case 0x10:
        baseOffset = reader.int64();
        break;
      case 0x18:
        lastOffset = reader.int64();
        break;
      case 0x20:
        timestampMs = reader.int64();
        break;
      case 0x2a:
        ack = readAck(reader.nested());
        break;
      case 0x30:
        duplicate = reader.uint32() !== 0;
        break;
      case 0x38:
        recordIndexes.push(reader.uint32());
        break;
      case 0x3a: {
        const packed = reader.nested();
        while (!packed.done) recordIndexes.push(packed.uint32());
        break;
      }
      case 0x42:
        error = readError(reader.nested());
        break;
      case 0x4a:
        leader = readLeaderHint(reader.nested());
        break;
      case 0x50:
        logStartOffset = reader.int64();
        break;
      default:
        reader.skip(tag);
    }
  }
  return {
    partition,
    baseOffset,
    lastOffset,
    timestampMs,
    ack,
    duplicate,
    recordIndexes,
    error,
    leader,
    logStartOffset,
  };
}

/** Packed, as proto3 writes repeated numbers. */
function writeIndexes(writer: WireWriter, tag: number, indexes: readonly number[]): void {
  if (indexes.length === 0) return;
  let size = 0;
  for (const index of indexes) size += sizeOfUint32(index);
  writer.uint32Field(tag, size);
  writer.reserve(size + 4);
  let at = writer.at;
  for (const index of indexes) at = writeUint32(writer.bytes, at, index);
  writer.at = at;
}
