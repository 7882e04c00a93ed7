// SPDX-License-Identifier: Apache-2.0
// Estimate: a record of 100 B costs about 100 ns to find in a message and 200 ns to write into a batch; the way back is the same.
// Targets: request to batch, and batch to message, 2 million records a second each.

import {
  ConsumeEncoder,
  decodeConsumeResponse,
  decodeProduceRequest,
  encodeProduceRequest,
  type ProduceRecord,
} from "@varve/api";
import { batchHeaderBytes, readBatchHeader } from "@varve/format";

import { measure, type Measured } from "./measure.ts";
import type { Row } from "./table.ts";

export const name = "codecs";
export const description = "between protobuf messages and record batches, without an object per record";

export async function run(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const [valueBytes, headers] of [
    [100, 0],
    [100, 1],
    [1024, 0],
  ] as const) {
    rows.push(...(await shape(500, valueBytes, headers)));
  }
  return rows;
}

async function shape(count: number, valueBytes: number, headerCount: number): Promise<Row[]> {
  const label = `${valueBytes} B${headerCount > 0 ? ", 1 header" : ""}`;
  const headers = Array.from({ length: headerCount }, () => ({ key: "source", value: Buffer.from("bench") }));
  const records: ProduceRecord[] = Array.from({ length: count }, (_, index) => ({
    key: Buffer.from(`key-${index}`),
    value: Buffer.alloc(valueBytes, index),
    headers,
    timestampMs: 1_700_000_000_000 + index,
  }));
  const request = encodeProduceRequest({ topic: "bench", partition: 0, records });
  const batch = decodeProduceRequest(request).records!.toBatch({ nowMs: 1 });
  const header = readBatchHeader(batch);
  const section = batch.subarray(batchHeaderBytes);
  const encode = (): Buffer => {
    const encoder = new ConsumeEncoder({ partition: 0, fromOffset: 0 }, request.length + count * 16);
    encoder.add(header, section);
    return encoder.finish({ highWatermark: count, logStartOffset: 0 });
  };
  const message = encode();
  const row = (what: string, measured: Measured): Row => ({
    what,
    records: label,
    "million records/s": Number(((measured.callsPerSecond * count) / 1e6).toFixed(2)),
    "MB/s": Math.round((measured.callsPerSecond * request.length) / 1e6),
  });
  return [
    row("encode ProduceRequest", await measure(() => encodeProduceRequest({ topic: "bench", partition: 0, records }))),
    row("decode ProduceRequest", await measure(() => decodeProduceRequest(request))),
    row(
      "decode ProduceRequest, toBatch",
      await measure(() => decodeProduceRequest(request).records!.toBatch({ nowMs: 1 })),
    ),
    row("batch to ConsumeResponse", await measure(encode)),
    row("decode ConsumeResponse", await measure(() => decodeConsumeResponse(message))),
  ];
}
