// How long a broker with 100 partitions takes until it serves: after a clean shutdown, and after kill -9.

import { buildBatch } from "@varve/format";
import { driveStream } from "./broker/drive.ts";
import { ServerProcess, withDirectory } from "./broker/server.ts";
import type { Row } from "./table.ts";

export const name = "startup";
export const description =
  "start of a broker with 100 partitions (VARVE_BENCH_STARTUP_MIB, 2048), clean and after kill -9";

const mebibytes = Number(process.env["VARVE_BENCH_STARTUP_MIB"] ?? "2048");
const partitions = 100;

export async function run(): Promise<Row[]> {
  const rows: Row[] = [];
  await withDirectory(async (directory) => {
    let server = await ServerProcess.broker(directory);
    rows.push({ start: "empty", ms: Math.round(server.startMs) });
    await server.createTopic("bench", {}, partitions);
    await fill(server, mebibytes * 2 ** 20);
    await server.stop();
    server = await ServerProcess.broker(directory);
    rows.push({ start: "clean", ms: Math.round(server.startMs) });
    await fill(server, 2 ** 20);
    await server.kill();
    server = await ServerProcess.broker(directory);
    rows.push({ start: "after kill -9", ms: Math.round(server.startMs) });
    await server.stop();
  });
  return rows;
}

async function fill(server: ServerProcess, bytes: number): Promise<void> {
  const batch = buildBatch(
    Array.from({ length: 250 }, () => ({ value: Buffer.alloc(1_000, 97), timestampMs: 1_700_000_000_000 })),
  );
  const each = Math.max(1, Math.ceil(bytes / partitions / batch.length));
  for (let partition = 0; partition < partitions; partition++) {
    await driveStream(
      server,
      { topic: "bench", partition, batch },
      { inFlight: Math.min(8, each), seconds: 0, requestsMax: each },
    );
  }
}
