/**
 * Makes a group that has a rate: the rate first, so that nobody reads faster, and then the group.
 *
 *   rate ──> set ──> group ─┬─ made
 *              │            ├─ not made ──> the rate as it was
 *              │            └─ nobody knows ──> it may be there: the rate stays, and the answer says so
 *              └─ nobody knows whether it is set ──> the rate as it was
 */
import type { GroupRate } from "@varve/cluster";
import { type Refusal, isRefusal } from "../refusal.ts";

export interface RatedFork {
  readonly newGroup: string;
  readonly rate: GroupRate;
  /** What the name has had until now. */
  readonly before: GroupRate;
  readonly setRate: (rate: GroupRate) => Promise<GroupRate | Refusal>;
  /** Why the group would not be made now, without anything being tried. */
  readonly whyNot: () => Refusal | undefined;
  readonly make: () => Promise<Refusal | undefined>;
}

/** Of a group that was asked for these leave open whether it is there. */
const inDoubt: readonly Refusal["reason"][] = ["REQUEST_TIMED_OUT", "NOT_COORDINATOR", "SHUTTING_DOWN"];

/** @returns why the group was not made, or that nobody knows; undefined when it is there */
export async function makeRated({
  newGroup,
  rate,
  before,
  setRate,
  whyNot,
  make,
}: RatedFork): Promise<Refusal | undefined> {
  const set = await setRate(rate);
  if (isRefusal(set)) return set.metadata["outcome"] === "unknown" ? takenBack(set) : set;
  const never = whyNot();
  if (never !== undefined) return takenBack(never);
  const made = await make();
  if (made === undefined) return undefined;
  if (!inDoubt.includes(made.reason)) return takenBack(made);
  return told(made, `Whether group "${newGroup}" is there nobody knows, and the rate is set`);

  async function takenBack(refusal: Refusal): Promise<Refusal> {
    const restored = await setRate(before);
    if (!isRefusal(restored)) return refusal;
    return told(refusal, `The rate may be set and could not be taken back (${restored.message})`);
  }

  function told(refusal: Refusal, what: string): Refusal {
    const instead = `\`varve group rate ${newGroup} none\` takes the rate away`;
    return { ...refusal, message: `${refusal.message}. ${what}: ${instead}` };
  }
}
