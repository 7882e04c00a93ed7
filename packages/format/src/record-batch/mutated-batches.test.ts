// SPDX-License-Identifier: Apache-2.0
// Batches that were right once, after a few changes that a disk, a network or an attacker makes. Whatever comes out of it is
// refused as a value or read whole: no exception, no endless walk, no memory beyond the limit. VARVE_MUTATIONS says how many.
// A failure names the case; VARVE_MUTATIONS_FROM=<case> VARVE_MUTATIONS=1 runs it alone.
import { expect, test } from "vitest";

import { compressBatch } from "../compression.ts";
import { FormatError } from "../format-error.ts";
import { buildBatch } from "./builder.ts";
import { batchHeaderBytes, batchSizeBytes, readBatchHeader, sealBatch } from "./layout.ts";
import { readRecords } from "./read-records.ts";
import { batchesIn } from "./reader.ts";
import { checkBatch, checkProducedBatch, checkRecords } from "./validate.ts";

const count = Number(process.env["VARVE_MUTATIONS"] ?? 20_000);
const from = Number(process.env["VARVE_MUTATIONS_FROM"] ?? 0);
const plainBytesMax = 64 * 1024;
const interesting = [0, 1, 0x7f, 0x80, 0xff];
const interestingInt32 = [0, -1, 1, 0x7fff_ffff, -0x8000_0000, 0x10_0000, 61, 12];

test("mutated batches are refused as values or read whole, within the limits", { timeout: 600_000 }, async () => {
  const seeds = await seedBatches();
  const outcomes = { refused: 0, unread: 0, read: 0 };
  for (let number = from; number < from + count; number += 1) {
    try {
      outcomes[await tryOne(mutated(seeds, number))] += 1;
    } catch (error) {
      throw new Error(`Mutated batch ${number} failed.`, { cause: error });
    }
  }
  expect(outcomes.refused + outcomes.unread + outcomes.read).toBe(count);
  // A run in which one of the three never happens would prove nothing.
  if (count >= 1000) expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(0);
});

async function seedBatches(): Promise<Uint8Array[]> {
  const text = "a log is a sequence of records, ";
  const record = (index: number) => ({
    key: index % 3 === 0 ? null : Buffer.from(`key ${index}`),
    value: index % 5 === 0 ? null : Buffer.from(text.repeat(index % 7)),
    headers: index % 2 === 0 ? [] : [{ key: "h", value: Buffer.from("v") }],
    timestampMs: 1_700_000_000_000 + index,
  });
  const plain = [1, 2, 17, 120].map((records, index) =>
    buildBatch(
      Array.from({ length: records }, (_, at) => record(at)),
      index % 2 === 0 ? {} : { producerId: 7, producerEpoch: 1, baseSequence: 5 },
    ),
  );
  const codecs = ["gzip", "snappy", "lz4", "zstd"] as const;
  const compressed = await Promise.all(codecs.flatMap((codec) => plain.map((batch) => compressBatch(batch, codec))));
  // As often as the compressed ones: most of what is to be found lies in records that can be walked.
  return [...plain, ...plain, ...plain, ...plain, ...compressed];
}

/** Case `number`, always the same. */
function mutated(seeds: readonly Uint8Array[], number: number): Uint8Array {
  const random = randomNumbers(number);
  const seed = seeds[random(seeds.length)]!;
  let batch: Uint8Array = seed.slice();
  for (let changes = 1 + random(4); changes > 0; changes -= 1) batch = change(batch, seeds, random);
  // Half of them under a right checksum, as from a client that computes it afterwards.
  if (random(2) === 0 && batch.length >= batchHeaderBytes) {
    if (random(4) > 0) new DataView(batch.buffer).setInt32(8, batch.length - 12);
    const sizeBytes = batchSizeBytes(batch, 0);
    if (sizeBytes >= batchHeaderBytes && sizeBytes <= batch.length) sealBatch(batch, 0);
  }
  return batch;
}

function change(batch: Uint8Array, seeds: readonly Uint8Array[], random: (below: number) => number): Uint8Array {
  if (batch.length < 4) return batch;
  const at = random(batch.length);
  switch (random(7)) {
    case 0:
      batch[at]! ^= 1 << random(8);
      return batch;
    case 1:
      batch[at] = interesting[random(interesting.length)]!;
      return batch;
    case 2: {
      const value = interestingInt32[random(interestingInt32.length)]!;
      new DataView(batch.buffer).setInt32(Math.min(at, batch.length - 4), value);
      return batch;
    }
    case 3:
      // A field of the header.
      batch[random(Math.min(batch.length, batchHeaderBytes))] = random(256);
      return batch;
    case 4:
      return batch.slice(0, at);
    case 5: {
      const more = Uint8Array.from({ length: random(64) }, () => random(256));
      return joined(batch.subarray(0, at), more, batch.subarray(at));
    }
    default: {
      const other = seeds[random(seeds.length)]!;
      return joined(batch.subarray(0, at), other.subarray(random(other.length)));
    }
  }
}

async function tryOne(batch: Uint8Array): Promise<"refused" | "unread" | "read"> {
  orFormatError(() => [...batchesIn(batch)]);
  checkProducedBatch(batch, { maxBatchBytes: 1 << 20 });
  if (checkBatch(batch, 0, batch.length) !== undefined) return "refused";
  const header = readBatchHeader(batch);
  const whole = batch.subarray(0, header.sizeBytes);
  if ((header.attributes & 7) === 0) checkRecords(whole.subarray(batchHeaderBytes), header);
  try {
    const records = await readRecords(whole, { plainBytesMax });
    expect(records.length).toBe(header.recordCount);
    return "read";
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return "unread";
  }
}

function orFormatError(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts.map((part) => part)));
}

/** Numbers from 0 up to a bound, from a seed (mulberry32). */
function randomNumbers(seed: number): (below: number) => number {
  let state = Math.imul(seed + 1, 0x9e37_79b1) | 0;
  return (below) => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
