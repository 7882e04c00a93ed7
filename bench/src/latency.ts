// How long one record of 100 B takes to be on the disk and acknowledged: one record per request, flush=sync, and at half of the
// load that the server can take. Beside it, what the parts cost alone: an fdatasync, and an echo on a bare stream.

import { open } from "node:fs/promises";
import { join } from "node:path";
import { type Drive, driveStream, driveUnary, percentile } from "./broker/drive.ts";
import { ServerProcess, withDirectory } from "./broker/server.ts";
import { warmUpDisk } from "./log/disk.ts";
import type { Row } from "./table.ts";

export const name = "latency";
export const description =
  "one record of 100 B per request, flush=sync: unary and stream, 1 and 64 in flight, half load";

const seconds = Number(process.env["VARVE_BENCH_SECONDS"] ?? "5");

export async function run(): Promise<Row[]> {
  const rows: Row[] = [];
  const fields = { topic: "bench", partition: 0, records: [{ value: Buffer.alloc(100, 98) }] };
  await withDirectory(async (directory) => {
    await warmUpDisk(directory);
    rows.push(rowOf("fdatasync of 4 KiB appended, bare", 1, await bareSync(directory)));
  });
  const bare = await ServerProcess.bare();
  for (const inFlight of [1, 64]) {
    rows.push(rowOf("stream echo, bare transport", inFlight, await driveStream(bare, fields, { inFlight, seconds })));
  }
  await bare.stop();
  await withDirectory(async (directory) => {
    const server = await ServerProcess.broker(directory);
    await server.createTopic("bench");
    for (const inFlight of [1, 64]) {
      rows.push(rowOf("broker, unary", inFlight, await driveUnary(server, fields, { inFlight, seconds })));
    }
    let most = 0;
    for (const inFlight of [1, 64, 256]) {
      const drive = await driveStream(server, fields, { inFlight, seconds });
      most = Math.max(most, drive.requests / drive.seconds);
      rows.push(rowOf("broker, stream", inFlight, drive));
    }
    const half = await driveStream(server, fields, { inFlight: 256, seconds, perSecond: most / 2 });
    rows.push(rowOf("broker, stream, half load", 256, half));
    await server.stop();
  });
  return rows;
}

function rowOf(what: string, inFlight: number, drive: Drive): Row {
  return {
    what,
    "in flight": inFlight,
    "per second": Math.round(drive.requests / drive.seconds),
    "p50 ms": Math.round(percentile(drive.latencies, 0.5) * 100) / 100,
    "p99 ms": Math.round(percentile(drive.latencies, 0.99) * 100) / 100,
  };
}

async function bareSync(directory: string): Promise<Drive> {
  const file = await open(join(directory, "sync"), "w");
  const block = Buffer.alloc(4_096, 1);
  const latencies: number[] = [];
  const until = performance.now() + seconds * 1_000;
  for (let at = 0; performance.now() < until; at += block.length) {
    const started = performance.now();
    await file.write(block, 0, block.length, at);
    await file.datasync();
    latencies.push(performance.now() - started);
  }
  await file.close();
  return {
    requests: latencies.length,
    total: latencies.length,
    seconds,
    latencies: Float64Array.from(latencies).sort(),
  };
}
