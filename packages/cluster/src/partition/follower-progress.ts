// What a leader knows of one follower, in its own leader epoch: values that each fetch replaces. What another epoch knew is
// forgotten when an epoch begins (W13): a follower's offsets may have been cut off since, or belong to a former life of it (W6).
//
// A follower fetches at its log end and says beside that how far it is durable, so that fetching and syncing overlap; what is
// durable may also arrive by itself, as soon as a sync ends.

import type { FlushState } from "../controller/state.ts";

export interface FollowerProgress {
  /** Of the incarnation that fetched; -1 while none has in this leader epoch. */
  readonly brokerEpoch: number;
  /** Exclusive: its log end at its last fetch in this leader epoch; undefined when there was none. */
  readonly fetchOffset: number | undefined;
  /** Exclusive, never above what it has fetched. */
  readonly durableOffset: number;
  /** Where its log begins, on its disk: below it, it shows nothing should it lead. */
  readonly logStart: number;
  readonly lastFetchMs: number;
  /** The leader's log end at the last fetch: who reaches it with the next one was caught up then (H-5). */
  readonly leaderEndAtLastFetch: number;
  /** When it last had everything that there was. */
  readonly lastCaughtUpMs: number;
}

/** A follower that has not fetched in this epoch. `lastCaughtUpMs`: members of the ISR are given the benefit of the doubt. */
export function unheardFollower(lastCaughtUpMs: number): FollowerProgress {
  return {
    brokerEpoch: -1,
    fetchOffset: undefined,
    durableOffset: 0,
    logStart: -1,
    lastFetchMs: Number.NEGATIVE_INFINITY,
    leaderEndAtLastFetch: Number.POSITIVE_INFINITY,
    lastCaughtUpMs,
  };
}

/** After a fetch that passed every test of H-3, divergence included. Times are of the leader's monotonic clock. */
export function progressAfterFetch(
  before: FollowerProgress,
  fetch: {
    readonly brokerEpoch: number;
    readonly fetchOffset: number;
    readonly durableOffset: number;
    readonly logStart: number;
  },
  leader: { readonly logEnd: number; readonly nowMs: number },
): FollowerProgress {
  const { brokerEpoch, fetchOffset } = fetch;
  const isOther = before.brokerEpoch !== -1 && before.brokerEpoch !== brokerEpoch;
  const known = isOther ? unheardFollower(Number.NEGATIVE_INFINITY) : before;
  const reachedLast = fetchOffset >= known.leaderEndAtLastFetch;
  const lastCaughtUpMs =
    fetchOffset >= leader.logEnd ? leader.nowMs : reachedLast ? known.lastFetchMs : known.lastCaughtUpMs;
  return {
    brokerEpoch,
    fetchOffset,
    durableOffset: Math.min(fetch.durableOffset, fetchOffset),
    logStart: fetch.logStart,
    lastFetchMs: leader.nowMs,
    leaderEndAtLastFetch: leader.logEnd,
    lastCaughtUpMs: Math.max(lastCaughtUpMs, known.lastCaughtUpMs),
  };
}

/** After word of a sync that ended. It says nothing unless this incarnation has fetched in this leader epoch (H-2). */
export function progressAfterSync(
  before: FollowerProgress,
  sync: { readonly brokerEpoch: number; readonly durableOffset: number; readonly logStart: number },
): FollowerProgress {
  if (before.fetchOffset === undefined || before.brokerEpoch !== sync.brokerEpoch) return before;
  const durableOffset = Math.max(before.durableOffset, sync.durableOffset);
  const logStart = Math.max(before.logStart, sync.logStart);
  if (durableOffset === before.durableOffset && logStart === before.logStart) return before;
  return { ...before, durableOffset, logStart };
}

/**
 * Its fetch has waited at the log end until `heardMs`, the last sign of life on its stream: it had everything that there was,
 * and an idle hour is no lag once something is appended (H-5).
 */
export function progressWhileWaiting(before: FollowerProgress, heardMs: number): FollowerProgress {
  if (before.fetchOffset === undefined || heardMs <= before.lastFetchMs) return before;
  return { ...before, lastFetchMs: heardMs, lastCaughtUpMs: Math.max(before.lastCaughtUpMs, heardMs) };
}

/** A stall of the leader's own loop is no fault of its followers: they are credited with it before anybody is judged (H-5). */
export function progressAfterStall(before: FollowerProgress, stalledMs: number): FollowerProgress {
  return {
    ...before,
    lastFetchMs: before.lastFetchMs + stalledMs,
    lastCaughtUpMs: before.lastCaughtUpMs + stalledMs,
  };
}

/** Exclusive: up to where this replica counts, undefined while it does not (H-2). */
export function countedOffsetOf(progress: FollowerProgress, flush: FlushState): number | undefined {
  if (progress.fetchOffset === undefined) return undefined;
  return flush === "os" ? progress.fetchOffset : progress.durableOffset;
}

/** H-5, and the lag rule of H-4: it has everything, or had everything that there was at most `lagMaxMs` ago. */
export function isCaughtUp(
  { fetchOffset, lastCaughtUpMs }: FollowerProgress,
  { logEnd, nowMs, lagMaxMs }: { readonly logEnd: number; readonly nowMs: number; readonly lagMaxMs: number },
): boolean {
  return (fetchOffset !== undefined && fetchOffset >= logEnd) || nowMs - lastCaughtUpMs <= lagMaxMs;
}
