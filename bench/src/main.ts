// SPDX-License-Identifier: Apache-2.0
// npm run bench -- [NAME…]: runs the benchmarks of this directory (all without a name), prints a table each and writes the
// same rows as JSON to bench/results/NAME.json. A benchmark is a file that exports `name`, `description` and `run`; NAME also stands for
// all whose names begin with it and a hyphen (`cluster`), unless it is one's own.
// All of them run with the thread pool that `varve` has; libuv reads its size at the start of a process, hence the second one.

import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { renderTable, type Row } from "./table.ts";

interface Benchmark {
  readonly name: string;
  readonly description: string;
  run(): Promise<readonly Row[]>;
}

const here = dirname(fileURLToPath(import.meta.url));
const resultsDirectory = join(here, "..", "results");

async function main(wanted: readonly string[]): Promise<number> {
  const benchmarks = await findBenchmarks();
  const isNamed = (benchmark: Benchmark, name: string): boolean =>
    benchmark.name === name ||
    (benchmark.name.startsWith(`${name}-`) && !benchmarks.some((other) => other.name === name));
  const unknown = wanted.filter((name) => !benchmarks.some((benchmark) => isNamed(benchmark, name)));
  if (unknown.length > 0) {
    console.error(
      `No benchmark is named "${unknown.join('", "')}". There are: ${benchmarks.map((b) => b.name).join(", ")}.`,
    );
    return 2;
  }
  for (const benchmark of benchmarks) {
    if (wanted.length > 0 && !wanted.some((name) => isNamed(benchmark, name))) continue;
    console.log(`\n${benchmark.name}: ${benchmark.description}\n`);
    const rows = await benchmark.run();
    console.log(renderTable(rows));
    writeResults(benchmark.name, rows);
  }
  return 0;
}

/** Files that import this package's parts and export no `run` are parts, not benchmarks. */
async function findBenchmarks(): Promise<Benchmark[]> {
  const parts = new Set(["main", "table", "measure"]);
  const files = readdirSync(here).filter(
    (file) => /^[a-z0-9-]+\.(ts|js)$/.test(file) && !parts.has(file.replace(/\..*/, "")),
  );
  const modules = await Promise.all(
    files.sort().map(async (file) => import(`./${file}`) as Promise<Partial<Benchmark>>),
  );
  return modules.filter((module): module is Benchmark => typeof module.run === "function");
}

function writeResults(name: string, rows: readonly Row[]): void {
  mkdirSync(resultsDirectory, { recursive: true });
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length };
  const report = { name, at: new Date().toISOString(), machine, rows };
  writeFileSync(join(resultsDirectory, `${name}.json`), `${JSON.stringify(report, null, 2)}\n`);
}

if (process.env["UV_THREADPOOL_SIZE"] === undefined) {
  const args = [...process.execArgv, ...process.argv.slice(1)];
  const child = spawnSync(process.execPath, args, {
    env: { ...process.env, UV_THREADPOOL_SIZE: "16" },
    stdio: "inherit",
  });
  process.exitCode = child.status ?? 1;
} else {
  process.exitCode = await main(process.argv.slice(2));
}
