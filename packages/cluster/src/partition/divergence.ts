// Where two logs part, found out by leader epochs and not by high watermarks: 6.8. The leader tests every fetch, the follower
// cuts back and asks again, until both agree.
//
//   leader     e1: 0-9           e3: 10-11     <- largest epoch at or below 2 is 1, and it ends at 10: diverged (1, 10)
//   follower   e1: 0-9  e2: 10-12              <- knows epoch 1, which ends at 10 here too: cuts back to 10 (W7)
//
// One answer need not be enough: when the follower does not know the leader's epoch either, it cuts back to the end of the
// next older one and fetches again. Each round lowers its last epoch, so it ends.

import type { EpochRuns } from "@varve/format";

/** An epoch and where it ends: `end` is the first offset after it. */
export interface EpochEnd {
  readonly epoch: number;
  readonly end: number;
}

/** A log as its owner sees it. `logEnd` is exclusive; `runs` are those of `logStart` and above. */
export interface LogView {
  readonly logStart: number;
  readonly logEnd: number;
  readonly runs: Pick<EpochRuns, "endFor" | "epochAt" | "latest" | "latestEpoch">;
}

/** The leader's log, with the epoch it leads in: that one is always known, even without a record, or after its file was lost. */
export interface LeaderLogView extends LogView {
  readonly leaderEpoch: number;
  /** Log end when the epoch began. */
  readonly startOffset: number;
}

export interface FetchPoint {
  /** The follower's log end. */
  readonly fetchOffset: number;
  /** Of its last batch; -1 for an empty log. */
  readonly lastFetchedEpoch: number;
}

export type FetchCheck =
  | { readonly kind: "match" }
  /** Below the log's start, or an empty log that begins above its end. */
  | { readonly kind: "outOfRange"; readonly logStart: number; readonly logEnd: number }
  | ({ readonly kind: "diverged" } & EpochEnd);

/** The leader's test of a fetch. Out of range comes first: a divergence answer would hide it (KAFKA-12996). */
export function checkFetchPoint(log: LeaderLogView, { fetchOffset, lastFetchedEpoch }: FetchPoint): FetchCheck {
  const { logStart, logEnd } = log;
  const isEmpty = lastFetchedEpoch < 0;
  if (fetchOffset < logStart || (isEmpty && fetchOffset > logEnd)) return { kind: "outOfRange", logStart, logEnd };
  // An empty log has nothing that could differ.
  if (isEmpty) return { kind: "match" };
  const found = leaderEndFor(log, lastFetchedEpoch);
  if (found.epoch < lastFetchedEpoch || found.end < fetchOffset) return { kind: "diverged", ...found };
  return { kind: "match" };
}

/** The largest epoch of the leader's log at or below `epoch`, and where it ends. */
export function leaderEndFor({ runs, leaderEpoch, startOffset, logEnd }: LeaderLogView, epoch: number): EpochEnd {
  if (runs.latestEpoch >= leaderEpoch) return runs.endFor(epoch, logEnd);
  return epoch >= leaderEpoch ? { epoch: leaderEpoch, end: logEnd } : runs.endFor(epoch, startOffset);
}

/** Where the follower has to cut back to on a divergence answer. At its log end it still drops empty epochs there (G-3). */
export function truncationPoint({ runs, logEnd }: LogView, { epoch, end }: EpochEnd): number {
  const mine = runs.endFor(epoch, logEnd);
  return mine.epoch === epoch ? Math.min(mine.end, end, logEnd) : Math.min(mine.end, logEnd);
}
