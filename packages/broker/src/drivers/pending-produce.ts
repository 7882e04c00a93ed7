/**
 * One batch on its way into one partition, from the moment it is offered until it is answered.
 *
 *     offered ──> refused                                   (a value, at once)
 *             ──> appended ──> counted ──> committed         acks: none | leader | all answer at these points
 *                        └──> timed out | cut | epoch over   unknown or lost: the answer says which
 *
 * Invariant: settled exactly once; `sink.produceSettled` is called once, perhaps before `LocalPartition.produce` returns.
 */
import type { Acks, LeaderHint } from "@varve/api";
import type { WheelEntry } from "./timing-wheel.ts";
import type { OffsetWaiter } from "./offset-heap.ts";
import type { Refusal } from "../refusal.ts";

export interface ProduceSink {
  /** The batch has its answer: `refusal`, or the offsets and the level reached. Called once, never throws. */
  produceSettled(pending: PendingProduce): void;
}

export class PendingProduce implements OffsetWaiter {
  readonly sink: ProduceSink;
  readonly partition: number;
  readonly acks: Acks;
  readonly startedMs: number;
  /** Which records of the request these are; undefined: all of them. */
  readonly recordIndexes: readonly number[] | undefined;
  waitOffset = -1;
  heapIndex = -1;
  deadline: WheelEntry | undefined = undefined;
  settled = false;
  /** Why it was not done, or why nobody knows. A conflict (H-12) has it while it still waits. */
  refusal: Refusal | undefined = undefined;
  baseOffset = -1;
  lastOffset = -1;
  /** The broker's time given to the records (LogAppendTime), else undefined. */
  appendTimeMs: number | undefined = undefined;
  duplicate = false;
  leaderEpoch = -1;
  /** Replicas that have it on disk, as known when it was answered. */
  durableReplicas = 0;
  logStartOffset = -1;
  /** Who has it, when that was another node. */
  leader: LeaderHint | undefined = undefined;
  /** Set by a sink that answers in order. */
  recordCount = 0;
  sizeBytes = 0;

  constructor(
    sink: ProduceSink,
    partition: number,
    acks: Acks,
    startedMs: number,
    recordIndexes: readonly number[] | undefined,
  ) {
    this.sink = sink;
    this.partition = partition;
    this.acks = acks;
    this.startedMs = startedMs;
    this.recordIndexes = recordIndexes;
  }
}
