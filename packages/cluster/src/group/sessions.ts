// Who was heard when: the part of a group that is not kept. A coordinator that takes over gives everybody a whole session from then on.
// Pure: times are handed in; `due` says what the driver has to decide next.

import { sizeOf } from "./assignment.ts";
import { awayEpoch } from "./state.ts";
import type { Group } from "./state.ts";

export interface MemberClock {
  /** Its session ends then. */
  readonly sessionEndsMs: number;
  /** What it was asked to give back has to be given back by then; undefined: nothing was. */
  readonly revokeEndsMs: number | undefined;
}

export type GroupClocks = ReadonlyMap<string, MemberClock>;

/** The clocks of `group` as it is now, made of those before it. `heard`: whoever spoke just now. */
export function followGroup(
  clocks: GroupClocks,
  group: Group,
  nowMs: number,
  heard: string | undefined = undefined,
): GroupClocks {
  return new Map(
    [...group.members].map(([memberId, member]): [string, MemberClock] => {
      const before = clocks.get(memberId);
      const isHeard = before === undefined || memberId === heard;
      const isGiving = sizeOf(member.revoking) > 0 && member.epoch !== awayEpoch;
      return [
        memberId,
        {
          sessionEndsMs: isHeard ? nowMs + member.sessionTimeoutMs : before.sessionEndsMs,
          revokeEndsMs: isGiving ? (before?.revokeEndsMs ?? nowMs + member.rebalanceTimeoutMs) : undefined,
        },
      ];
    }),
  );
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

/** When to look again; `Infinity`: never. */
export function nextDueMs(clocks: GroupClocks): number {
  let next = Infinity;
  for (const { sessionEndsMs, revokeEndsMs } of clocks.values()) {
    next = Math.min(next, sessionEndsMs, revokeEndsMs ?? Infinity);
  }
  return next;
}
