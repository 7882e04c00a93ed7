// SPDX-License-Identifier: Apache-2.0
// What an assignment changes for a member. Assignments are incremental: what is not named stays as it is.
//
//   named in   member does not have it    member has it
//   assign     assigned                   of another topic of that name: lost, and assigned; moved by another reset than it knows of, or
//                                         being given back: moved; else it stays where it is, wherever the group is
//   revoke     given back at once         to be given back, when it is drained
//   lost       nothing                    lost, unless it has the one of another topic of that name

import type { AssignmentOutput } from "@varve/api";
import { isSameTopic, keyOf, startOf, type ClaimStart, type NamedPartition, type TopicPartition } from "./claim.ts";

/** What is known of a partition that the member has. */
export interface Held {
  readonly state: "held" | "giving-back" | "gone";
  readonly topicId: string;
  /** Of the reset that it knows of. */
  readonly movedGeneration: number;
}

export type AssignmentChange =
  | { readonly kind: "assigned"; readonly start: ClaimStart }
  | { readonly kind: "moved"; readonly start: ClaimStart }
  | { readonly kind: "revoke"; readonly partition: TopicPartition }
  /** To be given back, and not the member's to begin with. */
  | { readonly kind: "not-held"; readonly partition: NamedPartition }
  | { readonly kind: "lost"; readonly partition: TopicPartition };

/** The changes in the order in which to make them: what goes first. */
export function changesOf(
  held: ReadonlyMap<string, Held>,
  { assign, revoke, lost }: Pick<AssignmentOutput, "assign" | "revoke" | "lost">,
): AssignmentChange[] {
  const changes: AssignmentChange[] = [];
  const isLost = new Set(lost.map(keyOf));
  for (const { topic, partition, topicId } of lost) {
    const found = held.get(keyOf({ topic, partition }));
    if (found !== undefined && isSameTopic(found.topicId, topicId))
      changes.push({ kind: "lost", partition: { topic, partition } });
  }
  for (const { topic, partition, topicId } of revoke) {
    const found = held.get(keyOf({ topic, partition }));
    if (found === undefined || !isSameTopic(found.topicId, topicId))
      changes.push({ kind: "not-held", partition: { topic, partition, topicId } });
    else if (found.state !== "giving-back") changes.push({ kind: "revoke", partition: { topic, partition } });
  }
  for (const assigned of assign) {
    const found = held.get(keyOf(assigned));
    const start = startOf(assigned);
    if (found === undefined) changes.push({ kind: "assigned", start });
    // A topic that was made again under its name: where the former one was means nothing.
    else if (isLost.has(keyOf(assigned))) changes.push({ kind: "assigned", start });
    else if (!isSameTopic(found.topicId, start.topicId)) {
      const { topic, partition } = start;
      changes.push({ kind: "lost", partition: { topic, partition } }, { kind: "assigned", start });
    } else if (!isWhereItIs(found, start)) changes.push({ kind: "moved", start });
  }
  return changes;
}

/**
 * The member comes back, and is told what it knows: its own commits do not move it, also where they are ahead of it, by hand or by a seek
 * back. Of nobody else's it would hear so: what another one had meanwhile is lost to it first.
 */
function isWhereItIs({ state, movedGeneration }: Held, start: ClaimStart): boolean {
  return state === "held" && movedGeneration === start.movedGeneration;
}
