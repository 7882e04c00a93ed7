// A follower of a partition: what it asks its leader for, and what it does with the answer (G-1 to G-9). Pure: the log is seen
// through its offsets and epoch runs; what has to be done to it comes back as data, and the driver does it in that order.
//
// One fetch at a time, each with a number of its own, and an answer counts only while everything the fetch said is still so.
// Epoch and offset alone would not do: a follower that was told to cut back from 72 to 71 and has grown to 72 again would obey a
// late copy of that answer and cut off a committed record (G-1).

import { invariant } from "@varve/format";
import type { Partition } from "../controller/state.ts";
import { truncationPoint } from "./divergence.ts";
import type { EpochEnd, LogView } from "./divergence.ts";

/** One leader epoch of following; a new one for every epoch, even under the same leader (G-9). */
export interface Following {
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly brokerEpoch: number;
  /** Number of the next fetch; goes on across epochs. */
  readonly nextFetchId: number;
  readonly outstanding: { readonly id: number; readonly fetchOffset: number } | undefined;
  /**
   * The leader has answered in this epoch without finding a difference: from now on this log is the beginning of the leader's,
   * and word of a sync may be sent by itself. Before that it could speak of records that are about to be cut off.
   */
  readonly isMatched: boolean;
}

export interface ReplicaLogView extends LogView {
  readonly highWatermark: number;
  /** Epoch of the last batch; -1 when there is none. An empty run of epochs at the end does not count (G-7). */
  readonly lastBatchEpoch: number;
}

export interface FetchRequest {
  readonly fetchId: number;
  readonly brokerEpoch: number;
  readonly leaderEpoch: number;
  readonly fetchOffset: number;
  readonly durableOffset: number;
  readonly lastFetchedEpoch: number;
  /** Where the log begins, on its disk (H-14). */
  readonly logStart: number;
}

/** One batch of an answer, after its bytes were checked. */
export interface FetchedBatch {
  readonly baseOffset: number;
  /** Exclusive. */
  readonly endOffset: number;
  readonly leaderEpoch: number;
  /** Length, format and CRC are right. */
  readonly isSound: boolean;
}

/** Who asked, and in which epoch, comes back with every answer. */
export type FetchAnswer = Pick<FetchRequest, "fetchId" | "brokerEpoch" | "leaderEpoch"> &
  (
    | {
        readonly kind: "records";
        readonly batches: readonly FetchedBatch[];
        readonly highWatermark: number;
        readonly logStart: number;
      }
    | ({ readonly kind: "diverged" } & EpochEnd)
    | { readonly kind: "outOfRange"; readonly logStart: number; readonly logEnd: number }
    /** Epochs, leadership or membership did not fit: metadata have to catch up, here or there. */
    | { readonly kind: "refused" }
  );

/** What is to be done to the log, before anything of it is served again. */
export type ReplicaStep =
  /** Late, or of another time: nothing. */
  | { readonly kind: "ignore" }
  | { readonly kind: "retry" }
  /** G-3: log, epoch runs, producer state and high watermark, in this order; also when `to` is the log end. */
  | { readonly kind: "truncate"; readonly to: number; readonly highWatermark: number }
  /** G-4: the leader lacks what was committed here. The bytes are kept, an operator is called. */
  | { readonly kind: "quarantine"; readonly to: number }
  /** G-8: everything goes, the log begins at `at`, and so does the high watermark. */
  | { readonly kind: "startAt"; readonly at: number }
  /**
   * The first `count` batches, then high watermark and log start. `dropsEmptyEpochs`: this broker once led and wrote nothing, and
   * the leader's batches are older than that epoch; it goes first, as with a truncation at the log end (G-3).
   * `beginsAt`: the log, which is empty, begins anew there first (G-8).
   * `fault`: why the next batch was left out (G-5).
   */
  | {
      readonly kind: "append";
      readonly count: number;
      readonly dropsEmptyEpochs: boolean;
      readonly beginsAt: number | undefined;
      readonly highWatermark: number;
      readonly logStart: number;
      readonly fault: string | undefined;
    };

/** Begins to follow in the epoch of `partition`. `before`: how it was followed until now. */
export function beginFollowing(
  { leader, leaderEpoch }: Pick<Partition, "leader" | "leaderEpoch">,
  brokerEpoch: number,
  before: Following | undefined,
): Following {
  const nextFetchId = before?.nextFetchId ?? 0;
  return { leader, leaderEpoch, brokerEpoch, nextFetchId, outstanding: undefined, isMatched: false };
}

/** The next fetch. One that is still outstanding is given up: its answer will be ignored. */
export function planFetch(
  following: Following,
  log: ReplicaLogView,
  durableEnd: number,
): { readonly following: Following; readonly request: FetchRequest } {
  const { nextFetchId: id, brokerEpoch, leaderEpoch } = following;
  const fetchOffset = log.logEnd;
  const request: FetchRequest = {
    fetchId: id,
    brokerEpoch,
    leaderEpoch,
    fetchOffset,
    durableOffset: Math.min(durableEnd, fetchOffset),
    lastFetchedEpoch: log.lastBatchEpoch,
    logStart: log.logStart,
  };
  return { following: { ...following, nextFetchId: id + 1, outstanding: { id, fetchOffset } }, request };
}

/** What an answer comes to. `uncleanEpoch` is that of the partition in this broker's metadata. */
export function planFetchAnswer(
  following: Following,
  log: ReplicaLogView,
  answer: FetchAnswer,
  uncleanEpoch: number,
): { readonly following: Following; readonly step: ReplicaStep } {
  if (!isAwaited(following, log, answer)) return { following, step: { kind: "ignore" } };
  const done: Following = { ...following, outstanding: undefined };
  switch (answer.kind) {
    case "refused":
      return { following: done, step: { kind: "retry" } };
    case "diverged":
      // G-2: nothing else of this answer is looked at, its high watermark least of all (W9).
      return { following: done, step: planTruncation(log, truncationPoint(log, answer), uncleanEpoch) };
    case "outOfRange":
      return { following: done, step: planStart(log, answer, uncleanEpoch) };
    case "records":
      return { following: { ...done, isMatched: true }, step: planAppend(following, log, answer) };
  }
}

/** G-1. */
function isAwaited({ outstanding, brokerEpoch, leaderEpoch }: Following, log: LogView, answer: FetchAnswer): boolean {
  return (
    answer.fetchId === outstanding?.id &&
    answer.brokerEpoch === brokerEpoch &&
    answer.leaderEpoch === leaderEpoch &&
    log.logEnd === outstanding.fetchOffset
  );
}

/** Word of a sync that may go to the leader by itself: none until the leader has found no difference in this epoch. */
export function planSyncNotice(following: Following, durableEnd: number): number | undefined {
  return following.isMatched ? durableEnd : undefined;
}

/** G-4, tested against the high watermark as it is now (KAFKA-19474). */
function planTruncation(log: ReplicaLogView, to: number, uncleanEpoch: number): ReplicaStep {
  const { highWatermark } = log;
  if (to < highWatermark && !isPardoned(log, uncleanEpoch)) return { kind: "quarantine", to };
  return { kind: "truncate", to, highWatermark: Math.min(highWatermark, to) };
}

/** G-8. A leader whose log ends below what was committed here lost it, unless an unclean election says that it may. */
function planStart(
  log: ReplicaLogView,
  leader: { readonly logStart: number; readonly logEnd: number },
  uncleanEpoch: number,
): ReplicaStep {
  if (leader.logEnd < log.highWatermark && !isPardoned(log, uncleanEpoch)) {
    return { kind: "quarantine", to: leader.logEnd };
  }
  return { kind: "startAt", at: leader.logStart };
}

/** An unclean election after the epoch of the last committed record: it allowed that record to be lost. */
function isPardoned({ runs, highWatermark }: ReplicaLogView, uncleanEpoch: number): boolean {
  return uncleanEpoch > (runs.epochAt(highWatermark - 1) ?? -1);
}

/** G-5 and G-6. A bad batch ends what is taken; it is fetched again, never skipped. */
function planAppend(
  { leaderEpoch }: Following,
  log: ReplicaLogView,
  answer: Extract<FetchAnswer, { readonly kind: "records" }>,
): ReplicaStep {
  const inside = startInside(log, answer.batches[0]);
  let end = inside ?? log.logEnd;
  let epoch = log.lastBatchEpoch;
  let count = 0;
  let fault: string | undefined;
  for (const batch of answer.batches) {
    fault = batchFault(batch, { end, epoch, leaderEpoch });
    if (fault !== undefined) break;
    end = batch.endOffset;
    epoch = batch.leaderEpoch;
    count += 1;
  }
  if (count === 0) end = log.logEnd;
  const highWatermark = Math.max(log.highWatermark, Math.min(answer.highWatermark, end));
  const logStart = Math.max(log.logStart, Math.min(answer.logStart, highWatermark));
  invariant(highWatermark <= end, "the high watermark of a follower lies within its log");
  const dropsEmptyEpochs = count > 0 && (answer.batches[0] as FetchedBatch).leaderEpoch < log.runs.latestEpoch;
  const beginsAt = count > 0 ? inside : undefined;
  return { kind: "append", count, dropsEmptyEpochs, beginsAt, highWatermark, logStart, fault };
}

/**
 * G-8: where the first batch begins, if this log is empty and starts inside of that batch, as the leader's does after a deletion. Batches
 * are kept whole, so it has to begin where the batch does; what was deleted is below the log start again once that has followed.
 */
function startInside({ logStart, logEnd }: ReplicaLogView, first: FetchedBatch | undefined): number | undefined {
  if (first?.isSound !== true || logStart !== logEnd) return undefined;
  const { baseOffset, endOffset } = first;
  return baseOffset >= 0 && baseOffset < logEnd && endOffset > logEnd ? baseOffset : undefined;
}

function batchFault(
  batch: FetchedBatch,
  { end, epoch, leaderEpoch }: { readonly end: number; readonly epoch: number; readonly leaderEpoch: number },
): string | undefined {
  if (!batch.isSound) return `the batch at ${end} is damaged`;
  if (batch.baseOffset !== end) return `a batch begins at ${batch.baseOffset} and not at ${end}`;
  if (batch.endOffset <= end) return `the batch at ${end} ends at ${batch.endOffset}`;
  if (batch.leaderEpoch < epoch) return `the batch at ${end} is of epoch ${batch.leaderEpoch}, after ${epoch}`;
  if (batch.leaderEpoch > leaderEpoch) {
    return `the batch at ${end} is of epoch ${batch.leaderEpoch}, and the leader's is ${leaderEpoch}`;
  }
  return undefined;
}
