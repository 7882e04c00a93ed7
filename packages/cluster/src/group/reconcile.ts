// How a member gets from what it has to what it shall have, without two members ever having the same partition (KIP-848):
//
//   has what it shall have ─────────────────────────────> the epoch of the target is its own
//   has something that it shall not ──> it is asked to give it back, keeps its epoch, and gets nothing yet
//   shall have something that another has still ────────> it gets the rest, and this as soon as it is free
//
// A member commits under its own epoch; so nothing that it was asked to give back, and gave back, is committed by it any more. No
// barrier: who has nothing to give up goes on.

import { difference, filtered, intersection, isSame, nothing, sizeOf, union } from "./assignment.ts";
import type { Assignment } from "./assignment.ts";
import { awayEpoch } from "./state.ts";
import type { Member } from "./state.ts";

export interface ReconcileInput {
  /** What the member shall have, of the topics that it still wants. */
  readonly target: Assignment;
  readonly targetEpoch: number;
  /** What the member says that it has; undefined: it did not say. */
  readonly owned: Assignment | undefined;
  /** Whether another member has it still. */
  readonly isTaken: (topicId: string, partition: number) => boolean;
}

/** The member after one look at it; the same value when nothing changed. */
export function reconcile(member: Member, { target, targetEpoch, owned, isTaken }: ReconcileInput): Member {
  const given = owned === undefined ? member.revoking : intersection(member.revoking, owned);
  // It has not given back what it was asked for: until it has, nothing else is asked of it.
  if (sizeOf(member.revoking) > 0 && sizeOf(given) > 0)
    return isSame(given, member.revoking) ? member : { ...member, revoking: given };
  const revoke = difference(member.assigned, target);
  if (sizeOf(revoke) > 0) {
    const assigned = intersection(member.assigned, target);
    // What it does not have any more need not be asked for.
    const revoking = owned === undefined ? revoke : intersection(revoke, owned);
    if (sizeOf(revoking) > 0) return { ...member, assigned, revoking };
    return grant({ ...member, assigned, revoking: nothing });
  }
  return grant(member);

  function grant(from: Member): Member {
    const wanted = difference(target, from.assigned);
    const free = filtered(wanted, (topicId) => (partition) => !isTaken(topicId, partition));
    const isUnchanged = sizeOf(free) === 0 && sizeOf(from.revoking) === 0 && from.assigned === member.assigned;
    if (isUnchanged && member.epoch === targetEpoch) return member;
    return {
      ...from,
      assigned: union(from.assigned, free),
      revoking: nothing,
      epoch: targetEpoch,
      previousEpoch: from.epoch === awayEpoch ? targetEpoch : from.epoch,
    };
  }
}
