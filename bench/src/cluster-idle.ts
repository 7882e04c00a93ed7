// SPDX-License-Identifier: Apache-2.0
// What 2,000 partitions on three nodes cost when nothing happens, and how long the nodes take to start with them: all three at once, after
// a clean stop, and after kill -9 with 1 GiB of data on each.

import { withDirectory } from "./broker/server.ts";
import { Load } from "./cluster/load.ts";
import { Nodes, pause } from "./cluster/nodes.ts";
import { targetsOf } from "./cluster/targets.ts";
import type { Row } from "./table.ts";

export const name = "cluster-idle";
export const description = "2,000 partitions on three nodes (VARVE_BENCH_PARTITIONS): idle, and starting";

const partitions = Number(process.env["VARVE_BENCH_PARTITIONS"] ?? "2000");
const idleSeconds = Math.min(15, Number(process.env["VARVE_BENCH_SECONDS"] ?? "15"));
const mebibytes = Number(process.env["VARVE_BENCH_STARTUP_MIB"] ?? "1024");
/** The last checkpoint comes ten seconds after the load; behind that the nodes collect what it left, one after the other. */
const settleMs = 45_000;

export async function run(): Promise<Row[]> {
  return withDirectory(async (directory) => {
    const nodes = await Nodes.start(directory, 3);
    const rows: Row[] = [];
    try {
      const fromMs = performance.now();
      await nodes.createTopic("many", { partitions });
      rows.push({ what: `${partitions} partitions created, all in sync`, seconds: secondsSince(fromMs) });
      rows.push(...(await idle(nodes, "idle, never written")));
      rows.push(...(await restart(nodes, "clean stop, without data", "stop")));
      await fill(nodes);
      rows.push(...(await idle(nodes, `idle, with ${mebibytes} MiB on each node`)));
      rows.push(...(await restart(nodes, `kill -9 of all, ${mebibytes} MiB on each`, "kill")));
      rows.push(...(await restart(nodes, `clean stop, ${mebibytes} MiB on each`, "stop")));
    } finally {
      await nodes.end();
    }
    return rows;
  });
}

async function idle(nodes: Nodes, what: string): Promise<Row[]> {
  await pause(settleMs);
  const before = nodes.all.map(({ cpuSeconds }) => cpuSeconds);
  const fromMs = performance.now();
  await pause(idleSeconds * 1_000);
  const took = secondsSince(fromMs);
  const controller = await nodes.controller();
  return nodes.all.map((node, index) => ({
    what: `${what}: node ${node.nodeId}${node.nodeId === controller ? ", active controller" : ""}`,
    "CPU % of a core": ((node.cpuSeconds - (before[index] ?? 0)) / took) * 100,
    "resident MiB": node.memoryMiB.resident,
    "without files": node.memoryMiB.anonymous,
    "peak MiB": node.memoryMiB.peak,
    aim: "< 5 %, < 300 MiB",
  }));
}

async function restart(nodes: Nodes, what: string, how: "stop" | "kill"): Promise<Row[]> {
  const fromMs = performance.now();
  await (how === "stop" ? nodes.stopAll() : nodes.killAll());
  const stopSeconds = secondsSince(fromMs);
  const startMs = performance.now();
  const slowestMs = await nodes.startAll();
  const row = { what: `start after ${what}`, seconds: slowestMs / 1_000, aim: how === "stop" ? "< 10 s" : "< 30 s" };
  await nodes.inSync("many");
  return [
    ...(how === "stop" ? [{ what: `${what}: until all had ended`, seconds: stopSeconds }] : []),
    row,
    { what: `${row.what}: until all are in sync`, seconds: secondsSince(startMs) },
  ];
}

/** About as much to each partition. */
async function fill(nodes: Nodes): Promise<void> {
  const load = await Load.start();
  try {
    await load.fillAll({
      targets: await targetsOf(nodes, "many"),
      bytesEach: Math.ceil((mebibytes * 2 ** 20) / partitions),
    });
  } finally {
    await load.end();
  }
}

function secondsSince(ms: number): number {
  return (performance.now() - ms) / 1_000;
}
