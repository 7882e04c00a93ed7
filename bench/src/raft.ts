// SPDX-License-Identifier: Apache-2.0
// A Raft group of three processes on loopback with durable storage: what one entry takes, what many at a time take, how long the
// group is without a leader after a kill -9, what a million entries leave in memory. Beside it the bare disk, and the simulator.

import { open } from "node:fs/promises";
import { join } from "node:path";
import { drawCase, runCase } from "raft-ts/testing";
import { withDirectory } from "./broker/server.ts";
import { warmUpDisk } from "./log/disk.ts";
import { Group } from "./raft/member.ts";
import type { LoadResult } from "./raft/member-process.ts";
import type { Row } from "./table.ts";

export const name = "raft";
export const description =
  "three raft-ts processes, durable, entries of 300 B (VARVE_BENCH_RAFT=latency,elections,million,simulator)";

const parts = new Set((process.env["VARVE_BENCH_RAFT"] ?? "latency,elections,million,simulator").split(","));
const seconds = Number(process.env["VARVE_BENCH_SECONDS"] ?? "5");
const bytes = 300;
const elections = 10;
const million = Number(process.env["VARVE_BENCH_RAFT_ENTRIES"] ?? "1000000");

export async function run(): Promise<Row[]> {
  const rows: Row[] = [];
  await withDirectory(async (directory) => {
    const group = await Group.form(directory, 3);
    try {
      if (parts.has("latency")) rows.push(...(await latency(directory, group)));
      if (parts.has("elections")) rows.push(await electionTimes(group));
      if (parts.has("million")) rows.push(...(await memory(group)));
    } finally {
      await group.end();
    }
  });
  if (parts.has("simulator")) rows.push(simulator());
  return rows;
}

/** One entry in flight against one fdatasync, and 256 in flight against one; in turns, so that both have the same company. */
async function latency(directory: string, group: Group): Promise<Row[]> {
  await warmUpDisk(directory);
  const leader = await group.leader();
  const rounds = 3;
  const bare: number[] = [];
  const one: LoadResult[] = [];
  const many: LoadResult[] = [];
  for (let round = 0; round < rounds; round++) {
    bare.push(...(await bareSyncs(directory, seconds / rounds)));
    const request = { bytes, entriesMax: 1e9, secondsMax: seconds / rounds };
    one.push(await leader.load({ ...request, inFlight: 1 }));
    many.push(await leader.load({ ...request, inFlight: 256 }));
  }
  const sync = sorted(bare);
  const single = sorted(one.flatMap(({ latenciesMs }) => latenciesMs));
  const multiple = sorted(many.flatMap(({ latenciesMs }) => latenciesMs));
  const [oneRate, manyRate] = [rateOf(one), rateOf(many)];
  return [
    { what: "fdatasync of 4 KiB appended, bare", ...times(sync), "per second": 1000 / mean(sync) },
    {
      what: "commit, 1 in flight",
      ...times(single),
      "per second": oneRate,
      ratio: quantile(single, 0.5) / quantile(sync, 0.5),
      aim: "median <= 4 bare fdatasyncs",
    },
    {
      what: "commit, 256 in flight",
      ...times(multiple),
      "per second": manyRate,
      ratio: manyRate / oneRate,
      aim: "rate >= 15 x one in flight",
    },
  ];
}

async function electionTimes(group: Group): Promise<Row> {
  const takenMs: number[] = [];
  for (let round = 0; round < elections; round++) {
    const leader = await group.leader();
    const killedMs = performance.now();
    await leader.end("SIGKILL");
    const next = await group.leader();
    takenMs.push(next.activeSinceMs - killedMs);
    await leader.start();
    // The next kill meets three members that have caught up.
    await (await group.leader()).load({ bytes, inFlight: 16, entriesMax: 100, secondsMax: 10 });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
  }
  const ordered = sorted(takenMs);
  const inTime = ordered.filter((ms) => ms < 3_000).length;
  return {
    what: "new leader after kill -9 of the old one",
    ...times(ordered),
    ratio: inTime,
    aim: `under 3 s in 9 of ${elections}`,
  };
}

/** Peaks of a whole process, so of everything that was done before as well. */
async function memory(group: Group): Promise<Row[]> {
  const leader = await group.leader();
  const before = await leader.usage();
  const { entries, seconds: took } = await leader.loadFromOutside({
    bytes,
    inFlight: 1024,
    entriesMax: million,
    secondsMax: 600,
  });
  const rows: Row[] = [];
  for (const member of group.members) {
    const usage = await member.usage();
    rows.push({
      what: `${entries.toLocaleString("en-US")} entries, ${member === leader ? "leader" : "follower"}`,
      "per second": entries / took,
      "peak MiB": usage.residentPeakMiB,
      "without files": usage.anonymousPeakMiB,
      "heap MiB": usage.heapMiB,
      "buffers MiB": usage.buffersMiB,
      "CPU s": usage.cpuSeconds - (member === leader ? before.cpuSeconds : 0),
      "snapshot at": usage.snapshotIndex,
      aim: "<= 200 MiB",
    });
  }
  return rows;
}

function simulator(): Row {
  const began = performance.now();
  let events = 0;
  let seed = 1;
  for (; performance.now() - began < seconds * 1000; seed++) {
    const { events: some, failure } = runCase(drawCase(seed));
    if (failure !== undefined) throw new Error(`Seed ${seed} of the simulator: ${failure.message}`);
    events += some;
  }
  const perMinute = (events / (performance.now() - began)) * 60_000;
  return {
    what: "simulated events a minute, every invariant checked",
    "per second": perMinute / 60,
    ratio: perMinute / 1e6,
    aim: "millions a minute",
  };
}

async function bareSyncs(directory: string, forSeconds: number): Promise<number[]> {
  const file = await open(join(directory, "sync"), "w");
  const block = Buffer.alloc(4_096, 1);
  const takenMs: number[] = [];
  const until = performance.now() + forSeconds * 1_000;
  for (let at = 0; performance.now() < until; at += block.length) {
    const started = performance.now();
    await file.write(block, 0, block.length, at);
    await file.datasync();
    takenMs.push(performance.now() - started);
  }
  await file.close();
  return takenMs;
}

function rateOf(loads: readonly LoadResult[]): number {
  const entries = loads.reduce((sum, load) => sum + load.entries, 0);
  return entries / loads.reduce((sum, load) => sum + load.seconds, 0);
}

function sorted(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function quantile(ordered: readonly number[], share: number): number {
  return ordered[Math.min(ordered.length - 1, Math.floor(ordered.length * share))] ?? Number.NaN;
}

function times(ordered: readonly number[]): Row {
  return { "p50 ms": quantile(ordered, 0.5), "p99 ms": quantile(ordered, 0.99) };
}
