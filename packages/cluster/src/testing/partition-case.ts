// One case: a seed, the profile and steps that were drawn from it, and what came of them. Plain data; the same case gives the
// same trace. A failing case is made smaller by leaving steps out.

import { Coverage, RandomStream, shrinkPlan, Trace, ViolationError } from "raft-ts/testing";
import { drawProfile, drawSteps } from "./partition-plan.ts";
import type { Step, WorldProfile } from "./partition-plan.ts";
import { World } from "./partition-world.ts";
import { heal } from "./world-healing.ts";

export interface PartitionCase {
  readonly seed: number;
  readonly profile: WorldProfile;
  readonly steps: readonly Step[];
}

export interface PartitionOutcome {
  /** The invariant, such as "ID2", or the name of an error that nobody expected, with its message. */
  readonly failure: { readonly rule: string; readonly message: string } | undefined;
  /** Steps that were run. */
  readonly steps: number;
  readonly hash: string;
  readonly coverage: Coverage;
  readonly lines: readonly string[];
}

export function drawCase(seed: number, steps: number): PartitionCase {
  const profile = drawProfile(new RandomStream(seed, "profile"));
  return { seed, profile, steps: drawSteps(new RandomStream(seed, "steps"), steps) };
}

export function runCase({ profile, steps }: PartitionCase, linesMax = 0): PartitionOutcome {
  const coverage = new Coverage();
  const trace = new Trace(linesMax);
  let done = 0;
  let failure: PartitionOutcome["failure"];
  try {
    const world = new World(profile, { coverage, trace });
    for (const step of steps) {
      world.run(step);
      done += 1;
    }
    heal(world);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    failure = { rule: error instanceof ViolationError ? error.rule : error.name, message: error.message };
  }
  return { failure, steps: done, hash: trace.hash(), coverage, lines: trace.lines() };
}

/** A smaller case that breaks the same rule. */
export function shrinkCase(failing: PartitionCase, rule: string, runsMax = 3_000): PartitionCase {
  const { steps: count } = runCase(failing);
  let smallest: PartitionCase = { ...failing, steps: failing.steps.slice(0, count + 1) };
  let runs = 0;
  shrinkPlan(smallest.steps, (steps) => {
    runs += 1;
    if (runs > runsMax || runCase({ ...failing, steps }).failure?.rule !== rule) return false;
    smallest = { ...failing, steps };
    return true;
  });
  return smallest;
}
