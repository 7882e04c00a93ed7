// One case of a world of groups: a seed, the profile and steps that were drawn from it, and what came of them. After the steps nothing goes
// wrong any more, and within a bounded number of rounds every group has to be stable, and at the end of everything that it reads.

import { Coverage, holds, RandomStream, shrinkPlan, Trace, ViolationError } from "raft-ts/testing";
import { drawGroupProfile, drawGroupSteps } from "./group-plan.ts";
import type { GroupProfile, GroupStep } from "./group-plan.ts";
import { GroupWorld } from "./group-world.ts";

export interface GroupCase {
  readonly seed: number;
  readonly profile: GroupProfile;
  readonly steps: readonly GroupStep[];
}

export interface GroupCaseOutcome {
  readonly failure: { readonly rule: string; readonly message: string } | undefined;
  /** Steps that were run, those of the healing included. */
  readonly events: number;
  readonly steps: number;
  readonly hash: string;
  readonly coverage: Coverage;
  readonly lines: readonly string[];
}

export function drawGroupCase(seed: number, steps: number): GroupCase {
  const profile = drawGroupProfile(new RandomStream(seed, "profile"));
  return { seed, profile, steps: drawGroupSteps(new RandomStream(seed, "steps"), steps) };
}

export function runGroupCase({ profile, steps }: GroupCase, linesMax = 0): GroupCaseOutcome {
  const coverage = new Coverage();
  const trace = new Trace(linesMax);
  let done = 0;
  let healing = 0;
  let failure: GroupCaseOutcome["failure"];
  try {
    const world = new GroupWorld(profile, { coverage, trace });
    for (const step of steps) {
      world.run(step);
      coverage.count(`step ${step.kind}`);
      done += 1;
    }
    healing = heal(world);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    failure = { rule: error instanceof ViolationError ? error.rule : error.name, message: error.message };
  }
  return { failure, events: done + healing, steps: done, hash: trace.hash(), coverage, lines: trace.lines() };
}

const roundsMax = 300;
const healingKinds = [
  "wake",
  "start",
  "connect",
  "beat",
  "up",
  "down",
  "up",
  "down",
  "poll",
  "finish",
  "commit",
  "turn",
] as const;

/** @returns how many steps it took */
function heal(world: GroupWorld): number {
  world.line(() => "healing");
  world.resignOld();
  let events = 0;
  for (let round = 0; round < roundsMax; round += 1) {
    // Streams whose client is gone are noticed.
    for (let cut = 0; cut < 3; cut += 1) world.run({ kind: "cutOrphan", who: cut, pick: cut * 4 + 1 });
    for (const kind of healingKinds) {
      for (let who = 0; who < world.clients.length; who += 1) {
        for (let time = 0; time < 3; time += 1) {
          world.run({ kind, who, pick: round * 3 + time });
          events += 1;
        }
      }
    }
    world.run({ kind: "replicateAll", who: 0, pick: 0 });
    world.run({ kind: "load", who: 0, pick: 0 });
    world.run({ kind: "pass", who: 0, pick: 1_000 });
    if (round > 2 && world.whyNotWell() === undefined) {
      world.coverage.count("healing well");
      return events;
    }
  }
  holds(false, "liveness", () => `after ${roundsMax} rounds without faults: ${world.whyNotWell()}`);
}

/** A smaller case that breaks the same rule. */
export function shrinkGroupCase(failing: GroupCase, rule: string, runsMax = 3_000): GroupCase {
  const { steps: count } = runGroupCase(failing);
  let smallest: GroupCase = { ...failing, steps: failing.steps.slice(0, count + 1) };
  let runs = 0;
  shrinkPlan(smallest.steps, (steps) => {
    runs += 1;
    if (runs > runsMax || runGroupCase({ ...failing, steps }).failure?.rule !== rule) return false;
    smallest = { ...failing, steps };
    return true;
  });
  return smallest;
}
