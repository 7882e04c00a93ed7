// SPDX-License-Identifier: Apache-2.0
// What does a promise per record cost in the SDK? Estimate: a record takes about 0.2 µs to encode and 1 µs for its promise, its
// callbacks and its acknowledgement; the broker in its own process is not the limit. Target: 500,000 records/s of 100 B.

import { performance } from "node:perf_hooks";

import { connect, type Client } from "@varve/client";

import { ServerProcess, withDirectory } from "./broker/server.ts";
import type { Row } from "./table.ts";

export const name = "sdk-producer";
export const description =
  "Producer.send of 100 B with a promise each, broker in a second process (VARVE_BENCH_SDK_RECORDS, 2000000)";

const records = Number(process.env["VARVE_BENCH_SDK_RECORDS"] ?? "2000000");
/** So many sends before the event loop has its turn, as in a program that reads its input in pieces. */
const recordsPerTurn = 1000;

export async function run(): Promise<readonly Row[]> {
  return withDirectory(async (directory) => {
    const server = await ServerProcess.broker(directory);
    const rows: Row[] = [];
    try {
      for (const flush of ["os", "sync"] as const) {
        for (const partitions of [1, 16]) {
          const topic = `bench-${flush}-${partitions}`;
          await server.createTopic(topic, { flush, "retention.bytes": "268435456" }, partitions);
          await using client = await connect({ address: server.address });
          await produce(client, topic, records / 5);
          rows.push({ flush, partitions, ...(await measured(server, client, topic)) });
        }
      }
    } finally {
      await server.stop();
    }
    return rows;
  });
}

async function measured(server: ServerProcess, client: Client, topic: string): Promise<Row> {
  const cpu = process.cpuUsage();
  const serverBefore = (await server.usage()).cpuSeconds;
  const from = performance.now();
  const acknowledged = await produce(client, topic, records);
  const seconds = (performance.now() - from) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const gibibytes = (acknowledged * 100) / 2 ** 30;
  return {
    "records/s": acknowledged / seconds,
    "MB/s": (acknowledged * 100) / 1e6 / seconds,
    "client CPU s/GiB": (user + system) / 1e6 / gibibytes,
    "server CPU s/GiB": ((await server.usage()).cpuSeconds - serverBefore) / gibibytes,
  };
}

/** @returns how many promises were kept, which are all, or it throws. */
async function produce(client: Client, topic: string, count: number): Promise<number> {
  await using producer = client.producer();
  const value = Buffer.alloc(100, 0x61);
  let kept = 0;
  let broken: unknown;
  const keep = (): void => {
    kept++;
  };
  const breaks = (error: unknown): void => {
    broken ??= error;
  };
  for (let sent = 0; sent < count;) {
    for (const end = Math.min(count, sent + recordsPerTurn); sent < end; sent++) {
      const room = producer.ready();
      if (room !== undefined) await room;
      void producer.send({ topic, value }).then(keep, breaks);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await producer.flush();
  if (kept !== count) throw new Error(`${kept} of ${count} records were acknowledged.`, { cause: broken });
  return kept;
}
