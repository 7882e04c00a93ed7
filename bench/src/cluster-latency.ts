// SPDX-License-Identifier: Apache-2.0
// One record of 1 KiB per request on a ProduceStream, three nodes, acks=all, flush=sync: how many a second, and how long one takes at
// half of that load. Beside it the parts alone in the same run: an fdatasync, and an echo on a bare stream at the same pace.

import { inTurns, median } from "./broker/rounds.ts";
import { withDirectory, ServerProcess } from "./broker/server.ts";
import { type BareSyncs, bareSyncs } from "./cluster/bare-syncs.ts";
import { Load } from "./cluster/load.ts";
import type { LoadResult, StreamLoad, Target } from "./cluster/load-types.ts";
import { Nodes, retentionFlags, shortRetention } from "./cluster/nodes.ts";
import { warmUpDisk } from "./log/disk.ts";
import type { Row } from "./table.ts";

export const name = "cluster-latency";
export const description = "three nodes, flush=sync: 1 KiB records singly on one ProduceStream, 64 and 512 in flight";

const seconds = Math.min(6, Number(process.env["VARVE_BENCH_SECONDS"] ?? "6"));
const rounds = 5;
const warmUpSeconds = Math.min(1, seconds / 4);
const recordBytes = 1_024;
/** Of an open loop: no more may be unanswered. */
const unansweredMax = 4_096;

export async function run(): Promise<Row[]> {
  return withDirectory(async (directory) => {
    await warmUpDisk(directory);
    const nodes = await Nodes.start(directory, 3, retentionFlags);
    try {
      const load = await Load.start();
      const echo = await ServerProcess.bare();
      try {
        await nodes.createTopic("latency", { partitions: 1, configs: shortRetention });
        return await measure(directory, { nodes, load, echo });
      } finally {
        await echo.stop();
        await load.end();
      }
    } finally {
      await nodes.end();
    }
  });
}

async function measure(
  directory: string,
  { nodes, load, echo }: { readonly nodes: Nodes; readonly load: Load; readonly echo: ServerProcess },
): Promise<Row[]> {
  const [placed] = await nodes.describe("latency");
  if (placed === undefined) throw new Error("The topic has no partition");
  const target = { address: placed.leader.address, topic: "latency", partition: 0 };
  const drive = async (to: Target, inFlight: number, perSecond?: number): Promise<LoadResult> => {
    const request: StreamLoad = {
      kind: "stream",
      targets: [to],
      protocol: "varve",
      request: "single records",
      recordBytes,
      inFlight,
      seconds,
      warmUpSeconds,
      ...(perSecond === undefined ? {} : { perSecond }),
    };
    return load.run(request);
  };
  const rows: Row[] = [];
  for (const inFlight of [64, 512]) {
    const most = await drive(target, inFlight);
    rows.push({ what: "three nodes, closed loop", "in flight": inFlight, ...timesOf([most]) });
    const perSecond = most.requests / most.seconds / 2;
    // In turns: what a disk and two processors do changes from one half minute to the next.
    const [syncs, echoes, halves] = (await inTurns<BareSyncs | LoadResult>(rounds, [
      () => bareSyncs(directory, seconds / 3),
      () => drive({ ...target, address: echo.address }, unansweredMax, perSecond),
      () => drive(target, unansweredMax, perSecond),
    ])) as [BareSyncs[], LoadResult[], LoadResult[]];
    rows.push(
      {
        what: "fdatasync of 4 KiB appended, bare",
        "in flight": 1,
        "per second": Math.round(median(syncs.map((sync) => sync["per second"]))),
        "p50 ms": median(syncs.map((sync) => sync["p50 ms"])),
        "p99 ms": median(syncs.map((sync) => sync["p99 ms"])),
        "p99 ms, arrivals": median(syncs.map(({ arrivalP99Ms }) => arrivalP99Ms)),
      },
      { what: "stream echo, bare transport, same pace", "in flight": inFlight, ...timesOf(echoes) },
    );
    const ratios = halves.map(({ p99Ms }, round) => {
      const [sync, bare] = [syncs[round], echoes[round]];
      return p99Ms / ((sync?.["p99 ms"] ?? Number.NaN) + 2 * (bare?.p99Ms ?? Number.NaN));
    });
    rows.push({
      what: `three nodes, half of the load with ${inFlight}`,
      "in flight": inFlight,
      ...timesOf(halves),
      "of fdatasync + 2 echoes": `${median(ratios).toFixed(1)} (${Math.min(...ratios).toFixed(1)}-${Math.max(...ratios).toFixed(1)})`,
      aim: "p99 <= 4 times",
    });
  }
  return rows;
}

/** Medians over the rounds. */
function timesOf(loads: readonly LoadResult[]): Row {
  const of = (value: (load: LoadResult) => number): number => median(loads.map(value));
  return {
    "per second": Math.round(of(({ requests, seconds: took }) => requests / took)),
    "p50 ms": of(({ p50Ms }) => p50Ms),
    "p99 ms": of(({ p99Ms }) => p99Ms),
    "p99.9 ms": of(({ p999Ms }) => p999Ms),
  };
}
