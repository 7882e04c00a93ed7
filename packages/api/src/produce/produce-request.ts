// SPDX-License-Identifier: Apache-2.0
// ProduceRequest between its bytes and what a broker or client works with.
//
// Decoding makes no object per record: records stay where they are (RawRecords), a batch is a view. Bytes that are not
// protobuf throw; a request that is protobuf but makes no sense comes back with `fault`, so that one bad request on a
// stream is refused and those behind it go on.

import { int16Max, int32Max } from "@varve/format";
import type { RequestFault } from "../request-fault.ts";
import { WireReader } from "../wire/wire-reader.ts";
import { WireWriter } from "../wire/wire-writer.ts";
import { RawRecords, RecordIndex } from "./raw-records.ts";

/** What a producer wants to wait for. */
export type Acks = "all" | "leader" | "none";

/** A decoded request. Numbers were checked: partition, epoch and sequence are never negative, offsets are safe integers. */
export interface ProduceRequest {
  readonly topic: string;
  /** Absent: by key. */
  readonly partition: number | undefined;
  readonly acks: Acks;
  /** One encoded record batch, not looked at. A view of the message, which nobody else holds. */
  readonly batch: Uint8Array | undefined;
  /** The records, when they came as such. Exactly one of batch and records is there unless `fault` is. */
  readonly records: RawRecords | undefined;
  readonly producerId: number | undefined;
  readonly producerEpoch: number | undefined;
  readonly baseSequence: number | undefined;
  readonly expectedOffset: number | undefined;
  /** 0: the broker's default. */
  readonly timeoutMs: number;
  /** Why the request has to be refused. */
  readonly fault: RequestFault | undefined;
}

/** A record to be sent. */
export interface ProduceRecord {
  readonly key?: Uint8Array | null | undefined;
  readonly value?: Uint8Array | null | undefined;
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | null }[] | undefined;
  readonly timestampMs?: number | undefined;
}

/** A request to be sent: records or batch, borrowed until it is encoded. */
export interface ProduceRequestFields {
  readonly topic: string;
  readonly partition?: number | undefined;
  readonly acks?: Acks | undefined;
  readonly records?: readonly ProduceRecord[] | undefined;
  readonly batch?: Uint8Array | undefined;
  readonly producerId?: number | undefined;
  readonly producerEpoch?: number | undefined;
  readonly baseSequence?: number | undefined;
  readonly expectedOffset?: number | undefined;
  readonly timeoutMs?: number | undefined;
}

const acksByNumber: readonly Acks[] = ["all", "none", "leader", "all"];
const numberOfAcks: Readonly<Record<Acks, number>> = { none: 1, leader: 2, all: 3 };

/** Decodes a ProduceRequest. Throws MalformedMessageError when the bytes are none. */
export function decodeProduceRequest(bytes: Uint8Array): ProduceRequest {
  return readProduceRequest(new WireReader(bytes));
}

/** Decodes a ProduceStreamRequest: the request inside, or one with a fault when there is none. */
export function decodeProduceStreamRequest(bytes: Uint8Array): ProduceRequest {
  const reader = new WireReader(bytes);
  let request: ProduceRequest | undefined;
  while (!reader.done) {
    const tag = reader.uint32();
    if (tag === 0x0a) request = readProduceRequest(reader.nested());
    else reader.skip(tag);
  }
  return request ?? readProduceRequest(new WireReader(new Uint8Array(0)));
}

function readProduceRequest(reader: WireReader): ProduceRequest {
  let topic = "";
  let acks = 0;
  let timeoutMs = 0;
  let batch: Uint8Array | undefined;
  let records: RecordIndex | undefined;
  let partition, producerId, producerEpoch, baseSequence, expectedOffset: number | undefined;
  while (!reader.done) {
    const tag = reader.uint32();
    switch (tag) {
      case 0x0a:
        topic = reader.string();
        break;
      case 0x10:
        partition = reader.int32();
        break;
      case 0x18:
        acks = reader.int32();
        break;
      case 0x22: {
        const length = reader.length();
        records ??= new RecordIndex();
        records.add(reader.bytes, reader.at, reader.at + length);
        reader.at += length;
        break;
      }
      case 0x2a: {
        const view = reader.view();
        batch = view.length === 0 ? undefined : view;
        break;
      }
      case 0x30:
        producerId = reader.int64();
        break;
      case 0x38:
        producerEpoch = reader.int32();
        break;
      case 0x40:
        baseSequence = reader.int32();
        break;
      case 0x48:
        expectedOffset = reader.int64();
        break;
      case 0x50:
        timeoutMs = reader.uint32();
        break;
      default:
        reader.skip(tag);
    }
  }
  const request: ProduceRequest = {
    topic,
    partition,
    acks: acksByNumber[acks] ?? "all",
    batch,
    records: records === undefined ? undefined : new RawRecords(reader.bytes, records),
    producerId,
    producerEpoch,
    baseSequence,
    expectedOffset,
    timeoutMs,
    fault: undefined,
  };
  const fault = findFault(request, acks, records?.fault);
  return fault === undefined ? request : { ...request, fault };
}

function findFault(request: ProduceRequest, acks: number, recordFault: string | undefined): RequestFault | undefined {
  const { partition, producerId, producerEpoch, baseSequence, expectedOffset, batch, records } = request;
  const refuse = (why: string): RequestFault => ({ reason: "INVALID_REQUEST", message: `Cannot produce: ${why}` });
  if (recordFault !== undefined) return { reason: "INVALID_RECORD", message: `Cannot produce: ${recordFault}` };
  if (request.topic === "") return refuse("the request names no topic");
  if (acksByNumber[acks] === undefined) return refuse(`acks is ${acks}, which is none of the known values`);
  if (batch === undefined && records === undefined) return refuse("the request has neither records nor a batch");
  if (batch !== undefined && records !== undefined)
    return refuse("the request has records and a batch; send one of them");
  if (partition !== undefined && partition < 0) return refuse(`the partition is ${partition}`);
  if (batch !== undefined && partition === undefined) return refuse("a batch needs a partition");
  if (expectedOffset !== undefined) {
    if (partition === undefined) return refuse("an expected offset needs a partition");
    if (!isSafe(expectedOffset)) return refuse(`the expected offset is ${expectedOffset}`);
  }
  if (producerId === undefined && producerEpoch === undefined && baseSequence === undefined) return undefined;
  if (batch !== undefined) return refuse("a batch carries its own producer id; leave it out of the request");
  if (producerId === undefined || producerEpoch === undefined || baseSequence === undefined) {
    return refuse("producer_id, producer_epoch and base_sequence belong together");
  }
  if (partition === undefined) return refuse("a producer id needs a partition");
  if (!isSafe(producerId)) return refuse(`the producer id is ${producerId}`);
  if (producerEpoch < 0 || producerEpoch > int16Max) return refuse(`the producer epoch is ${producerEpoch}`);
  if (baseSequence < 0 || baseSequence > int32Max) return refuse(`the base sequence is ${baseSequence}`);
  return undefined;
}

function isSafe(value: number): boolean {
  return value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}

/** Encodes a ProduceRequest. */
export function encodeProduceRequest(request: ProduceRequestFields): Buffer {
  const writer = new WireWriter(sizeHint(request));
  writeProduceRequest(writer, request);
  return writer.finish();
}

/** Encodes a ProduceStreamRequest. */
export function encodeProduceStreamRequest(request: ProduceRequestFields): Buffer {
  const writer = new WireWriter(sizeHint(request) + 6);
  const start = writer.begin(0x0a);
  writeProduceRequest(writer, request);
  writer.end(start);
  return writer.finish();
}

function sizeHint(request: ProduceRequestFields): number {
  return 128 + request.topic.length + (request.batch?.length ?? 0);
}

function writeProduceRequest(writer: WireWriter, request: ProduceRequestFields): void {
  const { partition, acks, records, batch, producerId, producerEpoch, baseSequence, expectedOffset } = request;
  if (request.topic !== "") writer.stringField(0x0a, request.topic);
  if (partition !== undefined) writer.intField(0x10, partition);
  if (acks !== undefined) writer.uint32Field(0x18, numberOfAcks[acks]);
  if (records !== undefined) for (const record of records) writeRecord(writer, record);
  if (batch !== undefined) writer.bytesField(0x2a, batch);
  if (producerId !== undefined) writer.intField(0x30, producerId);
  if (producerEpoch !== undefined) writer.intField(0x38, producerEpoch);
  if (baseSequence !== undefined) writer.intField(0x40, baseSequence);
  if (expectedOffset !== undefined) writer.intField(0x48, expectedOffset);
  if (request.timeoutMs !== undefined && request.timeoutMs > 0) writer.uint32Field(0x50, request.timeoutMs);
}

function writeRecord(writer: WireWriter, record: ProduceRecord): void {
  const start = writer.begin(0x22);
  if (record.key !== undefined && record.key !== null) writer.bytesField(0x0a, record.key);
  if (record.value !== undefined && record.value !== null) writer.bytesField(0x12, record.value);
  if (record.headers !== undefined) {
    for (const header of record.headers) {
      const headerStart = writer.begin(0x1a);
      if (header.key !== "") writer.stringField(0x0a, header.key);
      if (header.value !== null) writer.bytesField(0x12, header.value);
      writer.end(headerStart);
    }
  }
  if (record.timestampMs !== undefined) writer.intField(0x20, record.timestampMs);
  writer.end(start);
}
