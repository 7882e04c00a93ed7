// SPDX-License-Identifier: Apache-2.0
// `npm run sim:cluster`: whole clusters, real brokers and real controllers, in simulated worlds, one per seed, until something breaks.
//
//   -- --minutes M      fresh seeds for M minutes (default 1)
//   -- --events N       seeds, beginning with --from S (default 1), until N events happened
//   -- --seeds N        N seeds, beginning with --from S (default 1)
//   -- --seed S         one seed, twice: both runs must be the same. With --lines N the newest N lines of what was told
//
// An event is a delivered message, a timer, a completion of a disk or a command. A failure prints one line that reproduces it.
// `--table yes` prints what was covered, by kind.

import { parseArgs } from "node:util";
import { type ClusterOutcome, runCluster } from "@varve/broker/testing";
import { Coverage, grouped } from "raft-ts/testing";

/** Every so many worlds one is run twice. */
const twiceEvery = 100;
const progressMs = 10_000;

const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seeds: { type: "string" },
    events: { type: "string" },
    from: { type: "string" },
    seed: { type: "string" },
    lines: { type: "string", default: "0" },
    table: { type: "string", default: "no" },
  },
});

const sections = [
  ["fault ", "Faults"],
  ["operator ", "What operators asked for"],
  ["controller ", "What controllers answered"],
  ["metadata ", "Metadata committed"],
  ["role ", "Nodes"],
  ["log ", "Replicas"],
  ["client ", "What clients were told"],
  ["refusal ", "Refusals at brokers"],
  ["liveness ", "After healing"],
] as const;

function table(coverage: Coverage): string {
  const row = ([what, count]: readonly [string, number]): string =>
    `  ${what.padEnd(46)} ${grouped(count).padStart(14)}`;
  return sections
    .map(([prefix, title]) => [title, ...coverage.list(prefix).map(row)].join("\n"))
    .filter((section) => section.includes("\n"))
    .join("\n\n");
}

function failureLine({ seed, events, world, failure }: ClusterOutcome): string {
  return `${failure?.message} | ${world}, ${grouped(events)} events  → npm run sim:cluster -- --seed ${seed} --lines 400`;
}

async function replay(seed: number): Promise<void> {
  const outcome = await runCluster(seed, { linesMax: Number(options.lines) });
  const again = await runCluster(seed);
  for (const line of outcome.lines) console.log(line);
  if (options.table === "yes") console.log(table(outcome.coverage));
  console.log(`trace ${outcome.hash}, ${grouped(outcome.events)} events; ${outcome.world}`);
  if (again.hash !== outcome.hash) {
    console.log(`the second run of the same seed has the trace ${again.hash}`);
    process.exitCode = 1;
  }
  if (outcome.failure === undefined) return;
  console.log(outcome.failure.stack);
  console.log(failureLine(outcome));
  process.exitCode = 1;
}

/** Seeds one after the other until `isEnough`. */
async function explore(first: number, isEnough: (worlds: number, events: number) => boolean): Promise<void> {
  const began = performance.now();
  const total = new Coverage();
  let events = 0;
  let worlds = 0;
  let told = began;
  const progress = (): void => {
    const minutes = (performance.now() - began) / 60_000;
    console.log(`${grouped(worlds)} worlds, ${grouped(events)} events, ${grouped(events / minutes)} a minute`);
  };
  for (; !isEnough(worlds, events); worlds++) {
    const outcome = await runCluster(first + worlds);
    events += outcome.events;
    total.add(outcome.coverage);
    if (outcome.failure !== undefined) {
      progress();
      console.log(failureLine(outcome));
      process.exitCode = 1;
      return;
    }
    if (worlds % twiceEvery === 0 && (await runCluster(outcome.seed)).hash !== outcome.hash) {
      console.log(`seed ${outcome.seed} gives another trace the second time`);
      process.exitCode = 1;
      return;
    }
    if (performance.now() - told > progressMs) {
      told = performance.now();
      progress();
    }
  }
  progress();
  if (options.table === "yes") console.log(table(total));
}

if (options.seed !== undefined) await replay(Number(options.seed));
else if (options.seeds !== undefined) {
  const count = Number(options.seeds);
  await explore(Number(options.from ?? 1), (worlds) => worlds >= count);
} else if (options.events !== undefined) {
  const count = Number(options.events);
  await explore(Number(options.from ?? 1), (_, events) => events >= count);
} else {
  const end = performance.now() + Number(options.minutes) * 60_000;
  // Seeds nobody has run: the clock's milliseconds, of which a run uses far fewer than pass.
  await explore(Number(options.from ?? Date.now()), () => performance.now() > end);
}
