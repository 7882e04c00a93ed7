// Who was heard when: the part of a group that is not kept. A coordinator that takes over gives everybody a whole session from then on.
// Pure: times are handed in; `due` says what the coordinator has to decide next.

import { isSubset, sizeOf } from "./assignment.ts";
import type { Assignment } from "./assignment.ts";
import { awayEpoch } from "./state.ts";
import type { Group, Member } from "./state.ts";

export interface MemberClock {
  /** Its session ends then. */
  readonly sessionEndsMs: number;
  /** What it was asked to give back has to be given back by then; undefined: nothing was. */
  readonly revokeEndsMs: number | undefined;
  readonly revoking: Assignment;
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
  const { revoking, epoch, sessionTimeoutMs, rebalanceTimeoutMs } = member;
  const isGiving = sizeOf(revoking) > 0 && epoch !== awayEpoch;
  // Who has given back all that it was asked for has all the time again for what it is asked for next.
  const isSame = before !== undefined && (revoking === before.revoking || isSubset(revoking, before.revoking));
  const asked = isSame ? before.revokeEndsMs : undefined;
  return {
    sessionEndsMs: before?.sessionEndsMs ?? nowMs + sessionTimeoutMs,
    revokeEndsMs: isGiving ? (asked ?? nowMs + rebalanceTimeoutMs) : undefined,
    revoking,
  };
}

/** The clocks of before, as nothing has come of what was decided since; whom was heard meanwhile was. */
export function restored(before: GroupClocks, since: GroupClocks): GroupClocks {
  return new Map(
    [...before].map(([memberId, clock]) => {
      const sessionEndsMs = Math.max(clock.sessionEndsMs, since.get(memberId)?.sessionEndsMs ?? 0);
      return [memberId, { ...clock, sessionEndsMs }];
    }),
  );
}

/** The clock of a member that spoke just now. */
export function heard(clock: MemberClock, { sessionTimeoutMs }: Member, nowMs: number): MemberClock {
  return { ...clock, sessionEndsMs: nowMs + sessionTimeoutMs };
}

/** The clock when nobody could be heard for so long. */
export function credited({ sessionEndsMs, revokeEndsMs, revoking }: MemberClock, ms: number): MemberClock {
  return {
    revoking,
    sessionEndsMs: sessionEndsMs + ms,
    revokeEndsMs: revokeEndsMs === undefined ? undefined : revokeEndsMs + ms,
  };
}

export interface Due {
  readonly memberId: string;
  readonly why: "session" | "revocation";
}

/** Whoever is to be removed now. `connected`: their connection is their sign of life, which gives nothing back. */
export function due(clocks: GroupClocks, nowMs: number, connected: ReadonlySet<string> = new Set()): Due[] {
  const found: Due[] = [];
  for (const [memberId, { sessionEndsMs, revokeEndsMs }] of clocks) {
    if (nowMs >= sessionEndsMs && !connected.has(memberId)) found.push({ memberId, why: "session" });
    else if (revokeEndsMs !== undefined && nowMs >= revokeEndsMs) found.push({ memberId, why: "revocation" });
  }
  return found;
}
