// SPDX-License-Identifier: Apache-2.0
// A partition that a member has, from one offset on. A reset, a seek, and coming back after it was lost each begin a new claim: what is
// finished of an earlier one counts for nothing, and nothing of it is committed.
//
//   assigned ─> held ─ revoke ─> giving back ─ drained, or time is up ─> gone
//                 └──── lost, moved, sought ─────────────────────────────┘

import type { AssignedPartitionOutput } from "@varve/api";
import { PartitionProgress } from "../reader/partition-progress.ts";
import { FinishedPrefix } from "./finished-prefix.ts";

/** A partition of a topic. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** A partition of one topic, and of no other that had the name before or will have it. */
export interface NamedPartition extends TopicPartition {
  /** Empty: an older broker did not say. */
  readonly topicId: string;
}

export interface ClaimStart extends NamedPartition {
  readonly offset: number;
  /** Exclusive; undefined: none. */
  readonly endOffset: number | undefined;
  readonly leaderEpoch: number;
  /** Of the reset that moved the group there last; -1: none did. */
  readonly movedGeneration: number;
}

export class Claim implements NamedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: string;
  readonly key: string;
  readonly endOffset: number | undefined;
  readonly movedGeneration: number;
  readonly progress: PartitionProgress;
  readonly finished: FinishedPrefix;
  state: "held" | "giving-back" | "gone" = "held";
  /** Committed last, as far as the coordinator has said so; until it has, where the claim began. */
  committedOffset: number;
  /**
   * Asked to be committed last, and not refused; where the claim began, until something was. What is finished below it changes nothing:
   * a commit by hand stands, and so does what is committed when nothing is finished yet where somebody went by seek.
   */
  offeredOffset: number;
  readonly #gone = new AbortController();

  constructor(start: ClaimStart) {
    this.topic = start.topic;
    this.partition = start.partition;
    this.topicId = start.topicId;
    this.key = keyOf(start);
    this.endOffset = start.endOffset;
    this.movedGeneration = start.movedGeneration;
    const { offset, endOffset, leaderEpoch } = start;
    const end =
      endOffset === undefined ? ({ kind: "none" } as const) : ({ kind: "offset", offset: endOffset } as const);
    this.progress = new PartitionProgress(start.partition, offset, end);
    this.finished = new FinishedPrefix({ offset, leaderEpoch });
    this.committedOffset = offset;
    this.offeredOffset = offset;
    if (endOffset !== undefined && offset >= endOffset) this.progress.ended = true;
  }

  /** Aborted when the claim is gone. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Idempotent. */
  end(): void {
    this.state = "gone";
    if (!this.#gone.signal.aborted) this.#gone.abort();
  }

  /** Offset of the next record to hand out. */
  get position(): number {
    return this.progress.position;
  }
}

export function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

/** Whether two ids may be of one topic: who does not know it says nothing. */
export function isSameTopic(id: string, other: string): boolean {
  return id === other || id === "" || other === "";
}

/** Where an assignment says to begin. */
export function startOf(assigned: AssignedPartitionOutput): ClaimStart {
  const { topic, partition, topicId, offset, leaderEpoch, endOffset, movedGeneration } = assigned;
  return { topic, partition, topicId, offset, leaderEpoch, endOffset, movedGeneration };
}
