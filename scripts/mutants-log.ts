// SPDX-License-Identifier: Apache-2.0
// `npm run mutants:log [-- name…]`: breaks one rule of the storage engine at a time (test/mutants/*.patch) in a copy of
// its sources, and runs the tests that must notice. A mutant that survives, or a patch that does not apply, fails the run,
// unless its second line argues why (`Survives: …`).
//
// `--cases 3000` bounds the model test per mutant, `--list` says what there is.

import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const patches = join(root, "test/mutants");

interface Mutant {
  readonly name: string;
  /** The first line of the patch: which rule is broken. */
  readonly about: string;
  readonly path: string;
  readonly hunters: readonly Hunter[];
  /** The patch says why nothing notices it (`Survives: …`). */
  readonly isArgued: boolean;
}

interface Verdict {
  readonly mutant: Mutant;
  readonly killedBy: string | undefined;
  readonly cases: string;
  readonly how: string;
  readonly seconds: number;
}

/** A mutant that is not through by then hangs, which is noticed too. */
const hunterMsMax = 900_000;

interface Hunter {
  readonly name: string;
  /** For vitest: files, and what is left out. */
  readonly tests: readonly string[];
  /** How many cases it took. */
  readonly cases?: RegExp;
}

/** What must notice a mutant of the engine, quickest first. */
const hunters: readonly Hunter[] = [
  { name: "model", tests: ["packages/log/src/testing/store.model.test.ts"], cases: /Case (\d+) failed/ },
  { name: "flips", tests: ["packages/log/src/flips.test.ts"] },
  { name: "crash", tests: ["packages/log/src/testing/store.crash.test.ts"] },
  unitTests(),
];

/** Everything else: the only hunter of a mutant whose second line says `Hunter: unit`, in a leaf that nothing else depends on. */
function unitTests(): Hunter {
  const left = ["**/testing/**", "**/flips.test.ts", "**/crash.test.ts"].flatMap((pattern) => ["--exclude", pattern]);
  return { name: "unit", tests: ["packages/log/src", ...left] };
}

function findMutants(wanted: readonly string[]): Mutant[] {
  const all = readdirSync(patches)
    .filter((file) => file.endsWith(".patch"))
    .map((file): Mutant => {
      const path = join(patches, file);
      const [about = "", hint = ""] = readFileSync(path, "utf8").split("\n", 2);
      const isArgued = hint.startsWith("Survives: ");
      const wantedHunter = /^Hunter: (\w+)$/.exec(hint)?.[1];
      const chosen = hunters.filter(({ name }) => wantedHunter === undefined || name === wantedHunter);
      return { name: file.slice(0, -".patch".length), about, path, hunters: chosen, isArgued };
    });
  const unknown = wanted.filter((name) => !all.some((mutant) => mutant.name === name));
  if (unknown.length > 0) {
    console.error(
      `There is no mutant "${unknown.join('", "')}". There are: ${all.map(({ name }) => name).join(", ")}.`,
    );
    process.exit(2);
  }
  return wanted.length === 0 ? all : all.filter((mutant) => wanted.includes(mutant.name));
}

/** A copy of the log package that finds its dependencies where the original does. */
function makeCopy(): string {
  const copy = mkdtempSync(join(tmpdir(), "varve-mutant-"));
  for (const path of ["packages/log/src", "packages/log/package.json", "package.json", "vitest.config.ts"]) {
    cpSync(join(root, path), join(copy, path), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  return copy;
}

async function hunt(mutant: Mutant, cases: number): Promise<Verdict> {
  const copy = makeCopy();
  const began = performance.now();
  const verdict = (killedBy: string | undefined, count: string, how: string): Verdict => {
    return { mutant, killedBy, cases: count, how, seconds: (performance.now() - began) / 1000 };
  };
  try {
    try {
      execFileSync("git", ["apply", mutant.path], { cwd: copy, stdio: "pipe" });
    } catch (error) {
      return verdict(
        undefined,
        "",
        `the patch does not apply: ${String((error as { stderr?: unknown }).stderr).trim()}`,
      );
    }
    for (const hunter of mutant.hunters) {
      const { isFailed, output } = await runTest(copy, hunter.tests, cases);
      if (!isFailed) continue;
      const count = hunter.cases?.exec(output)?.[1] ?? "";
      const how =
        /(?:ViolationError|SimulationStuckError|InvariantError|TypeError|AssertionError|LogError[^:]*): ([^\n]*)/.exec(
          output,
        );
      return verdict(hunter.name, count, how?.[1] ?? "see the test's output");
    }
    return verdict(undefined, "", `survived ${cases} cases and every crash`);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function runTest(
  cwd: string,
  tests: readonly string[],
  cases: number,
): Promise<{ isFailed: boolean; output: string }> {
  const child = spawn("npx", ["vitest", "run", "--no-color", ...tests], {
    cwd,
    // A group of its own, so that all of it can be ended: a mutant may loop for ever.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, VARVE_MODEL_CASES: String(cases), VARVE_MODEL_SHRINK: "0", NO_COLOR: "1" },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => (output += text));
  }
  const deadline = setTimeout(() => {
    output += "\nSimulationStuckError: it never ends\n";
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  }, hunterMsMax);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  clearTimeout(deadline);
  return { isFailed: code !== 0, output };
}

const args = process.argv.slice(2);
const casesAt = args.indexOf("--cases");
const cases = casesAt < 0 ? 3000 : Number(args.splice(casesAt, 2)[1]);
if (args.includes("--list") || args.includes("--help")) {
  for (const { name, about } of findMutants([])) console.log(`${name.padEnd(30)} ${about}`);
  process.exit(0);
}

const verdicts: Verdict[] = [];
console.log(`${"mutant".padEnd(32)} ${"killed by".padEnd(10)} ${"cases".padStart(6)} ${"seconds".padStart(8)}  how`);
for (const mutant of findMutants(args)) {
  const verdict = await hunt(mutant, cases);
  verdicts.push(verdict);
  const { killedBy, cases: count, seconds, how } = verdict;
  console.log(
    `${mutant.name.padEnd(32)} ${(killedBy ?? "NOBODY").padEnd(10)} ${count.padStart(6)} ${seconds.toFixed(0).padStart(8)}  ${how}`,
  );
}
const survivors = verdicts.filter(({ killedBy, mutant }) => killedBy === undefined && !mutant.isArgued);
console.log(`\n${survivors.length} of ${verdicts.length} mutants should have been noticed and were not.`);
process.exitCode = survivors.length === 0 ? 0 : 1;
