// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadServices } from "../services.ts";
import { schema } from "../gen/schema.ts";
import { fromJSON } from "@grpc/proto-loader";
import { MalformedMessageError } from "../wire/wire-reader.ts";
import { decodeReplicateRequest, encodeReplicateRequest, replicateEntriesMax } from "./replicate-request.ts";
import type { ReplicaFetch, ReplicaSync } from "./replicate-request.ts";
import { decodeReplicateResponse, encodeReplicateResponse } from "./replicate-response.ts";
import type { ReplicaAnswer, ReplicaAnswerKind } from "./replicate-response.ts";

const uint32 = fc.oneof(fc.nat(), fc.constantFrom(0, 1, 127, 128, 2 ** 32 - 1));
const offset = fc.oneof(fc.nat(300), fc.maxSafeNat());
const epoch = fc.oneof(fc.integer({ min: -1, max: 5 }), fc.constantFrom(2 ** 31 - 1));

const opening = fc.oneof(
  fc.record({ topicId: fc.constant(""), partition: fc.constant(0) }),
  fc.record({ topicId: fc.constant("00112233445566778899aabbccddeeff"), partition: fc.nat(9_999) }),
);
const fetch: fc.Arbitrary<ReplicaFetch> = fc
  .record({
    handle: uint32,
    fetchId: fc.maxSafeNat(),
    brokerEpoch: offset,
    leaderEpoch: epoch,
    fetchOffset: offset,
    durableOffset: offset,
    lastFetchedEpoch: epoch,
    logStart: offset,
  })
  .chain((rest) => opening.map((named) => ({ ...rest, ...named })));
const sync: fc.Arbitrary<ReplicaSync> = fc.record({
  handle: uint32,
  brokerEpoch: offset,
  leaderEpoch: epoch,
  durableOffset: offset,
  logStart: offset,
});
const request = fc.record({
  fetches: fc.array(fetch),
  syncs: fc.array(sync),
  closedHandles: fc.array(uint32),
  withoutRoom: fc.boolean(),
});

const answer: fc.Arbitrary<ReplicaAnswer> = fc.record({
  handle: uint32,
  fetchId: fc.maxSafeNat(),
  brokerEpoch: offset,
  leaderEpoch: epoch,
  kind: fc.constantFrom<ReplicaAnswerKind>("records", "diverged", "outOfRange", "refused"),
  batches: fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.constant(new Uint8Array(20_000).fill(7))),
  highWatermark: offset,
  logStart: offset,
  logEnd: offset,
  divergingEpoch: epoch,
  divergingEnd: offset,
  reason: fc.constantFrom("", "NOT_LEADER"),
});

const plain = (value: readonly ReplicaAnswer[]): unknown =>
  value.map((one) => ({ ...one, batches: Buffer.from(one.batches).toString("hex") }));

describe("the codecs of Replicate", () => {
  it("read what they wrote", () => {
    fc.assert(
      fc.property(request, fc.array(answer, { maxLength: 8 }), (asked, answered) => {
        expect(decodeReplicateRequest(encodeReplicateRequest(asked))).toEqual(asked);
        expect(plain(decodeReplicateResponse(encodeReplicateResponse(answered)))).toEqual(plain(answered));
      }),
    );
  });

  it("write what protobuf reads, and read what it writes", () => {
    const definitions = fromJSON(schema as Parameters<typeof fromJSON>[0], { longs: Number, defaults: true });
    const slow = (definitions["varve.v1.Replication"] as ReturnType<typeof loadServices>["replication"])["Replicate"];
    fc.assert(
      fc.property(request, fc.array(answer, { minLength: 1, maxLength: 8 }), (asked, answered) => {
        const there = slow?.requestDeserialize(encodeReplicateRequest(asked)) as object;
        expect(decodeReplicateRequest(slow?.requestSerialize(there) as Buffer)).toEqual(asked);
        const back = slow?.responseDeserialize(encodeReplicateResponse(answered)) as object;
        expect(plain(decodeReplicateResponse(slow?.responseSerialize(back) as Buffer))).toEqual(plain(answered));
      }),
      { numRuns: 50 },
    );
  });

  it("throw nothing but MalformedMessageError at any bytes", () => {
    const mutated = fc
      .tuple(request, fc.array(answer, { maxLength: 3 }), fc.nat(), fc.nat(255), fc.boolean())
      .map(([asked, answered, at, value, isRequest]) => {
        const bytes = Buffer.from(isRequest ? encodeReplicateRequest(asked) : encodeReplicateResponse(answered));
        if (bytes.length > 0) bytes[at % bytes.length] = value;
        return bytes.subarray(0, bytes.length - (at % 3 === 0 ? at % (bytes.length + 1) : 0));
      });
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 300 })), (bytes) => {
        for (const decode of [decodeReplicateRequest, decodeReplicateResponse]) {
          try {
            decode(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedMessageError);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it("make no more entries than a message may have, however small these are", () => {
    const many = (tag: number): Buffer => Buffer.alloc(2 * (replicateEntriesMax + 1), Buffer.from([tag, 0]));
    expect(() => decodeReplicateRequest(many(0x0a))).toThrow("more than 10000 entries");
    expect(() => decodeReplicateRequest(many(0x18))).toThrow("more than 10000 entries");
    expect(() => decodeReplicateResponse(many(0x0a))).toThrow("more than 10000 answers");
    const packed = Buffer.concat([Buffer.from([0x1a, 0x91, 0x4e]), Buffer.alloc(10_001)]);
    expect(() => decodeReplicateRequest(packed)).toThrow("more than 10000 entries");
  });
});
