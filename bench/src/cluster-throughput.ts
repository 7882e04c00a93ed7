// SPDX-License-Identifier: Apache-2.0
// What three nodes take with acks=all: 100 B records in 64 KiB batches through ProduceStream to the leader of each of three
// partitions, against the same transfers and writes without Varve and against one node. Nodes, load and everything else on one machine.

import { withDirectory } from "./broker/server.ts";
import { inTurns, median, shareOf } from "./broker/rounds.ts";
import { BarePipeline } from "./cluster/bare.ts";
import { Load } from "./cluster/load.ts";
import type { LoadResult, StreamLoad, Target } from "./cluster/load-types.ts";
import { Nodes, retentionFlags, shortRetention } from "./cluster/nodes.ts";
import { targetsOf } from "./cluster/targets.ts";
import { warmUpDisk } from "./log/disk.ts";
import type { Row } from "./table.ts";

export const name = "cluster-throughput";
export const description =
  "three nodes, acks=all, 100 B records in 64 KiB batches (VARVE_BENCH_SECONDS, 60: of the sustained run)";

const seconds = Number(process.env["VARVE_BENCH_SECONDS"] ?? "60");
/** Of one turn of one contender, and how many turns each has. */
const turnSeconds = Math.min(2, seconds);
const rounds = seconds < 10 ? 2 : 4;
const warmUpSeconds = 0.4;
/** For each partition. */
const inFlight = 16;
const recordBytes = 100;

interface Measured extends LoadResult {
  /** Of all nodes, or bare processes. */
  readonly nodeCpuSeconds: number;
}

export async function run(): Promise<Row[]> {
  return withDirectory(async (directory) => {
    await warmUpDisk(directory);
    const closers: (() => Promise<unknown>)[] = [];
    try {
      const three = await Nodes.start(`${directory}/three`, 3, retentionFlags);
      closers.push(() => three.end());
      const one = await Nodes.start(`${directory}/one`, 1, retentionFlags);
      closers.push(() => one.end());
      const load = await Load.start();
      closers.push(() => load.end());
      return await measure({ three, one, load, directory, closers });
    } finally {
      for (const close of closers.toReversed()) await close();
    }
  });
}

interface Parts {
  readonly three: Nodes;
  readonly one: Nodes;
  readonly load: Load;
  readonly directory: string;
  readonly closers: (() => Promise<unknown>)[];
}

async function measure({ three, one, load, directory, closers }: Parts): Promise<Row[]> {
  const rows: Row[] = [];
  for (const flush of ["os", "sync"] as const) {
    for (const nodes of [three, one]) {
      await nodes.createTopic(flush, { partitions: 3, configs: { flush, ...shortRetention } });
    }
    const bare = await BarePipeline.start(`${directory}/bare-${flush}`, { sync: flush === "sync" });
    closers.push(() => bare.end());
    const contenders: readonly {
      readonly what: string;
      readonly nodes: { readonly cpuSeconds: number };
      readonly load: StreamLoad;
    }[] = [
      { what: `bare pipeline, flush=${flush}`, nodes: bare, load: streamLoad(bare.targets, "bare") },
      { what: `three nodes, flush=${flush}`, nodes: three, load: streamLoad(await targetsOf(three, flush), "varve") },
      { what: `one node, flush=${flush}`, nodes: one, load: streamLoad(await targetsOf(one, flush), "varve") },
    ];
    const results = await inTurns(
      rounds,
      contenders.map((contender) => () => drive(load, contender.nodes, contender.load)),
    );
    const rates = results.map((of) => of.map(({ records, seconds: took }) => records / took));
    for (const [index, { what }] of contenders.entries()) {
      const cells = rowOf(`${what}, in turns`, results[index] ?? []);
      const ofBare = { "of bare": shareOf(rates[index] ?? [], rates[0] ?? []) };
      const ofOne = { "of one node": shareOf(rates[index] ?? [], rates[2] ?? []) };
      rows.push({ ...cells, ...(index === 0 ? {} : ofBare), ...(index === 1 ? ofOne : {}) });
    }
  }
  const sustained = streamLoad(await targetsOf(three, "os"), "varve");
  const os = await drive(load, three, { ...sustained, seconds });
  rows.push({ ...rowOf(`three nodes, flush=os, ${seconds} s`, [os]), aim: "1,000,000 records/s" });
  const perSecond = (os.requests / os.seconds) * 0.8;
  const paced = await drive(load, three, { ...sustained, seconds: seconds / 3, inFlight: 256, perSecond });
  rows.push(rowOf("the same at 80 % of that, open loop", [paced]));
  const bySdk = { kind: "sdk", addresses: three.addresses, topic: "os", recordBytes, keys: 0 } as const;
  const before = three.cpuSeconds;
  const sdk = await load.run({ ...bySdk, seconds: Math.min(seconds, 10), warmUpSeconds: 1 });
  rows.push(rowOf("three nodes, flush=os, by the SDK", [{ ...sdk, nodeCpuSeconds: three.cpuSeconds - before }]));
  return rows;
}

function streamLoad(targets: readonly Target[], protocol: StreamLoad["protocol"]): StreamLoad {
  return {
    kind: "stream",
    targets,
    protocol,
    request: "batches",
    recordBytes,
    inFlight,
    seconds: turnSeconds,
    warmUpSeconds,
  };
}

async function drive(load: Load, nodes: { readonly cpuSeconds: number }, request: StreamLoad): Promise<Measured> {
  const before = nodes.cpuSeconds;
  const result = await load.run(request);
  // Of the whole of it, of which the warm-up is a part.
  const share = request.seconds / (request.seconds + request.warmUpSeconds);
  return { ...result, nodeCpuSeconds: (nodes.cpuSeconds - before) * share };
}

function rowOf(what: string, of: readonly Measured[]): Row {
  const middle = (value: (result: Measured) => number): number => Math.round(median(of.map(value)) * 100) / 100;
  const gibibytes = (result: Measured): number => result.bytes / 2 ** 30;
  return {
    what,
    "records/s": Math.round(middle(({ records, seconds: took }) => records / took)),
    "MB/s": Math.round(middle(({ bytes, seconds: took }) => bytes / 1e6 / took)),
    "p50 ms": middle(({ p50Ms }) => p50Ms),
    "p99 ms": middle(({ p99Ms }) => p99Ms),
    "p99.9 ms": middle(({ p999Ms }) => p999Ms),
    "nodes s/GiB": middle((result) => result.nodeCpuSeconds / gibibytes(result)),
    "client s/GiB": middle((result) => result.cpuSeconds / gibibytes(result)),
  };
}
