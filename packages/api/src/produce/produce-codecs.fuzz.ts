// SPDX-License-Identifier: Apache-2.0
// The codecs by hand against proto-loader's own, in both directions, and against hostile bytes.

import { fromJSON } from "@grpc/proto-loader";
import { buildBatch, checkBatch, readPlainRecords } from "@varve/format";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { schema } from "../gen/schema.ts";
import { MalformedMessageError } from "../wire/wire-reader.ts";
import {
  decodeProduceRequest,
  decodeProduceStreamRequest,
  encodeProduceRequest,
  encodeProduceStreamRequest,
  type ProduceRequestFields,
} from "./produce-request.ts";
import {
  decodeProduceResponse,
  decodeProduceStreamResponse,
  encodeProduceResponse,
  encodeProduceStreamResponse,
  type ProduceOutcome,
} from "./produce-response.ts";

/** VARVE_FUZZ sets how many hostile messages are tried; the slower comparisons take a tenth. */
const hostile = { numRuns: Number(process.env["VARVE_FUZZ"] ?? 1500) };
const runs = { numRuns: Math.ceil(hostile.numRuns / 10) };

const definitions = fromJSON(schema as Parameters<typeof fromJSON>[0], {
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: false,
});

interface Peer {
  serialize(value: object): Buffer;
  deserialize(bytes: Buffer): Record<string, unknown>;
}

const peer = (name: string): Peer => definitions[`varve.v1.${name}`] as unknown as Peer;

const bytes = fc.uint8Array({ maxLength: 200 }).map((value) => Buffer.from(value));
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const safe = fc.maxSafeInteger();
const text = fc.string({ unit: "binary", maxLength: 30 });
const header = fc.record({ key: text, value: fc.option(bytes) });
const record = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.array(header, { maxLength: 4 }),
  timestampMs: fc.option(fc.maxSafeNat(), { nil: undefined }),
});
const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined });

const request = fc.record({
  topic: text,
  partition: maybe(int32),
  acks: maybe(fc.constantFrom("all", "leader", "none")),
  records: maybe(fc.array(record, { minLength: 1, maxLength: 8 })),
  batch: maybe(bytes),
  producerId: maybe(safe),
  producerEpoch: maybe(int32),
  baseSequence: maybe(int32),
  expectedOffset: maybe(safe),
  timeoutMs: fc.nat(2 ** 31),
});

const metadata = fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }).map((map) => ({ ...map }));
const error = fc.record({ reason: text, message: text, retriable: fc.boolean(), metadata });
const ack = fc.record({
  level: fc.constantFrom("none", "leader", "all"),
  leaderEpoch: int32,
  durableReplicas: int32,
});
const leader = fc.record({ nodeId: int32, address: text, leaderEpoch: int32 });
const result = fc.record({
  partition: int32,
  baseOffset: safe,
  lastOffset: safe,
  timestampMs: maybe(safe),
  ack: maybe(ack),
  duplicate: fc.boolean(),
  recordIndexes: fc.array(fc.nat(2 ** 31), { maxLength: 40 }),
  error: maybe(error),
  leader: maybe(leader),
  logStartOffset: safe,
});
const response = fc.record({ results: fc.array(result, { maxLength: 4 }) });
const outcome: fc.Arbitrary<ProduceOutcome> = fc.oneof(
  response.map((value) => ({ kind: "response", response: value }) as const),
  error.map((value) => ({ kind: "error", error: value }) as const),
);

/** The request as proto-loader would have it. */
function asMessage(fields: ProduceRequestFields): object {
  const names = { all: "ACKS_ALL", leader: "ACKS_LEADER", none: "ACKS_NONE" };
  const records = fields.records?.map(({ key, value, headers, timestampMs }) => ({
    ...(key === null ? {} : { key }),
    ...(value === null ? {} : { value }),
    headers: headers?.map((each) => (each.value === null ? { key: each.key } : each)),
    ...(timestampMs === undefined ? {} : { timestampMs }),
  }));
  const { acks, ...rest } = fields;
  return defined({ ...rest, records, acks: acks === undefined ? undefined : names[acks] });
}

/** Without what is undefined. */
function defined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
}

describe("encodeProduceRequest()", () => {
  it("writes what proto-loader reads as the same request", () => {
    fc.assert(
      fc.property(request, (fields) => {
        const theirs = peer("ProduceRequest");
        const wanted = theirs.deserialize(theirs.serialize(asMessage(fields)));
        expect(theirs.deserialize(encodeProduceRequest(fields))).toEqual(wanted);
        expect(peer("ProduceStreamRequest").deserialize(encodeProduceStreamRequest(fields))).toEqual({
          produce: wanted,
        });
      }),
      runs,
    );
  });
});

describe("decodeProduceRequest()", () => {
  it("reads what proto-loader writes", () => {
    fc.assert(
      fc.property(request, (fields) => {
        const message = peer("ProduceRequest").serialize(asMessage(fields));
        const stream = peer("ProduceStreamRequest").serialize({ produce: asMessage(fields) });
        for (const decoded of [decodeProduceRequest(message), decodeProduceStreamRequest(stream)]) {
          const { topic, partition, producerId, producerEpoch, baseSequence, expectedOffset, timeoutMs } = fields;
          expect(decoded).toMatchObject({ topic, timeoutMs, acks: fields.acks ?? "all" });
          const numbers = { partition, producerId, producerEpoch, baseSequence, expectedOffset };
          for (const [name, value] of Object.entries(numbers)) expect(decoded[name as "partition"]).toBe(value);
          expect(decoded.records?.count).toBe(fields.records?.length);
          if (fields.batch !== undefined && fields.batch.length > 0) expect(decoded.batch).toEqual(fields.batch);
        }
      }),
      runs,
    );
  });

  it("gives records to toBatch() that read back as they were sent", () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 20 }), fc.maxSafeNat(), (records, nowMs) => {
        const raw = decodeProduceRequest(encodeProduceRequest({ topic: "t", records })).records!;
        const batch = raw.toBatch({ nowMs, producerId: 5, producerEpoch: 6, baseSequence: 7 });
        expect(checkBatch(batch, 0, batch.length)).toBeUndefined();
        const inputs = records.map((each) => ({ ...each, timestampMs: each.timestampMs ?? nowMs }));
        // The same bytes as the builder makes of the objects.
        const built = buildBatch(inputs, { producerId: 5, producerEpoch: 6, baseSequence: 7 });
        expect(Buffer.compare(batch, built)).toBe(0);
        const times = records.flatMap((each) => each.timestampMs ?? []);
        expect(raw.maxTimestampMs).toBe(times.length === 0 ? undefined : Math.max(...times));
        for (const [index, each] of records.entries()) {
          const key = raw.keyOf(index);
          expect(key === null ? null : Buffer.from(key)).toEqual(each.key);
        }
        expect(raw.lacksKey()).toBe(records.some((each) => each.key === null));
      }),
      runs,
    );
  });

  it("takes a selection of records by index, in the order asked for", () => {
    const records = ["a", "b", "c", "d"].map((value) => ({ value: Buffer.from(value), timestampMs: 1 }));
    const raw = decodeProduceRequest(encodeProduceRequest({ topic: "t", records })).records!;
    const batch = raw.toBatch({ nowMs: 1, indexes: [3, 1] });
    expect(readPlainRecords(batch).map((each) => Buffer.from(each.value!).toString())).toEqual(["d", "b"]);
  });

  it("reads records whose fields stand in any order, and skips what it does not know", () => {
    // value, unknown field 15 (varint and bytes), header, key, time, in a record; unknown field 100 in the request.
    const header = [0x1a, 3, 0x0a, 1, 0x68];
    const body = [0x12, 1, 0x76, 0x78, 5, 0x7a, 2, 9, 9, ...header, 0x0a, 1, 0x6b, 0x20, 7];
    const message = Buffer.from([0x0a, 1, 0x74, 0x22, body.length, ...body, 0xa0, 0x06, 1]);
    const raw = decodeProduceRequest(message).records!;
    const [read] = readPlainRecords(raw.toBatch({ nowMs: 1 }));
    expect(Buffer.from(read!.key!).toString()).toBe("k");
    expect(Buffer.from(read!.value!).toString()).toBe("v");
    expect(read!.timestampMs).toBe(7);
    expect(read!.headers).toEqual([{ key: "h", value: null }]);
  });

  it.each([
    [{ topic: "" }, "INVALID_REQUEST"],
    [{ topic: "t", records: undefined }, "INVALID_REQUEST"],
    [{ topic: "t", batch: Buffer.from("b"), partition: 0 }, "INVALID_REQUEST"],
    [{ topic: "t", partition: -1 }, "INVALID_REQUEST"],
    [{ topic: "t", expectedOffset: 4 }, "INVALID_REQUEST"],
    [{ topic: "t", partition: 0, producerId: 4 }, "INVALID_REQUEST"],
    [{ topic: "t", producerId: 4, producerEpoch: 0, baseSequence: 0 }, "INVALID_REQUEST"],
    [{ topic: "t", partition: 0, producerId: 4, producerEpoch: 40_000, baseSequence: 0 }, "INVALID_REQUEST"],
    [{ topic: "t", records: [{ timestampMs: -1 }] }, "INVALID_RECORD"],
  ] satisfies [ProduceRequestFields, string][])("says what is wrong with %j", (fields, reason) => {
    const decoded = decodeProduceRequest(encodeProduceRequest({ records: [{}], ...fields }));
    expect(decoded.fault).toMatchObject({ reason });
  });

  it("refuses header names that are not UTF-8", () => {
    const message = Buffer.from([0x0a, 1, 0x74, 0x22, 5, 0x1a, 3, 0x0a, 1, 0xff]);
    expect(decodeProduceRequest(message).fault).toMatchObject({ reason: "INVALID_RECORD" });
  });

  it("refuses acks that nobody knows", () => {
    const message = Buffer.concat([encodeProduceRequest({ topic: "t", records: [{}] }), Buffer.from([0x18, 9])]);
    expect(decodeProduceRequest(message).fault).toMatchObject({ reason: "INVALID_REQUEST" });
  });

  it("remembers no more records than a batch can have", () => {
    const message = Buffer.alloc(3 + 2 * 1_100_000);
    message.set([0x0a, 1, 0x74]);
    for (let at = 3; at < message.length; at += 2) message[at] = 0x22;
    const { records, fault } = decodeProduceRequest(message);
    expect(fault).toMatchObject({ reason: "INVALID_RECORD" });
    expect(records!.count).toBeLessThanOrEqual(1_000_001);
  });

  it("throws MalformedMessageError or gives records that can be stored, whatever the bytes", () => {
    const valid = fc
      .array(record, { minLength: 1, maxLength: 3 })
      .map((records) => encodeProduceRequest({ topic: "t", records }));
    const damaged = fc
      .tuple(valid, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat())
      .map(([message, changes, cut]) => {
        const copy = Buffer.from(message);
        for (const [at, value] of changes) copy[at % copy.length] = value;
        return copy.subarray(0, cut % 2 === 0 ? copy.length : cut % copy.length);
      });
    fc.assert(
      fc.property(fc.oneof(damaged, bytes), (message) => {
        try {
          const { records, fault } = decodeProduceRequest(message);
          if (records === undefined || fault !== undefined) return;
          const batch = records.toBatch({ nowMs: 1 });
          expect(readPlainRecords(batch)).toHaveLength(records.count);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedMessageError);
        }
      }),
      hostile,
    );
  });
});

describe("encodeProduceResponse() and decodeProduceResponse()", () => {
  it("agree with proto-loader", () => {
    fc.assert(
      fc.property(response, (value) => {
        const levels = { none: "ACK_LEVEL_NONE", leader: "ACK_LEVEL_LEADER", all: "ACK_LEVEL_ALL" };
        const message = {
          results: value.results.map((each) =>
            defined({
              ...each,
              ack: each.ack === undefined ? undefined : { ...each.ack, level: levels[each.ack.level] },
            }),
          ),
        };
        const theirs = peer("ProduceResponse");
        const wanted = theirs.serialize(message);
        expect(theirs.deserialize(encodeProduceResponse(value))).toEqual(theirs.deserialize(wanted));
        expect(decodeProduceResponse(wanted)).toEqual(value);
        expect(decodeProduceResponse(encodeProduceResponse(value))).toEqual(value);
      }),
      runs,
    );
  });

  it("carry the outcomes of a stream in order", () => {
    fc.assert(
      fc.property(fc.array(outcome, { maxLength: 5 }), (outcomes) => {
        const message = encodeProduceStreamResponse(outcomes);
        expect(decodeProduceStreamResponse(message)).toEqual(outcomes);
        const read = peer("ProduceStreamResponse").deserialize(message)["outcomes"] as { error: unknown }[];
        expect(read.map((each) => each.error !== undefined && each.error !== null)).toEqual(
          outcomes.map((each) => each.kind === "error"),
        );
      }),
      runs,
    );
  });

  it("throw nothing but MalformedMessageError on hostile bytes", () => {
    fc.assert(
      fc.property(bytes, (message) => {
        for (const decode of [decodeProduceResponse, decodeProduceStreamResponse]) {
          try {
            decode(message);
          } catch (failure) {
            expect(failure).toBeInstanceOf(MalformedMessageError);
          }
        }
      }),
      hostile,
    );
  });
});
