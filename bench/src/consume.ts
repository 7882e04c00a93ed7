// How fast one consume stream is fed, against the same transport that pushes one message for ever (targets: 60 % of it as
// batches, 700,000 records/s as records of 100 B).

import { buildBatch } from "@varve/format";
import { loadServices } from "@varve/api";
import { driveConsume, driveStream } from "./broker/drive.ts";
import { inTurns, median, shareOf } from "./broker/rounds.ts";
import { ServerProcess, withDirectory } from "./broker/server.ts";
import { warmUpDisk } from "./log/disk.ts";
import type { Row } from "./table.ts";

export const name = "consume";
export const description = "one consume stream: stored batches and records of 100 B, server in a second process";

const mebibytes = Number(process.env["VARVE_BENCH_CONSUME_MIB"] ?? "512");
const rounds = 7;

interface Round {
  bytesPerSecond: number;
  seconds: number;
  cpuSecondsPerGiB: number;
}

export async function run(): Promise<Row[]> {
  const encode = loadServices().log["Consume"]?.requestSerialize;
  const request = (fields: object): Buffer => encode?.(fields) ?? Buffer.alloc(0);
  const bytes = mebibytes * 2 ** 20;
  return withDirectory(async (directory) => {
    await warmUpDisk(directory);
    const bare = await ServerProcess.bare(256 * 1024);
    const server = await ServerProcess.broker(directory);
    await server.createTopic("bench", { flush: "os" });
    const batch = buildBatch(
      Array.from({ length: 500 }, () => ({ value: Buffer.alloc(100, 98), timestampMs: 1_700_000_000_000 })),
    );
    const written = await fill(server, batch, bytes);
    const stored = (format: string): Buffer => request({ topic: "bench", format, end: { kind: "latest-at-start" } });
    const results = await inTurns(rounds, [
      () => drive(bare, request({ topic: "bench" }), bytes),
      () => drive(server, stored("batches"), Infinity),
      () => drive(server, stored("records"), Infinity),
    ]);
    const rates = results.map((of) => of.map(({ bytesPerSecond }) => bytesPerSecond));
    const rows = ["bare transport, 256 KiB messages", "as stored batches, 54 KiB each", "as records of 100 B"].map(
      (what, index): Row => {
        const of = results[index] ?? [];
        const row = {
          what,
          "MB/s": Math.round(median(rates[index] ?? []) / 1e6),
          "server s/GiB": Math.round(median(of.map((round) => round.cpuSecondsPerGiB)) * 100) / 100,
        };
        if (index === 0) return row;
        return {
          ...row,
          "records/s": Math.round((written * 500) / median(of.map((round) => round.seconds))),
          "of bare": shareOf(rates[index] ?? [], rates[0] ?? []),
        };
      },
    );
    await bare.stop();
    await server.stop();
    return rows;
  });
}

async function drive(server: ServerProcess, request: Buffer, bytes: number): Promise<Round> {
  const before = await server.usage();
  const read = await driveConsume(server, request, bytes);
  const cpuSeconds = (await server.usage()).cpuSeconds - before.cpuSeconds;
  return {
    bytesPerSecond: read.bytes / read.seconds,
    seconds: read.seconds,
    cpuSecondsPerGiB: cpuSeconds / (read.bytes / 2 ** 30),
  };
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
