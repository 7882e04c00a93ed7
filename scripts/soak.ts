// SPDX-License-Identifier: Apache-2.0
// `npm run soak [-- name…]`: the same tests as `npm test`, with the full counts. Jobs run one after another.
// `npm run soak -- --list` says what there is.

import { spawn } from "node:child_process";

interface Job {
  readonly name: string;
  readonly about: string;
  readonly env: Readonly<Record<string, string>>;
  readonly command: readonly [string, ...string[]];
}

const vitest = (...files: string[]): readonly [string, ...string[]] => [
  "npx",
  "vitest",
  "run",
  "--testTimeout=14400000",
  ...files,
];

const jobs: readonly Job[] = [
  {
    name: "model",
    about: "the whole store against a simple model on the simulated disk, 20,000 cases; a crash after every effect",
    env: { VARVE_MODEL_CASES: "20000", VARVE_CRASH_STRIDE: "1", VARVE_CRASH_DEPTH: "2" },
    command: vitest("packages/log/src/testing"),
  },
  {
    name: "crash",
    about: "a writing process killed 300 times on the real disk",
    env: { VARVE_CRASHES: "300" },
    command: vitest("packages/log/src/crash.test.ts"),
  },
  {
    name: "raft-crash",
    about: "a process that writes Raft storage killed 300 times; 300 histories with a crash at their steps",
    env: { RAFT_CRASHES: "300", RAFT_CRASH_MODEL: "300" },
    command: vitest("packages/raft-ts/src/storage/crash"),
  },
  {
    name: "raft-damage",
    about: "Raft storage with a bit flipped, or cut off, at 3,000 places of every file",
    env: { RAFT_DAMAGE: "3000" },
    command: vitest("packages/raft-ts/src/storage/damage.test.ts"),
  },
  {
    name: "kills",
    about: "a serving node killed 100 times in the middle of acks=all",
    env: { VARVE_KILLS: "100" },
    command: vitest("test/e2e/src/kill.test.ts"),
  },
  {
    name: "fuzz-controller",
    about: "20,000 sequences of random commands to the controller",
    env: { VARVE_FUZZ_RUNS: "20000" },
    command: vitest("packages/cluster/src/controller/controller.fuzz.ts"),
  },
  {
    name: "partition",
    about: "one replicated partition in 40,000 abstract worlds of 1,500 steps, every invariant after each",
    env: { VARVE_PARTITION_SEEDS: "40000" },
    command: vitest("packages/cluster/src/testing/partition-world.test.ts"),
  },
  {
    name: "group-sim",
    about:
      "20 million events of consumer groups in simulated worlds: fail-overs in mid-commit, stalls, resets, compaction",
    env: { VARVE_GROUP_EVENTS: "20000000", VARVE_GROUP_TABLE: "1" },
    command: vitest("packages/cluster/src/testing/group-world.test.ts"),
  },
  {
    name: "cluster-sim",
    about: "20 million events of whole clusters in simulated worlds, and what went wrong in them by kind",
    env: {},
    command: ["npm", "run", "--silent", "sim:cluster", "--", "--events", "20000000", "--table", "yes"],
  },
  {
    name: "fuzz-batches",
    about: "a million mutated batches, 20,000 runs of each property of the format",
    env: { VARVE_MUTATIONS: "1000000", VARVE_FUZZ: "20000" },
    command: vitest("packages/format"),
  },
  {
    name: "fuzz-requests",
    about: "200,000 mutated gRPC requests",
    env: { VARVE_FUZZ: "200000" },
    command: vitest("packages/api", "packages/broker"),
  },
  {
    name: "producer",
    about: "the client's producer under 4,000 series of faults: order, loss, duplicates",
    env: { VARVE_PRODUCER_SERIES: "4000" },
    command: vitest("packages/client/src/producer"),
  },
  {
    name: "consumer",
    about: "200 storms over the members of a group in the client, 20,000 runs of the consumer's pure parts",
    env: { VARVE_FUZZ: "20000" },
    command: vitest("packages/client/src/consumer/consumer.fuzz.ts", "packages/client/src/consumer/pure-parts.fuzz.ts"),
  },
  {
    name: "raft-sim",
    about: "100 million events of the Raft core in simulated worlds, and what went wrong in them by kind",
    env: {},
    command: ["npm", "run", "--silent", "sim:raft", "--", "--events", "100000000", "--table", "yes"],
  },
  {
    name: "raft-forming",
    about: "blank nodes form a cluster in every order, with more crashes and changes of disks",
    env: { RAFT_BOOTSTRAP_FULL: "1" },
    command: vitest("packages/raft-ts/src/bootstrap"),
  },
  {
    name: "raft-forming-processes",
    about: "three processes form a cluster over gRPC 60 times, killed at any step, started late, one wiped",
    env: { RAFT_FORMING_TRIALS: "60", RAFT_FORMING_SEED: String(Date.now() % 1_000_000) },
    command: vitest("test/e2e/src/raft-forming.test.ts"),
  },
  {
    name: "raft-fuzz-transport",
    about: "20,000 runs of each property of raft-ts/grpc's codecs, 20,000 hostile calls to its listener",
    env: { RAFT_FUZZ: "20000" },
    command: vitest("packages/raft-ts/src/transport/codecs.fuzz.ts", "packages/raft-ts/src/transport/hostile.fuzz.ts"),
  },
  {
    name: "raft-chaos",
    about: "three processes of raft-ts killed, stopped and wiped for five minutes",
    env: { RAFT_CHAOS_SECONDS: "300" },
    command: vitest("test/e2e/src/raft-chaos.test.ts"),
  },
  {
    name: "cluster-processes",
    about: "three nodes under a load killed, stopped, wiped, filled up and restarted 20 times in random order",
    env: {},
    command: ["npm", "run", "--silent", "chaos:cluster", "--", "--rounds", "20"],
  },
  {
    name: "group-processes",
    about: "200,000 keyed records for 8 members on three nodes, members, coordinators and leaders killed in turn",
    env: {
      VARVE_GROUP_RECORDS: "200000",
      VARVE_GROUP_MEMBERS: "8",
      VARVE_GROUP_PARTITIONS: "24",
      VARVE_GROUP_ROUNDS: "12",
      VARVE_GROUP_SEED: String(Date.now() % 1_000_000),
    },
    command: vitest("test/e2e/src/group-chaos.test.ts"),
  },
  {
    name: "group-resets",
    about: "a group of four members moved 50 times under load",
    env: { VARVE_GROUP_RESETS: "50" },
    command: vitest("test/e2e/src/group-resets.test.ts"),
  },
  {
    name: "raft-runtime",
    about: "whole nodes of raft-ts in 300 simulated worlds of a minute each",
    env: { RAFT_RUNTIME_SEEDS: "300", RAFT_RUNTIME_SECONDS: "60" },
    command: vitest("packages/raft-ts/src/testing/runtime-case.test.ts"),
  },
  {
    name: "mutants",
    about: "every storage rule broken on purpose, one at a time; each must be noticed",
    env: {},
    command: ["npm", "run", "--silent", "mutants:log"],
  },
  {
    name: "mutants-cluster",
    about: "every rule of brokers, logs and decisions in a cluster broken on purpose, one at a time",
    env: {},
    command: ["npm", "run", "--silent", "mutants:cluster"],
  },
  {
    name: "mutants-groups",
    about: "every rule of consumer groups broken on purpose, one at a time",
    env: {},
    command: ["npm", "run", "--silent", "mutants:groups"],
  },
  {
    name: "mutants-partition",
    about: "every rule of replicated partitions broken on purpose, one at a time",
    env: {},
    command: ["npm", "run", "--silent", "mutants:partition"],
  },
  {
    name: "mutants-raft",
    about: "every rule of raft-ts broken on purpose, one at a time: core, forming, runtime, storage, transport",
    env: {},
    command: ["npm", "run", "--silent", "mutants:raft"],
  },
];

async function run(job: Job): Promise<{ ok: boolean; seconds: number }> {
  const began = performance.now();
  const child = spawn(job.command[0], job.command.slice(1), {
    stdio: "inherit",
    env: { ...process.env, ...job.env },
  });
  const ok = await new Promise<boolean>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code === 0));
  });
  return { ok, seconds: (performance.now() - began) / 1000 };
}

const wanted = process.argv.slice(2);
if (wanted.includes("--list") || wanted.includes("--help")) {
  for (const job of jobs) console.log(`${job.name.padEnd(20)} ${job.about}`);
  process.exit(0);
}
const unknown = wanted.filter((name) => !jobs.some((job) => job.name === name));
if (unknown.length > 0) {
  console.error(
    `There is no soak job "${unknown.join('", "')}". There are: ${jobs.map((job) => job.name).join(", ")}.`,
  );
  process.exit(2);
}

const results: { name: string; ok: boolean; seconds: number }[] = [];
for (const job of jobs.filter((job) => wanted.length === 0 || wanted.includes(job.name))) {
  console.log(`\n== ${job.name}: ${job.about}`);
  results.push({ name: job.name, ...(await run(job)) });
}
console.log("");
for (const { name, ok, seconds } of results) {
  console.log(`${ok ? "ok    " : "FAILED"} ${name.padEnd(20)} ${seconds.toFixed(0)} s`);
}
process.exitCode = results.every((result) => result.ok) ? 0 : 1;
