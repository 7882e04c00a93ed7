// How fast one consume stream is fed, against the same transport that pushes one message for ever (targets: 60 % of it as
// batches, 700,000 records/s as records of 100 B).

import { buildBatch } from "@varve/format";
import { loadServices } from "@varve/api";
import { driveConsume, driveStream } from "./broker/drive.ts";
import { ServerProcess, withDirectory } from "./broker/server.ts";
import { warmUpDisk } from "./log/disk.ts";
import type { Row } from "./table.ts";

export const name = "consume";
export const description = "one consume stream: stored batches and records of 100 B, server in a second process";

const mebibytes = Number(process.env["VARVE_BENCH_CONSUME_MIB"] ?? "512");

export async function run(): Promise<Row[]> {
  const rows: Row[] = [];
  const encode = loadServices().log["Consume"]?.requestSerialize;
  const request = (fields: object): Buffer => encode?.(fields) ?? Buffer.alloc(0);
  const bytes = mebibytes * 2 ** 20;
  const bare = await ServerProcess.bare(256 * 1024);
  const base = (await driveConsume(bare, request({ topic: "bench" }), bytes)).bytes / 1e6;
  const bareRate = base / (await driveConsume(bare, request({ topic: "bench" }), bytes)).seconds;
  rows.push({ what: "bare transport, 256 KiB messages", "MB/s": Math.round(bareRate) });
  await bare.stop();
  await withDirectory(async (directory) => {
    await warmUpDisk(directory);
    const server = await ServerProcess.broker(directory);
    await server.createTopic("bench", { flush: "os" });
    const batch = buildBatch(
      Array.from({ length: 500 }, () => ({ value: Buffer.alloc(100, 98), timestampMs: 1_700_000_000_000 })),
    );
    const written = await fill(server, batch, bytes);
    for (const [what, format] of [
      ["as stored batches, 54 KiB each", "batches"],
      ["as records of 100 B", "records"],
    ] as const) {
      const before = await server.usage();
      const read = await driveConsume(
        server,
        request({ topic: "bench", format, end: { kind: "latest-at-start" } }),
        Infinity,
      );
      const cpu = (await server.usage()).cpuSeconds - before.cpuSeconds;
      const rate = read.bytes / 1e6 / read.seconds;
      rows.push({
        what,
        "MB/s": Math.round(rate),
        "records/s": Math.round((written * 500) / read.seconds),
        "of bare": `${Math.round((rate / bareRate) * 100)} %`,
        "server s/GiB": Math.round((cpu / (read.bytes / 2 ** 30)) * 100) / 100,
      });
    }
    await server.stop();
  });
  return rows;
}

/** @returns batches written. */
async function fill(server: ServerProcess, batch: Uint8Array, bytes: number): Promise<number> {
  const wanted = Math.ceil(bytes / batch.length);
  let written = 0;
  while (written < wanted) {
    const drive = await driveStream(server, { topic: "bench", partition: 0, batch }, { inFlight: 16, seconds: 0.5 });
    written += drive.total;
  }
  return written;
}
