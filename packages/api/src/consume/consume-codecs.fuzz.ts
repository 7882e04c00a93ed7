// SPDX-License-Identifier: Apache-2.0
// From batches to messages and back, against proto-loader's own decoding, and against damaged batches.

import { fromJSON } from "@grpc/proto-loader";
import {
  assignOffsets,
  batchHeaderBytes,
  buildBatch,
  readBatchHeader,
  stampAppendTime,
  type RecordInput,
} from "@varve/format";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { schema } from "../gen/schema.ts";
import { MalformedMessageError } from "../wire/wire-reader.ts";
import { ConsumeEncoder, encodeConsumeBatches, type ConsumeSelection } from "./consume-encoder.ts";
import { decodeConsumeResponse } from "./consume-response.ts";

/** VARVE_FUZZ sets how many hostile messages are tried; the slower comparisons take a tenth. */
const hostile = { numRuns: Number(process.env["VARVE_FUZZ"] ?? 1500) };
const runs = { numRuns: Math.ceil(hostile.numRuns / 10) };

const definitions = fromJSON(schema as Parameters<typeof fromJSON>[0], { longs: Number, defaults: true });
const theirs = definitions["varve.v1.ConsumeResponse"] as unknown as {
  serialize(value: object): Buffer;
  deserialize(bytes: Buffer): Record<string, unknown> & { records: Record<string, unknown>[] };
};

const bytes = fc.uint8Array({ maxLength: 200 }).map((value) => Buffer.from(value));
const text = fc.string({ unit: "binary", maxLength: 20 });
const record = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.array(fc.record({ key: text, value: fc.option(bytes) }), { maxLength: 3 }),
  timestampMs: fc.nat(100_000),
});
const batches = fc.array(fc.array(record, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 });

/** Batches one after the other from `baseOffset` on. */
function store(groups: readonly (readonly RecordInput[])[], baseOffset: number): Uint8Array[] {
  let next = baseOffset;
  return groups.map((group) => {
    const batch = buildBatch(group);
    assignOffsets(batch, 0, next, 3);
    next += group.length;
    return batch;
  });
}

function encode(stored: readonly Uint8Array[], selection: ConsumeSelection): ConsumeEncoder {
  const encoder = new ConsumeEncoder(selection, 64);
  for (const batch of stored) {
    if (encoder.add(readBatchHeader(batch), batch.subarray(batchHeaderBytes)).kind !== "added") break;
  }
  return encoder;
}

const plain = (value: Uint8Array | null | undefined): number[] | null =>
  value === null || value === undefined ? null : [...value];

describe("ConsumeEncoder", () => {
  it("delivers each record as it was stored; proto-loader and we read the same", () => {
    fc.assert(
      fc.property(
        batches,
        fc.maxSafeNat().map((offset) => offset % 2 ** 52),
        (groups, baseOffset) => {
          const encoder = encode(store(groups, baseOffset), { partition: 4, fromOffset: baseOffset });
          const leader = { nodeId: 7, address: "host:1", leaderEpoch: 3 };
          const message = encoder.finish({ highWatermark: 2 ** 52, logStartOffset: 1, endReached: true, leader });
          const wanted = groups.flat().map((each, index) => ({
            offset: baseOffset + index,
            timestampMs: each.timestampMs,
            leaderEpoch: 3,
            key: plain(each.key),
            value: plain(each.value),
            headers: each.headers.map((header) => ({ key: header.key, value: plain(header.value) })),
          }));
          const ours = decodeConsumeResponse(message);
          expect(
            ours.records.map(({ partition: _partition, ...each }) => ({
              ...each,
              key: plain(each.key),
              value: plain(each.value),
              headers: each.headers.map((header) => ({ key: header.key, value: plain(header.value) })),
            })),
          ).toEqual(wanted);
          const nextOffset = baseOffset + wanted.length;
          const progress = {
            partition: 4,
            nextOffset,
            highWatermark: 2 ** 52,
            logStartOffset: 1,
            endReached: true,
            skipped: 0,
            leader,
          };
          expect(ours).toMatchObject(progress);
          const read = theirs.deserialize(message);
          expect(read).toMatchObject(progress);
          expect(
            read.records.map((each) => ({
              offset: each["offset"],
              timestampMs: each["timestampMs"],
              leaderEpoch: each["leaderEpoch"],
              key: plain(each["key"] as Buffer | undefined),
              value: plain(each["value"] as Buffer | undefined),
              headers: (each["headers"] as { key: string; value?: Buffer }[]).map((header) => ({
                key: header.key,
                value: plain(header.value),
              })),
            })),
          ).toEqual(wanted);
        },
      ),
      runs,
    );
  });

  it("selects by offset, time and count, and knows where to go on", () => {
    const selection = fc.record({
      fromOffset: fc.nat(30),
      toOffset: fc.option(fc.nat(30), { nil: undefined }),
      fromTimeMs: fc.option(fc.nat(100_000), { nil: undefined }),
      toTimeMs: fc.option(fc.nat(100_000), { nil: undefined }),
      maxRecords: fc.option(fc.integer({ min: 1, max: 10 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(batches, selection, (groups, wish) => {
        fc.pre((wish.toOffset ?? 99) >= wish.fromOffset);
        const all = groups.flat().map((each, offset) => ({ offset, timestampMs: each.timestampMs }));
        // Selected by filtering the list, as slowly as can be.
        const delivered: number[] = [];
        let skipped = 0;
        for (const each of all) {
          if (each.offset < wish.fromOffset || each.offset >= (wish.toOffset ?? 99)) continue;
          if (delivered.length >= (wish.maxRecords ?? 99)) break;
          const wanted = each.timestampMs >= (wish.fromTimeMs ?? 0) && each.timestampMs < (wish.toTimeMs ?? 1e9);
          if (wanted) delivered.push(each.offset);
          else skipped += 1;
        }
        // The batch that holds fromOffset is where a reader begins.
        const stored = store(groups, 0).filter((batch) => {
          const header = readBatchHeader(batch);
          return header.baseOffset + header.lastOffsetDelta >= wish.fromOffset;
        });
        const encoder = encode(stored, { partition: 0, ...wish });
        const read = decodeConsumeResponse(encoder.finish({ highWatermark: 0, logStartOffset: 0 }));
        expect(read.records.map((each) => each.offset)).toEqual(delivered);
        expect(encoder.recordCount).toBe(delivered.length);
        const full = delivered.length >= (wish.maxRecords ?? 99);
        if (!full) expect(read.skipped).toBe(skipped);
        if (full) expect(read.nextOffset).toBe(delivered.at(-1)! + 1);
        else expect(read.nextOffset).toBe(Math.max(wish.fromOffset, Math.min(wish.toOffset ?? 99, all.length)));
      }),
      runs,
    );
  });

  it("gives the append time where the topic says so", () => {
    const [batch] = store([[{ value: Buffer.from("v"), timestampMs: 5 }]], 0);
    stampAppendTime(batch!, 0, 99);
    const read = decodeConsumeResponse(
      encode([batch!], { partition: 0, fromOffset: 0 }).finish({ highWatermark: 1, logStartOffset: 0 }),
    );
    expect(read.records[0]!.timestampMs).toBe(99);
  });

  it("passes over control batches, but not their offsets", () => {
    const control = buildBatch([{ key: Buffer.from([0, 0, 0, 1]), timestampMs: 5 }]);
    control[22] = 0x20;
    const encoder = encode([control], { partition: 0, fromOffset: 0 });
    expect([encoder.recordCount, encoder.nextOffset]).toEqual([0, 1]);
  });

  it("replaces header names that are not UTF-8, so that strict decoders can read the message", () => {
    const [batch] = store(
      [[{ value: null, timestampMs: 5, headers: [{ key: "xyz", value: Buffer.from([0xff]) }] }]],
      0,
    );
    const at = Buffer.from(batch!).indexOf("xyz");
    batch![at + 1] = 0xff;
    const message = encode([batch!], { partition: 0, fromOffset: 0 }).finish({ highWatermark: 1, logStartOffset: 0 });
    const [header] = decodeConsumeResponse(message).records[0]!.headers;
    expect(header!.key).toBe("x�z");
    expect(plain(header!.value)).toEqual([0xff]);
    expect(theirs.deserialize(message).records).toHaveLength(1);
  });

  it("says where damage begins and keeps what is before it", () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 2, maxLength: 6 }), fc.nat(), fc.nat(255), (group, place, value) => {
        const [batch] = store([group], 10);
        const at = batchHeaderBytes + (place % (batch!.length - batchHeaderBytes));
        batch![at] = value;
        const encoder = new ConsumeEncoder({ partition: 0, fromOffset: 10 }, 64);
        const outcome = encoder.add(readBatchHeader(batch!), batch!.subarray(batchHeaderBytes));
        if (outcome.kind === "damaged") expect(outcome.offset).toBe(encoder.nextOffset);
        const message = encoder.finish({ highWatermark: 0, logStartOffset: 0 });
        expect(decodeConsumeResponse(message).records).toHaveLength(encoder.recordCount);
        expect(theirs.deserialize(message).records).toHaveLength(encoder.recordCount);
      }),
      hostile,
    );
  });
});

describe("encodeConsumeBatches()", () => {
  it("carries batches as they are stored", () => {
    fc.assert(
      fc.property(bytes, fc.maxSafeNat(), (stored, nextOffset) => {
        const message = encodeConsumeBatches({
          partition: 1,
          batches: stored,
          nextOffset,
          highWatermark: 5,
          logStartOffset: 2,
        });
        const read = decodeConsumeResponse(message);
        expect(plain(read.batches)).toEqual([...stored]);
        expect(theirs.deserialize(message)).toMatchObject({
          partition: 1,
          nextOffset,
          highWatermark: 5,
          logStartOffset: 2,
        });
      }),
    );
  });
});

describe("decodeConsumeResponse()", () => {
  it("throws nothing but MalformedMessageError on hostile bytes", () => {
    fc.assert(
      fc.property(bytes, (message) => {
        try {
          decodeConsumeResponse(message);
        } catch (failure) {
          expect(failure).toBeInstanceOf(MalformedMessageError);
        }
      }),
      hostile,
    );
  });
});
