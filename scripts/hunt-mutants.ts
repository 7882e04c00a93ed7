// SPDX-License-Identifier: Apache-2.0
// Mutants: patches that break one rule each, applied one at a time in a copy of a package's sources, and the tests that must
// notice. A mutant that survives, or a patch that does not apply, fails the run.
//
// The first line of a patch says which rule it breaks. A second line may say `Hunter: unit`: only that hunter is sent, where
// the others cannot notice or would take long; or `Survives: …`, which argues why nothing can, and then nothing has to.

import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** A mutant that is not through by then hangs, which is noticed too. */
const hunterMsMax = 900_000;

/** One test that may notice. */
export interface Hunter {
  readonly name: string;
  /** Test files or folders, from the root. */
  readonly files: readonly string[];
  /** Patterns of what is left out of them. */
  readonly leftOut?: readonly string[];
  /** One process for all its files, which saves loading the sources again and again: for many files that leave nothing behind. */
  readonly isShared?: boolean;
  /** Its first group is how many cases, runs or seeds it took. */
  readonly cases?: RegExp;
}

export interface Hunt {
  /** Where the patches are, from the root. */
  readonly patches: string;
  /** What the copy holds, from the root; dependencies are found where the original finds them. */
  readonly copied: readonly string[];
  /** Packages among them that others of them import, by name: they find the copy. @default none */
  readonly linked?: Readonly<Record<string, string>>;
  /** Quickest first. */
  readonly hunters: readonly Hunter[];
  /** This hunter alone is sent, whatever a patch says. @default all, or the one that the patch names */
  readonly only?: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** First every hunter that will be needed is sent after nothing, with this on top of the environment: one that fails then would kill every mutant. */
  readonly control: Readonly<Record<string, string>>;
  /** Its first group is what was noticed. */
  readonly how: RegExp;
  /** What is said of a survivor. */
  readonly survived: string;
}

interface Mutant {
  readonly name: string;
  /** The first line of the patch: which rule is broken. */
  readonly about: string;
  readonly path: string;
  readonly hunters: readonly Hunter[];
  /** The patch says why nothing notices it. */
  readonly isArgued: boolean;
}

interface Verdict {
  readonly mutant: Mutant;
  readonly killedBy: string | undefined;
  readonly isApplied: boolean;
  readonly cases: string;
  readonly how: string;
  readonly seconds: number;
}

/** What there is, by name and by the rule that it breaks. */
export function listMutants(hunt: Hunt): void {
  for (const { name, about } of findMutants(hunt, [])) console.log(`${name.padEnd(30)} ${about}`);
}

/** Hunts the wanted mutants, or all of them, and prints a table. False when one survived that should not. */
export async function huntMutants(hunt: Hunt, wanted: readonly string[]): Promise<boolean> {
  const mutants = findMutants(hunt, wanted);
  const blind = await findBlind(hunt, mutants);
  if (blind !== undefined) {
    console.error(`Cannot hunt: without any mutant "${blind.name}" fails.\n${blind.output}`);
    return false;
  }
  const verdicts: Verdict[] = [];
  console.log(`${"mutant".padEnd(32)} ${"killed by".padEnd(10)} ${"cases".padStart(6)} ${"seconds".padStart(8)}  how`);
  for (const mutant of mutants) {
    const verdict = await huntOne(hunt, mutant);
    verdicts.push(verdict);
    const { killedBy, cases, seconds, how } = verdict;
    console.log(
      `${mutant.name.padEnd(32)} ${(killedBy ?? "NOBODY").padEnd(10)} ${cases.padStart(6)} ${seconds.toFixed(0).padStart(8)}  ${how}`,
    );
  }
  const missed = verdicts.filter(isMissed);
  const argued = verdicts.filter(({ killedBy, mutant }) => killedBy === undefined && mutant.isArgued).length;
  console.log(
    `\n${verdicts.length - missed.length - argued} of ${verdicts.length} mutants were noticed, ${argued} survived as argued, ${missed.length} should have been noticed and were not${missed.length === 0 ? "." : ":"}`,
  );
  for (const { mutant } of missed) console.log(`  ${mutant.name}`);
  return missed.length === 0;
}

/** A hunter that fails on the sources as they are. */
async function findBlind(
  hunt: Hunt,
  mutants: readonly Mutant[],
): Promise<{ readonly name: string; readonly output: string } | undefined> {
  const copy = makeCopy(hunt);
  try {
    for (const hunter of new Set(mutants.flatMap(({ hunters }) => hunters))) {
      const { isFailed, output } = await runTest(copy, hunter, { ...hunt.environment, ...hunt.control });
      if (isFailed) return { name: hunter.name, output };
    }
    return undefined;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** An argument why a mutant survives says nothing about a patch that does not apply. */
function isMissed({ killedBy, isApplied, mutant }: Verdict): boolean {
  return killedBy === undefined && !(isApplied && mutant.isArgued);
}

function findMutants({ patches, hunters, only: asked }: Hunt, wanted: readonly string[]): Mutant[] {
  const all = readdirSync(join(root, patches))
    .filter((file) => file.endsWith(".patch"))
    .map((file): Mutant => {
      const path = join(root, patches, file);
      const [about = "", hint = ""] = readFileSync(path, "utf8").split("\n", 2);
      const only = asked ?? /^Hunter: (\w+)$/.exec(hint)?.[1];
      const sent = hunters.filter(({ name }) => only === undefined || name === only);
      if (sent.length === 0) throw new Error(`Cannot hunt with "${path}": there is no hunter "${only}".`);
      const isArgued = hint.startsWith("Survives: ");
      return { name: file.slice(0, -".patch".length), about, path, hunters: sent, isArgued };
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

async function huntOne(hunt: Hunt, mutant: Mutant): Promise<Verdict> {
  const copy = makeCopy(hunt);
  const began = performance.now();
  const verdict = (killedBy: string | undefined, cases: string, how: string, isApplied = true): Verdict => {
    return { mutant, killedBy, isApplied, cases, how, seconds: (performance.now() - began) / 1000 };
  };
  try {
    try {
      execFileSync("git", ["apply", mutant.path], { cwd: copy, stdio: "pipe" });
    } catch (error) {
      const why = String((error as { stderr?: unknown }).stderr).trim();
      return verdict(undefined, "", `the patch does not apply: ${why}`, false);
    }
    for (const hunter of mutant.hunters) {
      const { isFailed, output } = await runTest(copy, hunter, hunt.environment);
      if (!isFailed) continue;
      return verdict(
        hunter.name,
        hunter.cases?.exec(output)?.[1] ?? "",
        hunt.how.exec(output)?.[1] ?? "see the test's output",
      );
    }
    return verdict(undefined, "", hunt.survived);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function makeCopy({ copied, linked = {} }: Hunt): string {
  const copy = mkdtempSync(join(tmpdir(), "varve-mutant-"));
  for (const path of [...copied, "package.json", "vitest.config.ts"]) {
    cpSync(join(root, path), join(copy, path), { recursive: true });
  }
  const modules = join(root, "node_modules");
  if (Object.keys(linked).length === 0) {
    symlinkSync(modules, join(copy, "node_modules"));
    return copy;
  }
  const names = readdirSync(modules).flatMap((name) =>
    name.startsWith("@") ? readdirSync(join(modules, name)).map((inner) => `${name}/${inner}`) : [name],
  );
  for (const name of names) {
    const link = join(copy, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    const own = linked[name];
    symlinkSync(own === undefined ? join(modules, name) : join(copy, own), link);
  }
  return copy;
}

async function runTest(
  cwd: string,
  { files, leftOut = [], isShared = false }: Hunter,
  environment: Readonly<Record<string, string>>,
): Promise<{ isFailed: boolean; output: string }> {
  const excluded = leftOut.flatMap((pattern) => ["--exclude", pattern]);
  const sharing = isShared ? ["--no-isolate", "--maxWorkers=1"] : [];
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", "--no-color", "--bail=1", ...sharing, ...files, ...excluded], {
    cwd,
    // A group of its own, so that all of it can be ended: a mutant may loop for ever.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...environment, NO_COLOR: "1" },
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
