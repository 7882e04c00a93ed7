// Who shall have which partitions: one pure function for each way to share them out. What an assignor says is the target; how the
// members get there without two of them ever having the same partition is reconcile.ts.

import type { Assignment } from "./assignment.ts";

export interface AssignorMember {
  /** Orders the members: the instance id of a static one, so that its share stays its own when it comes back under a new member id. */
  readonly sortKey: string;
  readonly memberId: string;
  /** Topics that it wants, all of which exist. */
  readonly topicIds: ReadonlySet<string>;
  /** What it has by the target so far. Nobody else has it. */
  readonly owned: Assignment;
}

export interface AssignorInput {
  readonly members: readonly AssignorMember[];
  /** Partitions of each topic that somebody wants. */
  readonly partitions: ReadonlyMap<string, number>;
}

/** By member id. Every partition that anybody wants has exactly one owner, who wants its topic. */
export type Target = ReadonlyMap<string, Assignment>;

export type Assign = (input: AssignorInput) => Target;

/** Members in the order in which shares are dealt: the same on every node, whatever the order of joining. */
export function inOrder(members: readonly AssignorMember[]): AssignorMember[] {
  return [...members].sort((a, b) => compare(a.sortKey, b.sortKey) || compare(a.memberId, b.memberId));
}

/** Topic ids that somebody wants, in order. */
export function wantedTopics({ members, partitions }: AssignorInput): string[] {
  const wanted = new Set<string>();
  for (const { topicIds } of members) for (const topicId of topicIds) wanted.add(topicId);
  return [...wanted].filter((topicId) => (partitions.get(topicId) ?? 0) > 0).sort(compare);
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
