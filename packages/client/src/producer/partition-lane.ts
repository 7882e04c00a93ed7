// SPDX-License-Identifier: Apache-2.0
// The records of one partition, in order, from send() to their acknowledgement. Decides what is sent next and what an answer
// means; sending, waiting and producer ids are the producer's.
//
//   open ─> queue ─> inFlight (at most 5) ─> settled
//             ^          │ refused for now, or the stream was lost
//             └──────────┘ in the old order, when nothing is in flight any more
//
// Order and no duplicates: every lane has a producer id of its own, and batches carry sequences. A batch whose fate is open is
// sent again under the same sequence, so the broker recognises it. When a batch is given up the sequence has a gap: the lane
// takes a new producer id, under which nothing of unknown fate may be sent again; such batches fail with UNKNOWN_OUTCOME.

import { errorFromFields, VarveError, type ProduceOutcome } from "@varve/api";
import { int32Max } from "@varve/format";
import type { Node } from "../connection.ts";
import type { Batch, ProducerId } from "./batch.ts";

/** After so long a silence the broker may have forgotten the producer id. */
const silenceMsMax = 60_000;

/**
 * Refusals after which the batch may be written all the same: a leader gives them also for what it had appended when it stopped
 * leading, or when its files failed.
 */
const openOutcomes: ReadonlySet<string> = new Set([
  "NOT_LEADER",
  "LEADER_NOT_AVAILABLE",
  "FENCED_LEADER_EPOCH",
  "UNKNOWN_LEADER_EPOCH",
  "REQUEST_TIMED_OUT",
  "SHUTTING_DOWN",
  "STORAGE_FAILED",
  "PARTITION_QUARANTINED",
]);

/** A node that does not know a partition which another one told of is behind: so often it is tried again. */
const behindTries = 5;

/** What the lane asks its producer to do after an answer. */
export type LaneNeed = "nothing" | "send" | "backoff" | "producer-id";

export class PartitionLane {
  readonly topic: string;
  readonly partition: number;
  /** Takes records. */
  open: Batch | undefined;
  /** Closed, in order, not yet sent or to be sent again. */
  readonly queue: Batch[] = [];
  /** Sent, in order, not yet answered. */
  readonly inFlight: Batch[] = [];
  producer: ProducerId | undefined;
  /** Where the batches in flight were sent, or the last ones were. */
  node: Node | undefined;
  /** A node has told of this partition. */
  isKnown = false;
  /** A request for a producer id is under way. */
  awaitsProducerId = false;
  /** Waits out a backoff. */
  waits = false;
  /** Size of the last closed batch: the next one is likely to get there. */
  lastBatchBytes = 0;
  /** Failures in a row, for the backoff. */
  failures = 0;
  readonly #idempotent: boolean;
  readonly #inFlightMax: number;
  #nextSequence = 0;
  /** Batches of a broken round, in order, until everything in flight has been answered. */
  readonly #again: Batch[] = [];
  #recovering = false;
  /**
   * The broker has taken a batch under the present producer id. Before that it would take any sequence, so that a second batch could
   * pass a first one that is refused for now.
   */
  #established = false;
  #lastSentMs = Number.NEGATIVE_INFINITY;

  constructor(topic: string, partition: number, options: { idempotent: boolean; inFlightMax: number }) {
    this.topic = topic;
    this.partition = partition;
    this.#idempotent = options.idempotent;
    // Without sequences a second batch in flight could overtake the first when that is sent again.
    this.#inFlightMax = options.idempotent ? options.inFlightMax : 1;
  }

  get idle(): boolean {
    return this.open === undefined && this.queue.length === 0 && this.inFlight.length === 0 && this.#again.length === 0;
  }

  /** Whether a batch is on its way: then new records may wait for company. */
  get busy(): boolean {
    return this.queue.length > 0 || this.inFlight.length > 0 || this.#again.length > 0;
  }

  /** Not while a broken round lasts: its end decides under which sequences the new id goes on. */
  get needsProducerId(): boolean {
    if (!this.#idempotent || this.#recovering || this.awaitsProducerId) return false;
    return this.producer === undefined && this.queue.length > 0;
  }

  /** The next batch to send, if it may be sent now. sent() must follow. */
  nextToSend(): Batch | undefined {
    if (this.#recovering || this.waits) return undefined;
    if (this.#idempotent && this.producer === undefined) return undefined;
    if (this.inFlight.length >= (this.#established ? this.#inFlightMax : 1)) return undefined;
    const batch = this.queue[0];
    // The broker remembers five batches of a producer. New ones would push one that is being sent again out of its memory, and
    // it could no longer tell whether it has that.
    if (batch?.baseSequence === undefined && this.inFlight.some((sent) => sent.attempts > 0)) return undefined;
    return batch?.ready === true ? batch : undefined;
  }

  /** Sends to this node from now on; only while nothing is in flight, since what goes two ways may arrive in another order. */
  goTo(node: Node): void {
    if (this.node === node) return;
    this.node = node;
    // It may not know this producer yet, or no more: with acks=leader a new leader may lack the last batches.
    this.#established = false;
  }

  /** Takes the batch of nextToSend() out of the queue; gives it its sequence. */
  sent(batch: Batch, nowMs: number): void {
    // The broker forgets producers that are silent for long (producerExpiryMs, a day unless configured).
    if (this.inFlight.length === 0 && nowMs - this.#lastSentMs > silenceMsMax) this.#established = false;
    this.#lastSentMs = nowMs;
    this.queue.shift();
    this.inFlight.push(batch);
    if (!this.#idempotent || batch.baseSequence !== undefined) return;
    batch.baseSequence = this.#nextSequence;
    this.#nextSequence = addSequence(this.#nextSequence, batch.recordCount);
  }

  /** The broker's answer to the first batch in flight. */
  answered(batch: Batch, outcome: ProduceOutcome): LaneNeed {
    this.#leaveFlight(batch);
    const result = outcome.kind === "response" ? outcome.response.results[0] : undefined;
    if (outcome.kind === "error") return this.#refused(batch, errorFromFields(outcome.error));
    if (result === undefined) {
      return this.#refused(batch, new VarveError("INTERNAL", "Cannot read the answer: it names no partition"));
    }
    if (result.error !== undefined) return this.#refused(batch, errorFromFields(result.error));
    this.failures = 0;
    this.#established = true;
    const ack = result.ack ?? { level: "none", leaderEpoch: -1, durableReplicas: 0 };
    if (!batch.settled) batch.acknowledge(this.partition, result.baseOffset, result.timestampMs, ack);
    return this.#afterRound("send");
  }

  /** The stream ended before the answer to this batch came. */
  lost(batch: Batch, error: VarveError): LaneNeed {
    this.#leaveFlight(batch);
    batch.uncertain = true;
    return this.#sendAgain(batch, error);
  }

  /** Gives up the batches that came before `beforeMs`. Returns what is to be done then. */
  expire(beforeMs: number): LaneNeed {
    const old = (batch: Batch): boolean => batch.sinceMs < beforeMs && !batch.settled;
    // Never sent, or refused for certain: nothing but the order of the queue depends on it.
    while (this.queue.length > 0 && old(this.queue[0]!) && this.queue[0]!.ready) {
      const batch = this.queue.shift()!;
      if (batch.baseSequence !== undefined) {
        // What is under way belongs to the old id: its answers say nothing of a new one, which begins after them.
        this.producer = undefined;
        this.#recovering = this.inFlight.length > 0;
        if (!this.#recovering) this.#newProducerId();
      }
      batch.reject(expired(batch));
    }
    // Still under way: its promises are told, its answer is waited for.
    for (const batch of [...this.inFlight, ...this.#again]) {
      if (!old(batch)) continue;
      batch.uncertain = true;
      batch.reject(expired(batch));
    }
    return this.needsProducerId ? "producer-id" : "send";
  }

  /** Gives up everything. */
  abandon(error: VarveError): void {
    const batches = [...this.inFlight, ...this.#again, ...this.queue, ...(this.open === undefined ? [] : [this.open])];
    this.queue.length = 0;
    this.#again.length = 0;
    this.open = undefined;
    for (const batch of batches) if (!batch.settled) batch.reject(error);
  }

  #leaveFlight(batch: Batch): void {
    const at = this.inFlight.indexOf(batch);
    if (at >= 0) this.inFlight.splice(at, 1);
  }

  #refused(batch: Batch, error: VarveError): LaneNeed {
    if (openOutcomes.has(error.reason)) batch.uncertain = true;
    const fenced = error.reason === "OUT_OF_ORDER_SEQUENCE" || error.reason === "INVALID_PRODUCER_EPOCH";
    // Behind a batch that failed, a gap in the sequence is to be expected.
    if (fenced && this.#recovering) return this.#sendAgain(batch, error);
    if (fenced && !batch.uncertain && this.#idempotent && batch.attempts < 3) {
      // The broker no longer knows this producer id as we do, and has not taken the batch: start anew with it.
      this.producer = undefined;
      return this.#sendAgain(batch, error);
    }
    if (error.retriable && !fenced) return this.#sendAgain(batch, error);
    if (error.reason === "UNKNOWN_TOPIC" || error.reason === "UNKNOWN_PARTITION") {
      if (this.isKnown && batch.attempts < behindTries) return this.#sendAgain(batch, error);
      this.isKnown = false;
    }
    if (!batch.settled) batch.reject(batch.uncertain ? unknownOutcome(error) : error);
    this.#recovering = this.#idempotent;
    this.producer = undefined;
    return this.#afterRound("send");
  }

  #sendAgain(batch: Batch, error: VarveError): LaneNeed {
    batch.attempts += 1;
    batch.lastError = error;
    if (this.#again.length === 0) this.failures += 1;
    this.#again.push(batch);
    this.#recovering = true;
    return this.#afterRound("backoff");
  }

  /** When the last answer of a broken round is in, its batches go back to the head of the queue. */
  #afterRound(otherwise: LaneNeed): LaneNeed {
    if (!this.#recovering) return otherwise;
    if (this.inFlight.length > 0) return "nothing";
    this.#recovering = false;
    const again = this.#again.splice(0);
    const failed = again.length > 0;
    if (failed) this.#established = false;
    // Given up while under way: what is behind it may not follow it in sequence.
    if (again.some((batch) => batch.settled)) this.producer = undefined;
    this.queue.unshift(...again.filter((batch) => !batch.settled));
    if (this.#idempotent && this.producer === undefined) this.#newProducerId();
    return failed ? "backoff" : this.needsProducerId ? "producer-id" : "send";
  }

  /** Sequences start again. What may have been appended under the old id cannot be sent under a new one. */
  #newProducerId(): void {
    if (!this.#idempotent) return;
    this.producer = undefined;
    this.#established = false;
    this.#nextSequence = 0;
    const queue = this.queue.splice(0);
    for (const batch of queue) {
      if (batch.settled) continue;
      batch.baseSequence = undefined;
      if (batch.uncertain) batch.reject(unknownOutcome(batch.lastError));
      else this.queue.push(batch);
    }
  }
}

function addSequence(sequence: number, count: number): number {
  const sum = sequence + count;
  return sum > int32Max ? sum - int32Max - 1 : sum;
}

function unknownOutcome(cause: VarveError | undefined): VarveError {
  const why = cause === undefined ? "the connection was lost" : cause.message;
  return new VarveError(
    "UNKNOWN_OUTCOME",
    `Cannot tell whether the record was written, and its batch can no longer be sent again safely: ${why}`,
    { cause },
  );
}

function expired(batch: Batch): VarveError {
  const why = batch.lastError === undefined ? "no broker took it in time" : batch.lastError.message;
  return batch.uncertain
    ? new VarveError("UNKNOWN_OUTCOME", `Cannot tell whether the record was written before time ran out: ${why}`, {
        cause: batch.lastError,
      })
    : new VarveError("REQUEST_TIMED_OUT", `Cannot send the record in time, it was not written: ${why}`, {
        retriable: true,
        cause: batch.lastError,
      });
}
