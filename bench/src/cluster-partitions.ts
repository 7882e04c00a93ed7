// SPDX-License-Identifier: Apache-2.0
// Do many partitions cost throughput? Keyed records of 200 B by the SDK, three nodes, acks=all, flush=sync, 300 partitions against 3.

import { withDirectory } from "./broker/server.ts";
import { inTurns, median, shareOf } from "./broker/rounds.ts";
import { Load } from "./cluster/load.ts";
import type { LoadResult, SdkLoad } from "./cluster/load-types.ts";
import { Nodes, retentionFlags } from "./cluster/nodes.ts";
import { warmUpDisk } from "./log/disk.ts";
import type { Row } from "./table.ts";

export const name = "cluster-partitions";
export const description = "three nodes, flush=sync: keyed records of 200 B by the SDK to 300 partitions and to 3";

const seconds = Number(process.env["VARVE_BENCH_SECONDS"] ?? "60");
const turnSeconds = Math.min(3, seconds);
const rounds = seconds < 10 ? 2 : 4;
const counts = [3, 300];
/**
 * Of the producer. By default it lets some 12,000 records of this size be under way, 40 for each of 300 partitions, so that a batch has half of
 * these at best; eight times as much is what makes them whole.
 */
const buffers = [32 << 20, 256 << 20];

interface Measured extends LoadResult {
  readonly nodeCpuSeconds: number;
}

export async function run(): Promise<Row[]> {
  return withDirectory(async (directory) => {
    await warmUpDisk(directory);
    const nodes = await Nodes.start(directory, 3, retentionFlags);
    try {
      for (const partitions of counts) {
        const configs = { "retention.bytes": "67108864", "segment.bytes": "16777216" };
        await nodes.createTopic(`of-${partitions}`, { partitions, configs });
      }
      const load = await Load.start();
      try {
        const rows: Row[] = [];
        for (const bufferBytes of buffers) {
          const results = await inTurns(
            rounds,
            counts.map((partitions) => () => drive(nodes, load, `of-${partitions}`, bufferBytes)),
          );
          rows.push(...rowsOf(results, bufferBytes));
        }
        return rows;
      } finally {
        await load.end();
      }
    } finally {
      await nodes.end();
    }
  });
}

function rowsOf(results: readonly (readonly Measured[])[], bufferBytes: number): Row[] {
  const rates = results.map((of) => of.map(({ records, seconds: took }) => records / took));
  return counts.map((partitions, index) => {
    const of = results[index] ?? [];
    const gibibytes = (result: Measured): number => result.bytes / 2 ** 30;
    return {
      partitions,
      "buffer MiB": bufferBytes / 2 ** 20,
      "records/s": Math.round(median(rates[index] ?? [])),
      "p50 ms": median(of.map(({ p50Ms }) => p50Ms)),
      "p99 ms": median(of.map(({ p99Ms }) => p99Ms)),
      "nodes s/GiB": median(of.map((result) => result.nodeCpuSeconds / gibibytes(result))),
      "client s/GiB": median(of.map((result) => result.cpuSeconds / gibibytes(result))),
      ...(index === 0 ? {} : { "of 3 partitions": shareOf(rates[index] ?? [], rates[0] ?? []), aim: ">= 60 %" }),
    };
  });
}

async function drive(nodes: Nodes, load: Load, topic: string, bufferBytes: number): Promise<Measured> {
  const request: SdkLoad = {
    kind: "sdk",
    addresses: nodes.addresses,
    topic,
    recordBytes: 200,
    keys: 10_000,
    bufferBytes,
    seconds: turnSeconds,
    warmUpSeconds: turnSeconds / 4,
  };
  const before = nodes.cpuSeconds;
  const result = await load.run(request);
  return { ...result, nodeCpuSeconds: ((nodes.cpuSeconds - before) * turnSeconds) / (turnSeconds * 1.25) };
}
