// SPDX-License-Identifier: Apache-2.0
// Estimate: a record of 100 B costs about 200 ns to write and to read (a dozen varints and one copy); a batch is checked at
// the speed of its CRC. Targets: build and read 3 million records a second, check 4 GB/s with the SIMD addon.

import {
  batchHeaderBytes,
  buildBatch,
  checkBatch,
  checkRecords,
  compressBatch,
  crc32cImplementation,
  readBatchHeader,
  readRecords,
  RecordBatchBuilder,
  RecordCursor,
  recordsOf,
  type Codec,
  type RecordInput,
} from "@varve/format";

import { cpuSecondsPerGiB, measure, type Measured } from "./measure.ts";
import type { Row } from "./table.ts";

export const name = "batches";
export const description = `record batches: build, read, check (CRC-32C: ${crc32cImplementation}), compress`;

const words = ["offset", "segment", "replica", "journal", "epoch", "leader", "append", "commit", "fetch", "index"];

export async function run(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const [valueBytes, count, headers] of [
    [100, 1000, 0],
    [100, 1000, 1],
    [1024, 64, 0],
  ] as const) {
    rows.push(
      ...(await shape(records(count, valueBytes, headers), `${valueBytes} B${headers > 0 ? ", 1 header" : ""}`)),
    );
  }
  const large = buildBatch(records(600, 100, 0));
  rows.push(row("checkBatch, 64 KiB", "-", large, 600, await measure(() => checkBatch(large, 0, large.length))));
  for (const codec of ["gzip", "snappy", "lz4", "zstd"] as const) rows.push(...(await compression(large, codec)));
  return rows;
}

async function shape(inputs: readonly RecordInput[], label: string): Promise<Row[]> {
  const count = inputs.length;
  const batch = buildBatch(inputs);
  const header = readBatchHeader(batch);
  const section = batch.subarray(batchHeaderBytes);
  const builder = new RecordBatchBuilder({ initialBytes: batch.length + 1024 });
  const build = await measure(() => {
    builder.reset();
    for (let index = 0; index < count; index++) builder.append(inputs[index]!);
    return builder.finish();
  });
  let sum = 0;
  const walk = await measure(() => {
    const cursor = new RecordCursor(section, header);
    while (cursor.next()) sum += cursor.valueLength;
  });
  const objects = await measure(() => {
    for (const record of recordsOf(section, header)) sum += record.value?.length ?? 0;
  });
  const check = await measure(() => checkRecords(section, header));
  const crc = await measure(() => checkBatch(batch, 0, batch.length));
  if (sum === 0) throw new Error("The walk found no values.");
  return [
    row("build", label, batch, count, build),
    row("read, cursor", label, batch, count, walk),
    row("read, objects", label, batch, count, objects),
    row("checkRecords", label, batch, count, check),
    row("checkBatch", label, batch, count, crc),
  ];
}

async function compression(batch: Uint8Array, codec: Codec): Promise<Row[]> {
  const count = readBatchHeader(batch).recordCount;
  const compressed = await compressBatch(batch, codec);
  const ratio = `${codec}, ratio ${(batch.length / compressed.length).toFixed(1)}`;
  const write = await measure(async () => compressBatch(batch, codec));
  const read = await measure(async () => readRecords(compressed));
  return [row("compressBatch", ratio, batch, count, write), row("readRecords", ratio, batch, count, read)];
}

function row(what: string, shapeLabel: string, batch: Uint8Array, records: number, measured: Measured): Row {
  return {
    what,
    shape: shapeLabel,
    "batch B": batch.length,
    "M records/s": (measured.callsPerSecond * records) / 1e6,
    "MB/s": (measured.callsPerSecond * batch.length) / 1e6,
    "CPU s/GiB": cpuSecondsPerGiB(measured, batch.length),
  };
}

/** Text as a log holds it, the same in every run. */
function records(count: number, valueBytes: number, headerCount: number): RecordInput[] {
  let state = 42;
  const next = (bound: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % bound;
  };
  return Array.from({ length: count }, (_, index) => {
    let text = `${index} `;
    while (text.length < valueBytes) text += `${words[next(words.length)]!}=${next(1000)} `;
    const value = new TextEncoder().encode(text.slice(0, valueBytes));
    const headers = headerCount === 0 ? [] : [{ key: "trace", value: new TextEncoder().encode(`id-${next(1e6)}`) }];
    return {
      key: new TextEncoder().encode(`key-${next(5000)}`),
      value,
      headers,
      timestampMs: 1_700_000_000_000 + index,
    };
  });
}
