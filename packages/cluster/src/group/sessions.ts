// Who was heard when: the part of a group that is not kept. A coordinator that takes over gives everybody a whole session from then on.
// Pure: times are handed in; `due` says what the coordinator has to decide next.

import { sizeOf } from "./assignment.ts";
import { awayEpoch } from "./state.ts";
import type { Group, Member } from "./state.ts";

export interface MemberClock {
  /** Its session ends then. */
  readonly sessionEndsMs: number;
  /** What it was asked to give back has to be given back by then; undefined: nothing was. */
  readonly revokeEndsMs: number | undefined;
}

/** By member id. */
export type GroupClocks = ReadonlyMap<string, MemberClock>;

/** The clocks of `group` as it is now, made of those before it. */
export function followGroup(clocks: GroupClocks, group: Group, nowMs: number): Map<string, MemberClock> {
  return new Map(
    [...group.members].map(([memberId, member]) => [memberId, follow(clocks.get(memberId), member, nowMs)]),
  );
}

function follow(before: MemberClock | undefined, member: Member, nowMs: number): MemberClock {
  const isGiving = sizeOf(member.revoking) > 0 && member.epoch !== awayEpoch;
  return {
    sessionEndsMs: before?.sessionEndsMs ?? nowMs + member.sessionTimeoutMs,
    revokeEndsMs: isGiving ? (before?.revokeEndsMs ?? nowMs + member.rebalanceTimeoutMs) : undefined,
  };
}

/** The clock of a member that spoke just now. */
export function heard(clock: MemberClock, { sessionTimeoutMs }: Member, nowMs: number): MemberClock {
  return { ...clock, sessionEndsMs: nowMs + sessionTimeoutMs };
}

/** The clock when nobody could be heard for so long. */
export function credited({ sessionEndsMs, revokeEndsMs }: MemberClock, ms: number): MemberClock {
  return {
    sessionEndsMs: sessionEndsMs + ms,
    revokeEndsMs: revokeEndsMs === undefined ? undefined : revokeEndsMs + ms,
  };
}

export interface Due {
  readonly memberId: string;
  readonly why: "session" | "revocation";
}

/** Whoever is to be removed now. */
export function due(clocks: GroupClocks, nowMs: number): Due[] {
  const found: Due[] = [];
  for (const [memberId, { sessionEndsMs, revokeEndsMs }] of clocks) {
    if (nowMs >= sessionEndsMs) found.push({ memberId, why: "session" });
    else if (revokeEndsMs !== undefined && nowMs >= revokeEndsMs) found.push({ memberId, why: "revocation" });
  }
  return found;
}
