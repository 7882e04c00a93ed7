// SPDX-License-Identifier: Apache-2.0
// `npm run mutants:SUITE [-- NAME… OPTIONS]`: breaks one rule of a suite (mutant-suites.ts) at a time in a copy of the sources, and
// sends the tests that must notice after it. The same tests are sent after nothing first: what fails then would kill every mutant.

import { parseArgs } from "node:util";
import { huntMutants, listMutants } from "./hunt-mutants.ts";
import { suites, type Suite } from "./mutant-suites.ts";

function usage(name: string, { about, hunt, bounds }: Suite): string {
  const options = [
    ...Object.entries(bounds).map(([bound, { about: says, usual }]) => [`--${bound} N`, `${says} (${usual})`] as const),
    ["--hunter NAME", `this one alone: ${hunt.hunters.map((hunter) => hunter.name).join(", ")}`] as const,
    ["--list", "what there is, and nothing else"] as const,
  ];
  const rows = options.map(([option, says]) => `  ${option.padEnd(16)} ${says}`);
  return [`npm run mutants:${name} [-- NAME… OPTIONS]: ${about}`, "", ...rows].join("\n");
}

function fail(problem: string): never {
  console.error(problem);
  process.exit(2);
}

/** A number of one or more. */
function countOf(option: string, text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1)
    fail(`Cannot hunt: --${option} wants a number from 1 on, not "${text}".`);
  return count;
}

const [name = "", ...args] = process.argv.slice(2);
const suite = Object.hasOwn(suites, name) ? suites[name] : undefined;
if (suite === undefined) fail(`There is no suite of mutants "${name}". There are: ${Object.keys(suites).join(", ")}.`);

const given = (() => {
  const numbers = Object.keys(suite.bounds).map((bound) => [bound, { type: "string" }] as const);
  const flags = { hunter: { type: "string" }, list: { type: "boolean" }, help: { type: "boolean" } } as const;
  try {
    return parseArgs({ args, allowPositionals: true, options: { ...Object.fromEntries(numbers), ...flags } });
  } catch (error) {
    return fail(`Cannot hunt: ${(error as Error).message}\n\n${usage(name, suite)}`);
  }
})();
const values: Readonly<Record<string, string | boolean | undefined>> = given.values;
const { hunter } = given.values;
if (hunter !== undefined && !suite.hunt.hunters.some((one) => one.name === hunter)) {
  fail(`There is no hunter "${hunter}". There are: ${suite.hunt.hunters.map((one) => one.name).join(", ")}.`);
}

const environment: Record<string, string> = { ...suite.hunt.environment };
for (const [bound, { variable, usual }] of Object.entries(suite.bounds)) {
  const text = values[bound];
  environment[variable] = String(typeof text === "string" ? countOf(bound, text) : usual);
}
const hunt = { ...suite.hunt, environment, only: hunter };

if (given.values.help === true) console.log(`${usage(name, suite)}\n`);
if (given.values.help === true || given.values.list === true) listMutants(hunt);
else if (!(await huntMutants(hunt, given.positionals))) process.exitCode = 1;
