// SPDX-License-Identifier: Apache-2.0
// How fast a member of a group is fed: for await over a consumer of one partition, against the same partition read raw, as stored
// batches and as records, in turns with it. From the tail cache, and from files with next to no cache. Estimate: decoding a record takes
// 0.4 µs, its share of a batch, a poll and a commit nothing. Target: 1,000,000 records/s of 100 B.

import { buildBatch } from "@varve/format";
import { loadServices } from "@varve/api";
import { connect, type Client } from "@varve/client";
import { driveConsume, driveStream } from "./broker/drive.ts";
import { inTurns, median, shareOf } from "./broker/rounds.ts";
import { ServerProcess, withDirectory } from "./broker/server.ts";
import { warmUpDisk } from "./log/disk.ts";
import type { Row } from "./table.ts";

export const name = "consumer";
export const description =
  "a member of a group, records of 100 B and 1 KiB from the tail cache and from disk, against raw Consume (VARVE_BENCH_CONSUMER_MIB, 256)";

const mebibytes = Number(process.env["VARVE_BENCH_CONSUMER_MIB"] ?? "256");
const rounds = 5;

interface Round {
  readonly recordsPerSecond: number;
  readonly cpuSeconds: number;
}

export async function run(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const source of ["tail cache", "disk"] as const) {
    await withDirectory(async (directory) => {
      await warmUpDisk(directory);
      const tailCacheBytes = source === "disk" ? 8 << 20 : (mebibytes + 64) * 2 ** 20;
      const server = await ServerProcess.broker(directory, {
        storage: { tailCacheBytes, queuedBytesMax: tailCacheBytes / 2 },
      });
      try {
        for (const valueBytes of [100, 1024]) rows.push(...(await contest(server, source, valueBytes)));
      } finally {
        await server.stop();
      }
    });
  }
  return rows;
}

async function contest(server: ServerProcess, source: string, valueBytes: number): Promise<Row[]> {
  const topic = `bench-${valueBytes}`;
  await server.createTopic(topic, { flush: "os" });
  const perBatch = Math.floor(50_000 / valueBytes);
  const value = Buffer.alloc(valueBytes, 98);
  const batch = buildBatch(Array.from({ length: perBatch }, () => ({ value, timestampMs: 1_700_000_000_000 })));
  const count = (await fill(server, topic, batch, mebibytes * 2 ** 19)) * perBatch;
  const encode = loadServices().log["Consume"]!.requestSerialize;
  const raw = (format: string) => async (): Promise<Round> => {
    const request = encode({ topic, format, end: { kind: "latest-at-start" } });
    const cpu = process.cpuUsage();
    const { seconds } = await driveConsume(server, request, Infinity);
    return { recordsPerSecond: count / seconds, cpuSeconds: cpuSince(cpu) };
  };
  await using client = await connect({ address: server.address });
  let groups = 0;
  const contenders = [
    { what: "raw Consume, stored batches", run: raw("batches") },
    { what: "raw Consume, records, not decoded", run: raw("records") },
    { what: "reader.batches()", run: () => read(client, topic, count) },
    { what: "consumer, for await", run: () => consume(client, topic, `group-${valueBytes}-${groups++}`, count) },
  ];
  const results = await inTurns(
    rounds,
    contenders.map(({ run: round }) => round),
  );
  const rates = results.map((of) => of.map(({ recordsPerSecond }) => recordsPerSecond));
  return contenders.map(({ what }, index) => ({
    source,
    bytes: valueBytes,
    what,
    "records/s": Math.round(median(rates[index]!)),
    "MB/s": Math.round((median(rates[index]!) * valueBytes) / 1e6),
    "client CPU µs/record":
      Math.round((median(results[index]!.map(({ cpuSeconds }) => cpuSeconds)) / count) * 1e8) / 100,
    "of raw batches": shareOf(rates[index]!, rates[0]!),
    "of raw records": shareOf(rates[index]!, rates[1]!),
  }));
}

async function read(client: Client, topic: string, count: number): Promise<Round> {
  const reader = client.reader({ topic, to: { kind: "latest-at-start" } });
  const cpu = process.cpuUsage();
  const from = performance.now();
  let seen = 0;
  for await (const records of reader.batches()) seen += records.length;
  if (seen !== count) throw new Error(`${seen} of ${count} records were read.`);
  return { recordsPerSecond: (count / (performance.now() - from)) * 1000, cpuSeconds: cpuSince(cpu) };
}

/** From its first batch to its last: joining is another question. */
async function consume(client: Client, topic: string, group: string, count: number): Promise<Round> {
  const consumer = client.consumer({ group, topics: [topic], start: { kind: "earliest" } });
  let seen = 0;
  let first = 0;
  let from = 0;
  let cpu = process.cpuUsage();
  for await (const { records } of consumer) {
    if (from === 0) {
      first = records.length;
      from = performance.now();
      cpu = process.cpuUsage();
    }
    seen += records.length;
    if (seen === count) break;
  }
  const seconds = (performance.now() - from) / 1000;
  return { recordsPerSecond: (count - first) / seconds, cpuSeconds: cpuSince(cpu) };
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** @returns batches written. */
async function fill(server: ServerProcess, topic: string, batch: Uint8Array, bytes: number): Promise<number> {
  const requestsMax = Math.ceil(bytes / batch.length);
  const drive = await driveStream(server, { topic, partition: 0, batch }, { inFlight: 16, seconds: 1, requestsMax });
  return drive.total;
}
