// Worlds of groups with many seeds. A failure names its seed and the smallest steps that break the same rule; one line runs it again,
// with its trace:
//
//   VARVE_GROUP_SEED=17 npx vitest run packages/cluster/src/testing/group-world.test.ts

import { Coverage } from "raft-ts/testing";
import { expect, it } from "vitest";
import { drawGroupCase, runGroupCase, shrinkGroupCase } from "./group-case.ts";
import type { GroupCase } from "./group-case.ts";

const one = process.env["VARVE_GROUP_SEED"];
const events = Number(process.env["VARVE_GROUP_EVENTS"] ?? 300_000);
const from = Number(process.env["VARVE_GROUP_FROM"] ?? 1);
const stepsPerWorld = Number(process.env["VARVE_GROUP_STEPS"] ?? 2_000);

/** Lets the test runner breathe between cases. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function report(failing: GroupCase, { rule, message }: { readonly rule: string; readonly message: string }): string {
  const again = `VARVE_GROUP_SEED=${failing.seed} VARVE_GROUP_STEPS=${stepsPerWorld} npx vitest run ${import.meta.filename}`;
  if (process.env["VARVE_GROUP_SHRINK"] === "0") return `seed ${failing.seed} fails: ${rule}: ${message}`;
  const smallest = shrinkGroupCase(failing, rule);
  const { lines } = runGroupCase(smallest, 400);
  const found = `seed ${failing.seed} fails: ${rule}: ${message}\n  again: ${again}`;
  const steps = smallest.steps.map(({ kind, who, pick }) => `${kind} c${who % failing.profile.clients.length} ${pick}`);
  return `${found}\n  ${steps.length} of ${failing.steps.length} steps do it: ${steps.join(", ")}\n${lines.join("\n")}`;
}

it.skipIf(one !== undefined)(
  "world of groups: no offset is lost or goes back, nothing is skipped, nobody shares, and all comes to rest",
  async () => {
    const total = new Coverage();
    let done = 0;
    let seed = from;
    for (; done < events; seed += 1) {
      const drawn = drawGroupCase(seed, stepsPerWorld);
      const { failure, coverage, events: ran } = runGroupCase(drawn);
      if (failure !== undefined) throw new Error(report(drawn, failure));
      total.add(coverage);
      done += ran;
      if (seed % 20 === 0) await breathe();
    }
    if (process.env["VARVE_GROUP_TABLE"] === "1") {
      const rows = total.list("").map((row) => row.join(" "));
      console.log([`${done} events in ${seed - from} worlds`, ...rows].join("\n"));
    }
    if (events < 300_000) return;
    // A world in which nothing ever goes wrong proves nothing.
    const wanted =
      "step crash,step stall,step compact,removed session,removed revocation,turn refused,reset done,commit done,commit STALE_MEMBER_EPOCH,commit UNKNOWN_MEMBER_ID," +
      "commit NOT_COORDINATOR,join UNRELEASED_INSTANCE_ID,fail-over with everything,fail-over without what was not committed,healing well";
    expect(wanted.split(",").filter((what) => total.get(what) === 0)).toEqual([]);
  },
  14_400_000,
);

it.skipIf(one === undefined)("world of groups: one seed, with its trace", () => {
  const drawn = drawGroupCase(Number(one), stepsPerWorld);
  const outcome = runGroupCase(drawn, 100);
  console.log(outcome.lines.join("\n"));
  if (outcome.failure !== undefined) throw new Error(report(drawn, outcome.failure));
});

it("world of groups: the same seed gives the same trace, another one another", () => {
  const hash = (seed: number): string => runGroupCase(drawGroupCase(seed, 300)).hash;
  expect(hash(7)).toBe(hash(7));
  expect(hash(7)).not.toBe(hash(8));
});
