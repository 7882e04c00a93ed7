// SPDX-License-Identifier: Apache-2.0
// `npm run sim:raft`: the core of raft-ts in simulated worlds, one per seed, until something breaks.
//
//   -- --minutes M      fresh seeds for M minutes (default 1)
//   -- --events N       seeds, beginning with --from S (default 1), until N events happened
//   -- --seeds N        N seeds, beginning with --from S (default 1)
//   -- --seed S         one seed, twice: both runs must be the same. With --lines N the newest N lines of its trace
//   -- --case FILE      one case that was kept in a file
//
// A failure prints one line that reproduces it and is made smaller into packages/raft-ts/test/regressions (`--keep no`
// leaves that out); the case, its newest events as NDJSON and a column view of the last 200 go to
// packages/raft-ts/test/failures. `--table yes` prints what was covered.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  coverageTable,
  Coverage,
  drawCase,
  failureLine,
  grouped,
  Recorder,
  runCase,
  shrinkCase,
  type CaseOutcome,
  type CoreCase,
} from "raft-ts/testing";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const regressions = join(root, "packages/raft-ts/test/regressions");
/** Not kept in the repository. */
const failures = join(root, "packages/raft-ts/test/failures");
const recordedMax = 20_000;
const columnRows = 200;

/** Every so many cases one is run twice (IR16). */
const twiceEvery = 200;
const shrinkRunsMax = 400;
const progressMs = 5_000;

const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seeds: { type: "string" },
    events: { type: "string" },
    from: { type: "string" },
    seed: { type: "string" },
    case: { type: "string" },
    lines: { type: "string", default: "0" },
    keep: { type: "string", default: "yes" },
    table: { type: "string", default: "no" },
  },
});

function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, stdio: "pipe", encoding: "utf8" }).trim();
  } catch {
    // Not in a checkout: the line is as good without.
    return "unknown";
  }
}

/** Runs a failing case once more and writes down what happened. */
function writeArtifacts(failing: CoreCase, outcome: CaseOutcome): void {
  const recorder = new Recorder(recordedMax);
  runCase(failing, { recorder });
  const name = caseName(failing, outcome);
  const directory = join(failures, name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "case.json"), `${JSON.stringify(failing, undefined, 1)}\n`);
  writeFileSync(join(directory, "trace.ndjson"), recorder.ndjson());
  const columns = recorder.table(columnRows);
  writeFileSync(join(directory, "columns.txt"), `${outcome.failure?.message}\n\n${columns}`);
  console.log(columns);
  console.log(`columns are role term/last/commit/applied; more in packages/raft-ts/test/failures/${name}`);
}

function caseName({ seed }: CoreCase, { failure }: CaseOutcome): string {
  return `${(failure?.rule ?? "").toLowerCase().replace(/[^a-z0-9]+/g, "-")}-${seed}`;
}

/** Runs one case twice and tells all about it. */
function replay(simulated: CoreCase): void {
  const outcome = runCase(simulated, { linesMax: Number(options.lines) });
  const again = runCase(simulated);
  for (const line of outcome.lines) console.log(line);
  if (options.table === "yes") console.log(coverageTable(outcome.coverage));
  console.log(`trace ${outcome.hash}, ${grouped(outcome.events)} events, second phase: ${outcome.liveness}`);
  if (again.hash !== outcome.hash || again.failure?.message !== outcome.failure?.message) {
    console.log(`IR16 is violated: the second run of the same case has the trace ${again.hash}`);
    process.exitCode = 1;
  }
  if (outcome.failure === undefined) return;
  writeArtifacts(simulated, outcome);
  console.log(outcome.failure.stack);
  console.log(failureLine(simulated, outcome, commit()));
  process.exitCode = 1;
}

function keepSmallest(failing: CoreCase, outcome: CaseOutcome): void {
  const rule = outcome.failure?.rule ?? "";
  const { smallest, runs } = shrinkCase(failing, outcome, {
    run: (simulated) => runCase(simulated),
    rule,
    runsMax: shrinkRunsMax,
  });
  const name = `${caseName(failing, outcome)}.json`;
  mkdirSync(regressions, { recursive: true });
  writeFileSync(join(regressions, name), `${JSON.stringify({ rule, ...smallest }, undefined, 1)}\n`);
  console.log(
    `made smaller in ${runs} runs: ${smallest.plan.length} of ${failing.plan.length} actions` +
      `  → npm run sim:raft -- --case packages/raft-ts/test/regressions/${name}`,
  );
}

/** Seeds one after the other until `isEnough`. */
function explore(first: number, isEnough: (cases: number, events: number) => boolean): void {
  const began = performance.now();
  const total = new Coverage();
  let events = 0;
  let cases = 0;
  let told = began;
  const progress = (): void => {
    const minutes = (performance.now() - began) / 60_000;
    console.log(`${grouped(cases)} cases, ${grouped(events)} events, ${grouped(events / minutes)} a minute`);
  };
  for (; !isEnough(cases, events); cases++) {
    const simulated = drawCase(first + cases);
    const outcome = runCase(simulated);
    events += outcome.events;
    total.add(outcome.coverage);
    if (cases % twiceEvery === 0 && runCase(simulated).hash !== outcome.hash) {
      console.log(`IR16 is violated: seed ${simulated.seed} gives another trace the second time`);
      process.exitCode = 1;
      return;
    }
    if (outcome.failure !== undefined) {
      progress();
      writeArtifacts(simulated, outcome);
      console.log(failureLine(simulated, outcome, commit()));
      if (options.keep === "yes") keepSmallest(simulated, outcome);
      process.exitCode = 1;
      return;
    }
    if (performance.now() - told > progressMs) {
      told = performance.now();
      progress();
    }
  }
  progress();
  if (options.table === "yes") console.log(coverageTable(total));
}

if (options.case !== undefined) replay(JSON.parse(readFileSync(options.case, "utf8")) as CoreCase);
else if (options.seed !== undefined) replay(drawCase(Number(options.seed)));
else if (options.seeds !== undefined) {
  const count = Number(options.seeds);
  explore(Number(options.from ?? 1), (cases) => cases >= count);
} else if (options.events !== undefined) {
  const count = Number(options.events);
  explore(Number(options.from ?? 1), (_, events) => events >= count);
} else {
  const end = performance.now() + Number(options.minutes) * 60_000;
  // Seeds nobody has run: the clock's milliseconds, of which a run uses far fewer than pass.
  explore(Number(options.from ?? Date.now()), () => performance.now() > end);
}
