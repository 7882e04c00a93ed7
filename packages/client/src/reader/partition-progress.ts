// SPDX-License-Identifier: Apache-2.0
// How far a reader is in each partition: what has been received, what has been handed out, what is still to be asked for.
//
//   start ── handed out ──> position ── received, buffered ──> received ── to come ──> end

import { type ConsumeRequestFields, type ConsumeResponse, type End } from "@varve/api";

export class PartitionProgress {
  readonly partition: number;
  /** Offset of the next record to hand out. */
  position: number;
  /** Offset that a new stream starts at. */
  received: number;
  /** Resolved: an offset, a count, or none. */
  readonly end: End;
  paused = false;
  /** Enough is received for now: others have their turn. */
  stalled = false;
  /** The broker has said that the end is reached. */
  ended = false;
  highWatermark = -1;
  logStartOffset = -1;
  /** Records handed out, and received, for an end by count. */
  #handedOut = 0;
  #receivedCount = 0;

  constructor(partition: number, start: number, end: End) {
    this.partition = partition;
    this.position = start;
    this.received = start;
    this.end = end;
  }

  get wanted(): boolean {
    return !this.ended && !this.paused && !this.stalled;
  }

  /** What to ask a new stream for. */
  range(): NonNullable<ConsumeRequestFields["partitions"]>[number] {
    const { partition, received, end } = this;
    const left: End =
      end.kind === "count" ? { kind: "count", count: Math.max(0, end.count - this.#receivedCount) } : end;
    return { partition, start: { kind: "offset", offset: received }, end: left };
  }

  take(message: ConsumeResponse): void {
    this.received = message.nextOffset;
    this.#receivedCount += message.records.length;
    this.highWatermark = message.highWatermark;
    this.logStartOffset = message.logStartOffset;
    if (message.endReached) this.ended = true;
  }

  handOut(count: number, nextOffset: number): void {
    this.#handedOut += count;
    this.position = nextOffset;
  }

  /** Forgets what was received and not handed out. */
  rewind(): void {
    if (this.received === this.position && this.#receivedCount === this.#handedOut) return;
    this.received = this.position;
    this.#receivedCount = this.#handedOut;
    this.ended = false;
  }

  /** Forgets what was received from an offset on, and not handed out. For ends by offset. */
  cutTo(offset: number): void {
    if (offset === this.received) return;
    this.received = offset;
    this.ended = false;
  }

  seek(offset: number): void {
    this.position = offset;
    this.received = offset;
    this.#receivedCount = this.#handedOut;
    this.ended = false;
  }
}
