// The abstract world with many seeds. A failure names its seed and the smallest steps that break the same rule; one line runs it
// again, with its trace:
//
//   VARVE_PARTITION_SEED=17 npx vitest run packages/cluster/src/testing/partition-world.test.ts

import { Coverage } from "raft-ts/testing";
import { expect, it } from "vitest";
import { drawCase, runCase, shrinkCase } from "./partition-case.ts";
import type { PartitionCase } from "./partition-case.ts";

const one = process.env["VARVE_PARTITION_SEED"];
const seeds = Number(process.env["VARVE_PARTITION_SEEDS"] ?? 150);
const from = Number(process.env["VARVE_PARTITION_FROM"] ?? 1);
const steps = Number(process.env["VARVE_PARTITION_STEPS"] ?? 1_500);
const isShrinking = process.env["VARVE_PARTITION_SHRINK"] !== "0";

/** Lets the test runner breathe between cases. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function report(
  failing: PartitionCase,
  { rule, message }: { readonly rule: string; readonly message: string },
): string {
  const again = `VARVE_PARTITION_SEED=${failing.seed} VARVE_PARTITION_STEPS=${steps} npx vitest run ${import.meta.filename}`;
  const first = `seed ${failing.seed} fails: ${message}\n  again: ${again}`;
  if (!isShrinking) return first;
  const smallest = shrinkCase(failing, rule);
  const { lines } = runCase(smallest, 400);
  return `${first}\n  ${smallest.steps.length} of ${failing.steps.length} steps do it:\n${lines.join("\n")}`;
}

it.skipIf(one !== undefined)(
  "abstract world: every invariant holds whatever is lost, late, repeated or restarted",
  async () => {
    const total = new Coverage();
    for (let seed = from; seed < from + seeds; seed += 1) {
      const drawn = drawCase(seed, steps);
      const { failure, coverage } = runCase(drawn);
      if (failure !== undefined) throw new Error(report(drawn, failure));
      total.add(coverage);
      if (seed % 20 === 0) await breathe();
    }
    if (process.env["VARVE_PARTITION_TABLE"] === "1")
      console.log(
        total
          .list("")
          .map((row) => row.join(" "))
          .join("\n"),
      );
    if (seeds < 150) return;
    // A world in which nothing ever goes wrong proves nothing.
    const wanted =
      "fault crash,fault power,fault power lossy,fault wipe lossy,fault damage,elected,elected uncleanly,recovery elect,recovery wait,leaderless,acknowledged,verdict changed," +
      "verdict ineligible,verdict INVALID_UPDATE_VERSION,verdict FENCED_LEADER_EPOCH,fetch diverged,follower truncate," +
      "follower ignore,role refreshLeadership,command confirmFlush,healing well";
    expect(wanted.split(",").filter((what) => total.get(what) === 0)).toEqual([]);
  },
  3_600_000,
);

it.skipIf(one === undefined)("abstract world: one seed, with its trace", () => {
  const drawn = drawCase(Number(one), steps);
  const outcome = runCase(drawn, 60);
  console.log(outcome.lines.join("\n"));
  if (outcome.failure !== undefined) throw new Error(report(drawn, outcome.failure));
});

it("abstract world: the same seed gives the same trace, another one another", () => {
  const hash = (seed: number): string => runCase(drawCase(seed, 300)).hash;
  expect(hash(7)).toBe(hash(7));
  expect(hash(7)).not.toBe(hash(8));
});
