// SPDX-License-Identifier: Apache-2.0
/**
 * Makes a failing case smaller while it still fails: delta debugging of the plan (halves, quarters, … single actions),
 * an earlier end, fewer clients, calmer weather. Greedy and bounded; the smallest case that failed is kept.
 */
import type { CoreCase, CaseOutcome } from "./core-case.ts";
import type { Profile } from "./profile.ts";

export interface ShrinkOptions {
  /** Runs a candidate; its failure must have this rule to count as the same bug. */
  readonly run: (candidate: CoreCase) => CaseOutcome;
  readonly rule: string;
  readonly runsMax: number;
}

export interface Shrunk {
  readonly smallest: CoreCase;
  readonly outcome: CaseOutcome;
  readonly runs: number;
}

/** `failing` must fail with `rule`. */
export function shrinkCase(failing: CoreCase, first: CaseOutcome, options: ShrinkOptions): Shrunk {
  let smallest = failing;
  let outcome = first;
  let runs = 0;
  const attempt = (candidate: CoreCase): boolean => {
    if (runs >= options.runsMax) return false;
    runs++;
    const attempted = options.run(candidate);
    if (attempted.failure?.rule !== options.rule) return false;
    smallest = candidate;
    outcome = attempted;
    return true;
  };
  for (let before = -1; before !== runs && runs < options.runsMax;) {
    const sizeBefore = smallest.plan.length;
    before = runs;
    // Nothing after the failure can have caused it.
    const { time } = outcome;
    attempt({ ...smallest, plan: smallest.plan.filter(({ at }) => at <= time) });
    shrinkPlan(smallest.plan, (plan) => attempt({ ...smallest, plan }));
    for (const simplify of simplifications) {
      const profile = simplify(smallest.profile);
      if (JSON.stringify(profile) !== JSON.stringify(smallest.profile)) attempt({ ...smallest, profile });
    }
    if (smallest.plan.length === sizeBefore) break;
  }
  return { smallest, outcome, runs };
}

/** Leaves out ever smaller pieces of any plan, as long as it `stillFails` without them; the last one that did is the smallest. */
export function shrinkPlan<Item>(plan: readonly Item[], stillFails: (plan: readonly Item[]) => boolean): void {
  let current = plan;
  for (let size = Math.ceil(current.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < current.length;) {
      const without = [...current.slice(0, from), ...current.slice(from + size)];
      if (stillFails(without)) current = without;
      else from += size;
    }
  }
}

/** Each makes one thing about a world simpler. */
const simplifications: readonly ((profile: Profile) => Profile)[] = [
  (profile) => ({ ...profile, workload: { ...profile.workload, clients: Math.min(profile.workload.clients, 1) } }),
  (profile) => ({ ...profile, workload: { ...profile.workload, batchMax: 1, paddingMax: 0 } }),
  (profile) => ({ ...profile, weather: { ...profile.weather, replayChance: 0 } }),
  (profile) => ({ ...profile, weather: { ...profile.weather, duplicateChance: 0 } }),
  (profile) => ({ ...profile, weather: { ...profile.weather, reorderChance: 0 } }),
  (profile) => ({ ...profile, weather: { ...profile.weather, dropChance: 0 } }),
  (profile) => ({ ...profile, ratePercents: profile.ratePercents.map(() => 100) }),
  (profile) => ({ ...profile, turnDelayMax: 0 }),
  (profile) => ({ ...profile, applyDelayMax: 0 }),
  (profile) => ({ ...profile, snapshotEvery: 0 }),
];
