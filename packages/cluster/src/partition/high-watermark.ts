// How far a partition is committed, as its leader sees it: H-2. Pure, for any number of replicas; a partition with one replica is
// the case in which the leader is the whole maximal ISR.
//
//   counted offsets   leader 120 ──────────────────┐
//   (this epoch)      r2     117 ────────────────┐ │       high watermark = min = 115, if the committed ISR has minIsr members
//                     r3     115 ──────────────┐ │ │       r4 is no member of the maximal ISR and does not matter
//                     r4      80
//
// Why the *maximal* ISR (committed and proposed members alike): the controller may already have applied a change whose answer is
// still on its way, and may elect a member that the leader would not have waited for. Why "in this epoch": an offset from an
// earlier epoch may have been cut off since. Why `minIsr` of the *committed* ISR gates it: a lone replica that went on would
// commit what no other holds, while the controller counts those that left as complete (ELR).
//
// A leader that was cut off keeps its view of the ISR, and that is safe: to move its high watermark it needs every member to
// fetch in its epoch. Once the controller elects another member, that member leaves the old epoch, and the old high watermark
// stands still.

import { invariant } from "@varve/format";

/** What the leader knows of one replica, itself included. */
export interface ReplicaProgress {
  /**
   * Exclusive: the durable offset when the partition's flush is `sync` or `syncing`, the log end offset when it is `os`. Only
   * what was reported in the current leader epoch; undefined when nothing was.
   */
  readonly countedOffset: number | undefined;
}

export interface HighWatermarkInput {
  /** Never falls within a leader epoch. */
  readonly highWatermark: number;
  /** As last committed by the controller, with the `minIsr` of the same partition epoch (C-7). */
  readonly committedIsr: readonly number[];
  readonly minIsr: number;
  /** Members that a request in flight proposes to add or to remove: they are waited for until it is decided. */
  readonly proposed?: readonly number[];
  /** Eligible replicas that are caught up but not yet members: waited for too, so that a busy partition can grow its ISR. */
  readonly joining?: readonly number[];
}

/** The high watermark after looking at everybody's progress: `input.highWatermark` or a larger offset. */
export function nextHighWatermark(
  input: HighWatermarkInput,
  progressOf: (brokerId: number) => ReplicaProgress | undefined,
): number {
  const { highWatermark, committedIsr, minIsr } = input;
  invariant(committedIsr.length > 0, "a leader is a member of its ISR");
  if (committedIsr.length < minIsr) return highWatermark;
  let lowest = Number.POSITIVE_INFINITY;
  for (const members of [committedIsr, input.proposed ?? [], input.joining ?? []]) {
    for (const brokerId of members) {
      const counted = progressOf(brokerId)?.countedOffset;
      if (counted === undefined) return highWatermark;
      lowest = Math.min(lowest, counted);
    }
  }
  return Math.max(highWatermark, lowest);
}

/**
 * How many replicas have everything below `offset` on disk: what an acknowledgement reports. `durableOffsetOf` is exclusive and
 * of the current epoch.
 */
export function durableReplicas(
  replicas: readonly number[],
  offset: number,
  durableOffsetOf: (brokerId: number) => number | undefined,
): number {
  return replicas.filter((brokerId) => (durableOffsetOf(brokerId) ?? -1) >= offset).length;
}
