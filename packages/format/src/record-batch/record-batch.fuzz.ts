// SPDX-License-Identifier: Apache-2.0
// Properties of the batch format. VARVE_FUZZ sets the number of runs of each (soak: 20,000; here: enough to notice).
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { FormatError } from "../format-error.ts";
import { buildBatch, RecordBatchBuilder, recordSizeBytes, type RecordInput } from "./builder.ts";
import { assignOffsets, batchHeaderBytes, readBatchHeader, sealBatch, writeInt32 } from "./layout.ts";
import { readRecords } from "./read-records.ts";
import { batchesIn, readPlainRecords, RecordCursor } from "./reader.ts";
import { checkBatch, checkProducedBatch, checkRecords } from "./validate.ts";

const runs = { numRuns: Number(process.env["VARVE_FUZZ"] ?? 150) };

const bytes = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 60, maxLength: 300 }));
const nullable = fc.option(bytes);
const header = fc.record({ key: fc.string({ unit: "binary", maxLength: 30 }), value: nullable });
const timestamp = fc.oneof(
  fc.integer({ min: -1, max: 100 }),
  fc.maxSafeNat(),
  fc.nat().map((n) => 1_700_000_000_000 + n),
);
const record: fc.Arbitrary<RecordInput> = fc.record({
  key: nullable,
  value: nullable,
  headers: fc.array(header, { maxLength: 4 }),
  timestampMs: timestamp,
});
const records = fc.array(record, { minLength: 1, maxLength: 12 });
const options = fc.record({
  producerId: fc.oneof(fc.constant(-1), fc.maxSafeNat()),
  producerEpoch: fc.integer({ min: 0, max: 32767 }),
  baseSequence: fc.nat(),
  transactional: fc.boolean(),
});

describe("record batches", () => {
  it("come back as they were built, with the sizes foretold", () => {
    fc.assert(
      fc.property(records, options, fc.maxSafeNat(), (inputs, settings, offset) => {
        const baseOffset = Math.floor(offset / 2);
        const batch = buildBatch(inputs, settings);
        assignOffsets(batch, 0, baseOffset, 9);
        expect(checkProducedBatch(batch, { maxBatchBytes: batch.length })).toBeUndefined();
        const head = readBatchHeader(batch);
        expect(head).toMatchObject({ recordCount: inputs.length, ...without(settings, "transactional") });
        expect(head.maxTimestampMs).toBe(Math.max(...inputs.map((input) => input.timestampMs)));
        expect(checkRecords(batch.subarray(batchHeaderBytes), head)).toBeUndefined();
        const first = inputs[0]!.timestampMs;
        const size = inputs.reduce(
          (sum, input, index) => sum + recordSizeBytes(input, index, input.timestampMs - first),
          61,
        );
        expect(size).toBe(batch.length);
        expect(readPlainRecords(batch)).toEqual(
          inputs.map((input, index) => ({
            offset: baseOffset + index,
            timestampMs: input.timestampMs,
            key: input.key,
            value: input.value,
            // Text that is no text (a lone half of a pair) becomes U+FFFD, as everywhere in Node.
            headers: input.headers!.map((h) => ({ key: Buffer.from(h.key).toString(), value: h.value })),
          })),
        );
      }),
      runs,
    );
  });

  it("are the same whether records come as objects or as spans of another buffer", () => {
    fc.assert(
      fc.property(records, (inputs) => {
        const batch = buildBatch(inputs);
        const section = batch.subarray(batchHeaderBytes);
        const cursor = new RecordCursor(section, readBatchHeader(batch));
        const builder = new RecordBatchBuilder({ initialBytes: 1 });
        while (cursor.next()) {
          const { timestampMs, keyStart, keyLength, valueStart, valueLength, headerCount } = cursor;
          const headers = cursor.headerSpans();
          builder.appendSpans(section, {
            timestampMs,
            keyStart,
            keyLength,
            valueStart,
            valueLength,
            headers,
            headerCount,
          });
        }
        expect(builder.finish()).toEqual(batch);
      }),
      runs,
    );
  });

  it("show every flipped bit from the magic on", () => {
    fc.assert(
      fc.property(records, fc.nat(), (inputs, place) => {
        const batch = buildBatch(inputs);
        const bit = 16 * 8 + (place % ((batch.length - 16) * 8));
        batch[bit >> 3]! ^= 1 << (bit & 7);
        expect(checkBatch(batch, 0, batch.length)).toBeDefined();
      }),
      runs,
    );
  });

  it("any bytes are checked and walked without an exception", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (any) => {
        expect(checkBatch(any, 0, any.length)).toBeDefined();
        expect(checkProducedBatch(any, { maxBatchBytes: 1000 })).toBeDefined();
        onlyFormatErrors(() => [...batchesIn(any)]);
      }),
      runs,
    );
  });

  it("any records under a right checksum are refused or read whole, in time that follows their size", async () => {
    const change = fc.record({ at: fc.nat(), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(
        records,
        fc.array(change, { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        async (inputs, changes, cut) => {
          let batch = buildBatch(inputs);
          if (cut) {
            batch = batch.slice(0, Math.max(batchHeaderBytes, batch.length - 3));
            writeInt32(batch, 8, batch.length - 12);
          }
          // Anything behind the checksum may be anything, as from a peer that computes it afterwards.
          for (const { at, byte } of changes) batch[21 + (at % (batch.length - 21))] = byte;
          sealBatch(batch, 0);
          if (checkBatch(batch, 0, batch.length) !== undefined) return;
          const head = readBatchHeader(batch);
          const fault = checkRecords(batch.subarray(batchHeaderBytes), head);
          if ((head.attributes & 7) === 0 && fault === undefined) {
            const found = readPlainRecords(batch);
            expect(found.length).toBe(head.recordCount);
            expect(found.every((r, index) => r.offset === head.baseOffset + index)).toBe(true);
          } else {
            await readRecords(batch, { plainBytesMax: 10_000 }).catch((error: unknown) => {
              expect(error).toBeInstanceOf(FormatError);
            });
          }
        },
      ),
      runs,
    );
  });
});

function onlyFormatErrors(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
  }
}

function without<T extends object, K extends keyof T>(object: T, key: K): Omit<T, K> {
  const { [key]: _, ...rest } = object;
  return rest;
}
