// SPDX-License-Identifier: Apache-2.0
// What for await hands out: records of one partition, in order, as they came in one message.

import type { ConsumedRecord, ConsumeResponse } from "@varve/api";
import type { Claim } from "./claim.ts";
import type { CommitPoint } from "./finished-prefix.ts";

/** Records of one partition, in the order of their offsets. */
export interface ConsumedBatch extends Iterable<ConsumedRecord> {
  readonly topic: string;
  readonly partition: number;
  /** At least one. Their bytes are views of the message they came in: copy what is kept for long. */
  readonly records: readonly ConsumedRecord[];
  /** The offset behind the batch: what to commit when all of it is done. */
  readonly nextOffset: number;
  /** First offset that could not be read yet when it was sent. */
  readonly highWatermark: number;
  /** Aborted when the partition is not this member's any more, or was moved: finishing the batch is no use then. */
  readonly signal: AbortSignal;
}

export class HandedBatch implements ConsumedBatch {
  readonly claim: Claim;
  /** Of the claim's entries. */
  readonly entry: number;
  readonly #message: ConsumeResponse;

  /** Takes the next place in the claim's row. */
  constructor(claim: Claim, message: ConsumeResponse) {
    this.claim = claim;
    this.#message = message;
    this.entry = claim.finished.handOut(pointAfter(message));
    claim.finished.start(this.entry);
  }

  get topic(): string {
    return this.claim.topic;
  }

  get partition(): number {
    return this.claim.partition;
  }

  get records(): readonly ConsumedRecord[] {
    return this.#message.records;
  }

  get nextOffset(): number {
    return this.#message.nextOffset;
  }

  get highWatermark(): number {
    return this.#message.highWatermark;
  }

  get signal(): AbortSignal {
    return this.claim.gone;
  }

  [Symbol.iterator](): Iterator<ConsumedRecord> {
    return this.#message.records[Symbol.iterator]();
  }
}

/** Where a group is when it is done with a message. */
export function pointAfter({ nextOffset, records }: ConsumeResponse): CommitPoint {
  return { offset: nextOffset, leaderEpoch: records.at(-1)?.leaderEpoch ?? -1 };
}
