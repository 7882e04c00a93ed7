// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { drawCase, runCase, type CoreCase } from "./core-case.ts";
import { Coverage } from "./coverage.ts";
import { drawPlan } from "./plan.ts";
import { RandomStream } from "./random-stream.ts";
import { shrinkCase } from "./shrink.ts";

/** After so many everything has happened once. */
const enoughEvents = 2_000_000;
/** Bounded by events and not by time, so that every machine runs the same cases. About 7 s of one core. */
const eventsMax = Number(process.env["RAFT_SIM_EVENTS"] ?? enoughEvents);
const firstSeed = Number(process.env["RAFT_SIM_FROM"] ?? 1);
const regressions = join(import.meta.dirname, "../../test/regressions");

/** Lets the test runner breathe between cases. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("core world: every invariant holds in every world, and every kind of fault has happened", async () => {
  const total = new Coverage();
  let events = 0;
  for (let seed = firstSeed; events < eventsMax; seed++) {
    const { failure, coverage, ...outcome } = runCase(drawCase(seed));
    if (failure !== undefined) throw new Error(`seed ${seed} fails: ${failure.message}\n${failure.stack}`);
    events += outcome.events;
    total.add(coverage);
    await breathe();
  }
  if (eventsMax < enoughEvents) return;
  // A test that never sees a fault or a change of leader during a snapshot proves nothing.
  const faults =
    "cut isolate split clog calm pause crash crashAll slowDisk hangDisk wipe mount damage lowSpace write-failed killed-between-effects " +
    "crash-lost-write crash-kept-untold-write wrong-target message-dropped message-duplicated message-reordered " +
    "message-replayed message-cut message-clogged message-overflowed snapshot-sent snapshot-lost";
  const wanted = faults.split(" ").map((kind) => `fault ${kind}`);
  const changes = ["addLearner", "promote", "demote", "remove", "setAddress", "transfer"];
  wanted.push(...changes.map((change) => `operator ${change} ok`));
  wanted.push("edge follower SnapDone follower", "edge follower TimeoutNow candidate", "edge leader Vote follower");
  wanted.push("forming make", "forming form", "forming join", "forming lost-disk", "forming started later disk");
  wanted.push("client succeeded", "client read", "client lost", "client unknown", "liveness lives");
  expect(wanted.filter((what) => total.get(what) === 0)).toEqual([]);
  expect(total.get("liveness lives")).toBeGreaterThan(10 * total.get("liveness unrecoverable"));
}, 3_600_000);

test("core world: the same case gives the same trace, another seed another one (IR16)", () => {
  for (const seed of [3, 5, 8]) {
    const first = runCase(drawCase(seed));
    const second = runCase(drawCase(seed), { linesMax: 10 });
    expect(second.hash).toBe(first.hash);
    expect(second.events).toBe(first.events);
    expect(second.lines).toHaveLength(10);
  }
  expect(runCase(drawCase(3)).hash).not.toBe(runCase(drawCase(5)).hash);
});

test("core world: a case survives being written to a file", () => {
  const drawn = drawCase(11);
  const read = JSON.parse(JSON.stringify(drawn)) as CoreCase;
  expect(runCase(read).hash).toBe(runCase(drawn).hash);
});

test.each(readdirSync(regressions).filter((file) => file.endsWith(".json")))(
  "core world: %s, which failed once, holds",
  (file) => {
    const { failure } = runCase(JSON.parse(readFileSync(join(regressions, file), "utf8")) as CoreCase);
    expect(failure).toBeUndefined();
  },
);

test("shrinkCase() keeps what the failure needs, and nothing else", () => {
  const drawn = drawCase(1);
  const plan = drawPlan(drawn.profile, new RandomStream(4, "plan"));
  const full = { ...drawn, plan: [...plan, ...drawCase(2).plan, ...drawCase(3).plan] };
  const [first, second] = [full.plan[3], full.plan.at(-4)];
  const passed = runCase({ ...drawn, plan: [] });
  const failure = { rule: "IR0", message: "made up", stack: "" };
  const { smallest } = shrinkCase(
    full,
    { ...passed, time: Infinity, failure },
    {
      rule: "IR0",
      runsMax: 1_000,
      run: ({ plan }) => {
        const fails = first !== undefined && second !== undefined && plan.includes(first) && plan.includes(second);
        return { ...passed, time: Infinity, failure: fails ? failure : undefined };
      },
    },
  );
  expect(smallest.plan).toEqual([first, second]);
  expect(smallest.profile.workload.clients).toBe(1);
});
