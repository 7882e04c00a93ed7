// How much one produce stream takes, against the same transport without a log (targets: 60 % of it opaque, 600,000 records/s).

import { buildBatch } from "@varve/format";
import { type Drive, driveStream, percentile } from "./broker/drive.ts";
import { ServerProcess, withDirectory } from "./broker/server.ts";
import { warmUpDisk } from "./log/disk.ts";
import type { Row } from "./table.ts";

export const name = "produce-stream";
export const description = "one produce stream: 64 KiB batches and 500 records of 100 B, server in a second process";

const seconds = Number(process.env["VARVE_BENCH_SECONDS"] ?? "5");

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
  const bare = await ServerProcess.bare();
  const base = new Map<number, number>();
  for (const inFlight of [32, 8]) {
    const before = await bare.usage();
    const drive = await driveStream(bare, opaque, { inFlight, seconds });
    base.set(inFlight, drive.requests);
    rows.push(
      row("bare transport, 64 KiB", inFlight, drive, batch.length, (await bare.usage()).cpuSeconds - before.cpuSeconds),
    );
  }
  await bare.stop();
  for (const flush of ["os", "sync"]) {
    await withDirectory(async (directory) => {
      await warmUpDisk(directory);
      // Old segments go soon, so that their pages are used again: ones that were never used cost several times as much.
      const server = await ServerProcess.broker(directory, { retentionIntervalMs: 250 });
      await server.createTopic("bench", { flush, "retention.bytes": "268435456", "segment.bytes": "67108864" });
      for (const inFlight of [32, 8]) {
        const before = await server.usage();
        const drive = await driveStream(server, opaque, { inFlight, seconds });
        const cpu = (await server.usage()).cpuSeconds - before.cpuSeconds;
        const share = drive.requests / (base.get(inFlight) ?? Number.NaN);
        rows.push({
          ...row(`broker, 64 KiB, flush=${flush}`, inFlight, drive, batch.length, cpu),
          "of bare": `${Math.round(share * 100)} %`,
        });
      }
      const before = await server.usage();
      const drive = await driveStream(server, records, { inFlight: 8, seconds });
      const cpu = (await server.usage()).cpuSeconds - before.cpuSeconds;
      rows.push({
        ...row(`broker, 500 × 100 B, flush=${flush}`, 8, drive, 50_000, cpu),
        "records/s": Math.round((drive.requests * 500) / drive.seconds),
      });
      await server.stop();
    });
  }
  return rows;
}

function row(what: string, inFlight: number, drive: Drive, bytes: number, cpuSeconds: number): Row {
  const total = drive.requests * bytes;
  return {
    what,
    "in flight": inFlight,
    "MB/s": Math.round(total / 1e6 / drive.seconds),
    "p50 ms": round(percentile(drive.latencies, 0.5)),
    "p99 ms": round(percentile(drive.latencies, 0.99)),
    // The warm-up, a fifth, is in the processor time too.
    "server s/GiB": round(cpuSeconds / 1.2 / (total / 2 ** 30)),
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
