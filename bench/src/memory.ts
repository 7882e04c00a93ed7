// Does the broker's memory stay flat while far more goes through it than it may hold? Every batch that is written is also read,
// by one reader that keeps up and one that never reads. The broker runs compiled (`npx tsc -b`): the TypeScript loader would add
// 35 MiB that no node has.

import { Metadata, type ClientReadableStream } from "@grpc/grpc-js";
import { loadServices } from "@varve/api";
import { buildBatch } from "@varve/format";
import { driveStream } from "./broker/drive.ts";
import { ServerProcess, withDirectory } from "./broker/server.ts";
import type { Row } from "./table.ts";

export const name = "memory";
export const description = "resident memory of the broker while data goes in and out (VARVE_BENCH_MEMORY_GIB, 10)";

const gibibytes = Number(process.env["VARVE_BENCH_MEMORY_GIB"] ?? "10");
/** The writer waits for the reader beyond that. */
const lagBytesMax = 256 * 2 ** 20;

export async function run(): Promise<Row[]> {
  const rows: Row[] = [];
  const encode = loadServices().log["Consume"]?.requestSerialize;
  const request = encode?.({ topic: "bench", format: "batches" }) ?? Buffer.alloc(0);
  const batch = buildBatch(
    Array.from({ length: 64 }, () => ({ value: Buffer.alloc(1_000, 97), timestampMs: 1_700_000_000_000 })),
  );
  await withDirectory(async (directory) => {
    const mode = { kind: "broker", options: { dataDir: directory } } as const;
    const server = await ServerProcess.start(mode, {}, { compiled: true });
    await server.createTopic("bench", { flush: "os", "retention.bytes": "1073741824", "segment.bytes": "268435456" });
    const consume = (): ClientReadableStream<Buffer> =>
      server.log.makeServerStreamRequest(
        "/varve.v1.Log/Consume",
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        request,
        new Metadata(),
        {},
      );
    const sleeper = consume();
    sleeper.on("error", () => undefined);
    sleeper.pause();
    const reader = consume();
    const got: { bytes: number; error: Error | undefined } = { bytes: 0, error: undefined };
    reader.on("data", (message: Buffer) => {
      got.bytes += message.length;
    });
    reader.on("error", (error) => {
      got.error = error;
    });
    let written = 0;
    let peak = 0;
    for (let next = 0; written < gibibytes * 2 ** 30;) {
      const drive = await driveStream(server, { topic: "bench", partition: 0, batch }, { inFlight: 32, seconds: 1 });
      written += drive.total * batch.length;
      // Before retention takes what it has not read; and at the end it has read everything.
      const lagMax = written < gibibytes * 2 ** 30 ? lagBytesMax : 0;
      for (const until = performance.now() + 60_000; written - got.bytes > lagMax;) {
        if (got.error !== undefined || performance.now() > until) {
          throw new Error(`The reader stopped after ${got.bytes} of ${written} bytes.`, { cause: got.error });
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const { rssBytes, heapBytes, externalBytes } = await server.usage();
      peak = Math.max(peak, rssBytes);
      if (written < next) continue;
      next = written + (gibibytes * 2 ** 30) / 10;
      rows.push({
        "GiB in": inGibibytes(written),
        "GiB out": inGibibytes(got.bytes),
        "resident MiB": Math.round(rssBytes / 2 ** 20),
        "heap MiB": Math.round(heapBytes / 2 ** 20),
        "external MiB": Math.round(externalBytes / 2 ** 20),
      });
    }
    sleeper.cancel();
    reader.cancel();
    rows.push({ "GiB in": "peak", "GiB out": inGibibytes(got.bytes), "resident MiB": Math.round(peak / 2 ** 20) });
    await server.stop();
  });
  return rows;
}

function inGibibytes(bytes: number): number {
  return Math.round((bytes / 2 ** 30) * 100) / 100;
}
