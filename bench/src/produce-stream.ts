// How much one produce stream takes, against the same transport without a log (targets: 60 % of it opaque, 600,000 records/s).

import { buildBatch } from "@varve/format";
import { type Drive, driveStream, percentile } from "./broker/drive.ts";
import { inTurns, median, shareOf } from "./broker/rounds.ts";
import { ServerProcess, withDirectory } from "./broker/server.ts";
import { warmUpDisk } from "./log/disk.ts";
import type { Row } from "./table.ts";

export const name = "produce-stream";
export const description = "one produce stream: 64 KiB batches and 500 records of 100 B, server in a second process";

/** Of each cell, in rounds. */
const seconds = Number(process.env["VARVE_BENCH_SECONDS"] ?? "6");
const rounds = 9;

type Fields = Parameters<typeof driveStream>[1];

interface Round extends Drive {
  cpuSeconds: number;
}

/** One batch of `sizeBytes`, of records of about 1 KiB. */
function opaqueBatch(sizeBytes: number): Uint8Array {
  const value = Buffer.alloc(1_000, 97);
  const records = [];
  for (let size = 100; size + 1_012 < sizeBytes; size += 1_012) records.push({ value, timestampMs: 1_700_000_000_000 });
  return buildBatch(records);
}

export async function run(): Promise<Row[]> {
  const rows: Row[] = [];
  const batch = opaqueBatch(65_536);
  const opaque = { topic: "bench", partition: 0, batch };
  const records = {
    topic: "bench",
    partition: 0,
    records: Array.from({ length: 500 }, () => ({ value: Buffer.alloc(100, 98) })),
  };
  await withDirectory(async (directory) => {
    await warmUpDisk(directory);
    const servers: [string, ServerProcess][] = [["bare transport", await ServerProcess.bare()]];
    for (const flush of ["os", "sync"]) {
      // Old segments go soon, so that their pages are used again: ones that were never used cost several times as much.
      const server = await ServerProcess.broker(`${directory}/${flush}`, { retentionIntervalMs: 250 });
      await server.createTopic("bench", { flush, "retention.bytes": "268435456", "segment.bytes": "67108864" });
      servers.push([`broker, flush=${flush}`, server]);
    }
    for (const inFlight of [32, 8]) {
      const results = await inTurns(
        rounds,
        servers.map(
          ([, server]) =>
            () =>
              drive(server, opaque, inFlight),
        ),
      );
      const rates = results.map((of) => of.map((round) => round.requests / round.seconds));
      for (const [index, [what]] of servers.entries()) {
        const cells = row(`${what}, 64 KiB`, inFlight, results[index] ?? [], batch.length);
        rows.push(index === 0 ? cells : { ...cells, "of bare": shareOf(rates[index] ?? [], rates[0] ?? []) });
      }
    }
    const brokers = servers.slice(1);
    const results = await inTurns(
      rounds,
      brokers.map(
        ([, server]) =>
          () =>
            drive(server, records, 8),
      ),
    );
    for (const [index, [what]] of brokers.entries()) {
      const of = results[index] ?? [];
      rows.push({
        ...row(`${what}, 500 × 100 B`, 8, of, 50_000),
        "records/s": Math.round(median(of.map((round) => (round.requests * 500) / round.seconds))),
      });
    }
    for (const [, server] of servers) await server.stop();
  });
  return rows;
}

async function drive(server: ServerProcess, fields: Fields, inFlight: number): Promise<Round> {
  const before = await server.usage();
  const result = await driveStream(server, fields, { inFlight, seconds: seconds / rounds });
  return { ...result, cpuSeconds: (await server.usage()).cpuSeconds - before.cpuSeconds };
}

/** Medians of the rounds; percentiles of all requests together. */
function row(what: string, inFlight: number, of: readonly Round[], bytes: number): Row {
  const latencies = Float64Array.from(of.flatMap((round) => [...round.latencies])).sort();
  return {
    what,
    "in flight": inFlight,
    "MB/s": Math.round(median(of.map((round) => (round.requests * bytes) / 1e6 / round.seconds))),
    "p50 ms": round(percentile(latencies, 0.5)),
    "p99 ms": round(percentile(latencies, 0.99)),
    "server s/GiB": round(median(of.map((round) => round.cpuSeconds / ((round.total * bytes) / 2 ** 30)))),
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
