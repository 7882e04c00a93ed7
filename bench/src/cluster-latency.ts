// SPDX-License-Identifier: Apache-2.0
// One record of 1 KiB per request on a ProduceStream, three nodes, acks=all, flush=sync: how many a second, and how long one takes at
// half of that load. Beside it the parts alone in the same run: an fdatasync, and an echo on a bare stream at the same pace.

import { withDirectory, ServerProcess } from "./broker/server.ts";
import { bareSyncs } from "./cluster/bare-syncs.ts";
import { Load } from "./cluster/load.ts";
import type { LoadResult, StreamLoad, Target } from "./cluster/load-types.ts";
import { Nodes, retentionFlags, shortRetention } from "./cluster/nodes.ts";
import { warmUpDisk } from "./log/disk.ts";
import type { Row } from "./table.ts";

export const name = "cluster-latency";
export const description = "three nodes, flush=sync: 1 KiB records singly on one ProduceStream, 64 and 512 in flight";

const seconds = Math.min(8, Number(process.env["VARVE_BENCH_SECONDS"] ?? "8"));
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
  const sync = await bareSyncs(directory, seconds / 2);
  rows.push({ what: "fdatasync of 4 KiB appended, bare", "in flight": 1, ...sync });
  for (const inFlight of [64, 512]) {
    const most = await drive(target, inFlight);
    rows.push(rowOf("three nodes, closed loop", inFlight, most));
    const perSecond = most.requests / most.seconds / 2;
    const bare = await drive({ ...target, address: echo.address }, unansweredMax, perSecond);
    rows.push(rowOf("stream echo, bare transport, same pace", inFlight, bare));
    const half = await drive(target, unansweredMax, perSecond);
    const floorMs = sync["p99 ms"] + 2 * bare.p99Ms;
    rows.push({
      ...rowOf(`three nodes, half of the load with ${inFlight}`, inFlight, half),
      "of fdatasync + 2 echoes": half.p99Ms / floorMs,
      aim: "p99 <= 4 times",
    });
  }
  return rows;
}

function rowOf(what: string, inFlight: number, { requests, seconds: took, p50Ms, p99Ms, p999Ms }: LoadResult): Row {
  return {
    what,
    "in flight": inFlight,
    "per second": Math.round(requests / took),
    "p50 ms": p50Ms,
    "p99 ms": p99Ms,
    "p99.9 ms": p999Ms,
  };
}
