// H-13: to whom a leader whose disk has no room gives a partition. Pure; the controller looks at it once more.
//
// A full leader refuses what is sent to it, while replicas that are in sync may have room. It leads on all the same unless what
// remains without it and without the other full ones is `minIsr`: fewer could not acknowledge anything either, and when all are full
// nothing is gained by moving. So leadership goes from a node that is full to one that is not, never back before the first one has
// room again, and rests when nobody has: it does not go round.

import { maximalIsr, pendingProposal } from "./isr.ts";
import { isAble } from "./leadership.ts";
import type { BrokerFactsOf, Leadership, LeaderNow } from "./leadership.ts";

/** The replica that should lead instead of this one, which has no room; undefined: it stays. */
export function planHandOver(leadership: Leadership, now: LeaderNow, factsOf: BrokerFactsOf): number | undefined {
  const { isr, replicas } = leadership;
  // Who is in sync is about to change: afterwards.
  if (pendingProposal(isr) !== undefined || isr.committed.recovering) return undefined;
  const members = maximalIsr(isr);
  const able = replicas.filter((id) => members.includes(id) && isAble(leadership, id, now, factsOf));
  return able.length >= isr.committed.minIsr ? able[0] : undefined;
}
