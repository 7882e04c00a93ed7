// What happens in one world of groups, drawn before it begins: a profile and a list of steps with numbers in them, which are read
// against whatever the world is by then. A failing list can be made smaller by leaving steps out.

import type { RandomStream } from "raft-ts/testing";

export interface GroupProfile {
  /** Clients of each group. */
  readonly clients: readonly GroupClientProfile[];
  readonly groups: number;
  readonly topics: number;
}

export interface GroupClientProfile {
  readonly group: number;
  readonly isStatic: boolean;
  /** Its connection is its sign of life; else it sends heartbeats. */
  readonly isKeptByConnection: boolean;
  /** It makes its member ids itself, so that a join can be said again. */
  readonly makesIds: boolean;
  /** It commits what it had before it came back at once, and not what it is told to have. */
  readonly isHasty: boolean;
  readonly assignor: "cooperative-sticky" | "range" | "round-robin";
  /** Subscribes to all topics by pattern, or to some by name. */
  readonly topics: "pattern" | readonly string[];
}

const weights = {
  start: 6,
  connect: 10,
  up: 40,
  down: 40,
  poll: 24,
  finish: 24,
  commit: 14,
  beat: 8,
  turn: 40,
  replicate: 40,
  produce: 10,
  pass: 6,
  leave: 0.6,
  // Faults.
  crash: 0.8,
  stall: 0.8,
  wake: 2,
  cut: 1,
  refuseTurn: 0.6,
  failOver: 0.5,
  load: 6,
  resignOld: 1,
  compact: 1,
  reset: 0.8,
  fork: 0.4,
  grow: 0.2,
  deleteTopic: 0.15,
  createTopic: 0.6,
  expire: 0.3,
  deleteGroup: 0.2,
} as const;

/** Those of the healing are not drawn. */
export type GroupStepKind = keyof typeof weights | "cutOrphan" | "replicateAll";

/** `who` and `pick` are large numbers, of which the remainder counts. */
export interface GroupStep {
  readonly kind: GroupStepKind;
  readonly who: number;
  readonly pick: number;
}

const faults: ReadonlySet<string> = new Set(
  "pass leave crash stall cut refuseTurn failOver compact reset fork grow deleteTopic expire deleteGroup".split(" "),
);

export function drawGroupProfile(random: RandomStream): GroupProfile {
  const groups = random.pick([1, 1, 2]);
  const topics = random.between(1, 3);
  const clients = Array.from({ length: random.between(2, 5) }, (_, index): GroupClientProfile => ({
    group: index % groups,
    isStatic: random.chance(0.3),
    isKeptByConnection: random.chance(0.5),
    makesIds: random.chance(0.5),
    isHasty: random.chance(0.2),
    assignor: random.pick(["cooperative-sticky", "cooperative-sticky", "range", "round-robin"] as const),
    topics: random.chance(0.3) ? "pattern" : topicNames.slice(0, random.between(1, topics)),
  }));
  return { groups, topics, clients };
}

export const topicNames = ["t1", "t2", "t3"] as const;

export function drawGroupSteps(random: RandomStream, count: number): GroupStep[] {
  const kinds = Object.keys(weights) as (keyof typeof weights)[];
  const table = kinds.map((kind) => weights[kind] * (faults.has(kind) ? random.pick([0, 0.5, 1, 2, 4]) : 1));
  const total = table.reduce((sum, weight) => sum + weight, 0);
  return Array.from({ length: count }, () => {
    let at = random.next() * total;
    const index = table.findIndex((weight) => (at -= weight) < 0);
    return { kind: kinds[index] as keyof typeof weights, who: random.below(1_000), pick: random.below(1_000_000) };
  });
}
