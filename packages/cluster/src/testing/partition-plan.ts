// What happens in one abstract world, drawn before it begins: a profile and a list of steps with numbers in them, which are read
// against whatever the world is by then (`pick` chooses among what there is). So a failing list can be made smaller by leaving
// steps out, and a seed stands for the same list for ever.

import type { RandomStream } from "raft-ts/testing";

export interface WorldProfile {
  readonly brokers: number;
  readonly minIsr: number;
  readonly flush: "sync" | "os";
  /** Faults beyond what is tolerated, and elections that may lose what was committed: then less is promised. */
  readonly isReckless: boolean;
}

/** Weight of each kind of step; faults have another one in every world. */
const weights = {
  deliver: 40,
  repeat: 4,
  drop: 3,
  fetch: 16,
  append: 8,
  tick: 8,
  sync: 8,
  confirm: 2,
  metadata: 14,
  pass: 3,
  heartbeat: 8,
  checkpoint: 1,
  start: 8,
  fence: 1,
  crash: 1,
  power: 0.7,
  wipe: 0.4,
  damage: 0.4,
  minIsr: 0.5,
  flush: 0.5,
  prefer: 0.6,
  /** In reckless worlds only. */
  unclean: 1,
  recover: 1,
} as const;

export type StepKind = keyof typeof weights;

/** `broker` and `pick` are large numbers, of which the remainder counts. */
export interface Step {
  readonly kind: StepKind;
  readonly broker: number;
  readonly pick: number;
}

const faults: ReadonlySet<string> = new Set(
  "repeat drop pass fence crash power wipe damage minIsr flush prefer".split(" "),
);

export function drawProfile(random: RandomStream): WorldProfile {
  return {
    brokers: random.between(3, 4),
    minIsr: random.pick([1, 2, 2, 2, 3]),
    flush: random.pick(["sync", "sync", "os"] as const),
    isReckless: random.chance(0.2),
  };
}

export function drawSteps(random: RandomStream, count: number): Step[] {
  const kinds = Object.keys(weights) as StepKind[];
  const table = kinds.map((kind) => weights[kind] * (faults.has(kind) ? random.pick([0, 0.5, 1, 2, 4]) : 1));
  const total = table.reduce((sum, weight) => sum + weight, 0);
  return Array.from({ length: count }, () => {
    let at = random.next() * total;
    const index = table.findIndex((weight) => (at -= weight) < 0);
    return { kind: kinds[index] as StepKind, broker: random.below(1_000), pick: random.below(1_000_000) };
  });
}
