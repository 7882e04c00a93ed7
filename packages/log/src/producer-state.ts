/**
 * What a partition remembers of its idempotent producers, so that a batch sent twice is in the log once. A pure state
 * machine: `check` judges a batch that wants to be appended, `append` takes in one that was, live and at replay alike.
 *
 *   producer 7, epoch 2       [10-14] [15-19] [20-20] [21-29] [30-34]     next: 35
 *                              the last five batches, by sequence
 *
 *   batch arrives                                  answer
 *   epoch 1                                        refused: a newer instance has taken over
 *   epoch 3, sequence 0                            append; the list starts over
 *   epoch 3, sequence 5                            refused: a new epoch starts at 0
 *   epoch 2, 21-29                                 duplicate: the offsets it got the first time
 *   epoch 2, 35-…                                  append
 *   epoch 2, anything else                         refused: a gap, or a duplicate too old to know
 *   unknown producer, any sequence                 append: its state may have expired
 *
 * Sequences wrap from 2147483647 to 0. Five batches are what a client keeps in flight at most, so a duplicate that a client
 * of ours or of Kafka sends is always among them. State is lost on purpose only: after `expiryMs` without a batch, or when
 * `producersMax` are known and another one comes (then the one that was silent longest goes); never while a transaction is
 * open. After a truncation it is thrown away and built again from a snapshot and the batch headers (F-10).
 *
 * Transactions: batches and markers found in the log are understood, so that a log which holds some can be recovered and
 * replicated. Whether a transactional batch may be appended needs the coordinator, and the caller says that it asked.
 */
import { int32Max, isControl, isTransactional, producerBatchesRemembered } from "@varve/format";
import type { BatchHeader } from "@varve/format";

/** The fields of a batch header that matter here. */
export type ProducerBatch = Pick<
  BatchHeader,
  "baseOffset" | "lastOffsetDelta" | "attributes" | "maxTimestampMs" | "producerId" | "producerEpoch" | "baseSequence"
>;

export type ProducerRefusal = "INVALID_PRODUCER_EPOCH" | "OUT_OF_ORDER_SEQUENCE" | "INVALID_TXN_STATE";

/** The answer of `check`. */
export type ProducerVerdict =
  | { readonly kind: "append" }
  | {
      /** The batch is in the log already; answer as the first time, once that offset is committed. */
      readonly kind: "duplicate";
      readonly baseOffset: number;
      /** Inclusive. */
      readonly lastOffset: number;
      /** The largest timestamp it was stored with; its append time under LogAppendTime. */
      readonly timestampMs: number;
    }
  | {
      readonly kind: "refused";
      readonly reason: ProducerRefusal;
      readonly message: string;
      readonly producerEpoch: number;
      /** What the next batch of this epoch had to start with. */
      readonly expectedSequence: number;
      readonly foundSequence: number;
    };

/** What only the caller knows of a batch. */
export interface ProducerCheckOptions {
  /** The coordinator says that this partition belongs to the producer's open transaction. */
  readonly transactionVerified?: boolean;
  /** The producer speaks the second transaction protocol (KIP-890): without state, it starts at sequence 0. */
  readonly startsAtZero?: boolean;
}

/** A batch as remembered. */
export interface RememberedBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly firstOffset: number;
  /** Inclusive. */
  readonly lastOffset: number;
  readonly timestampMs: number;
}

/** What is known of one producer; also what `varve` shows of it. */
export interface ProducerEntry {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** Of the coordinator that wrote the last marker; -1 when none did. */
  readonly coordinatorEpoch: number;
  /** What the next batch has to start with; -1: anything will do. */
  readonly nextSequence: number;
  /** Oldest first, at most `producerBatchesRemembered`. */
  readonly batches: readonly RememberedBatch[];
  /** Wall clock of the last append, or of the replay that found it. */
  readonly lastWrittenMs: number;
  /** First offset of the open transaction; -1 when none is open. */
  readonly transactionStart: number;
}

type MutableEntry = { -readonly [Key in keyof ProducerEntry]: ProducerEntry[Key] } & { batches: RememberedBatch[] };

const append: ProducerVerdict = { kind: "append" };

export interface ProducerStateOptions {
  /** After so long without a batch a producer is forgotten. */
  readonly expiryMs: number;
  /** @default 100000 */
  readonly producersMax?: number;
}

export class ProducerState {
  readonly #options: ProducerStateOptions;
  readonly #producersMax: number;
  /** In the order of the last batch, so that what is to be forgotten comes first. */
  readonly #entries = new Map<number, MutableEntry>();

  constructor(options: ProducerStateOptions, entries: readonly ProducerEntry[] = []) {
    this.#options = options;
    this.#producersMax = options.producersMax ?? 100_000;
    for (const entry of entries) this.#entries.set(entry.producerId, { ...entry, batches: [...entry.batches] });
  }

  get producerCount(): number {
    return this.#entries.size;
  }

  /** Everything known, the producer that was silent longest first; owned copies. */
  entries(): ProducerEntry[] {
    return Array.from(this.#entries.values(), (entry) => ({ ...entry, batches: [...entry.batches] }));
  }

  /** First offset of the oldest transaction that is open, or undefined: the last stable offset ends there. */
  get firstOpenTransaction(): number | undefined {
    let first: number | undefined;
    for (const { transactionStart } of this.#entries.values()) {
      if (transactionStart >= 0 && (first === undefined || transactionStart < first)) first = transactionStart;
    }
    return first;
  }

  /**
   * Judges a batch that a client wants appended; changes nothing. Batches of the same producer that were judged before
   * must have been taken in. A batch without a producer id is always `append`. The batch has passed the checks of its
   * format (sequence not negative, no control batch).
   */
  check(batch: ProducerBatch, options: ProducerCheckOptions = {}): ProducerVerdict {
    if (batch.producerId < 0) return append;
    const entry = this.#entries.get(batch.producerId);
    if (entry === undefined) {
      if (options.startsAtZero === true && batch.baseSequence !== 0) return outOfOrder(batch, 0);
      return this.#checkTransaction(undefined, batch, options);
    }
    if (batch.producerEpoch < entry.producerEpoch) {
      const message = `Cannot append for producer ${batch.producerId}: epoch ${batch.producerEpoch} is over, it is in epoch ${entry.producerEpoch}`;
      return refused("INVALID_PRODUCER_EPOCH", message, entry.producerEpoch, entry.nextSequence, batch);
    }
    if (batch.producerEpoch > entry.producerEpoch) {
      if (batch.baseSequence !== 0) return outOfOrder(batch, 0);
      return this.#checkTransaction(entry, batch, options);
    }
    const lastSequence = lastSequenceOf(batch);
    for (const known of entry.batches) {
      if (known.firstSequence === batch.baseSequence && known.lastSequence === lastSequence) {
        const { firstOffset, lastOffset, timestampMs } = known;
        return { kind: "duplicate", baseOffset: firstOffset, lastOffset, timestampMs };
      }
    }
    if (entry.nextSequence >= 0 && batch.baseSequence !== entry.nextSequence) {
      return outOfOrder(batch, entry.nextSequence);
    }
    return this.#checkTransaction(entry, batch, options);
  }

  /**
   * Takes in a batch that has its offsets: one that `check` let pass, or one found in the log. `nowMs` is the wall clock.
   * For a transaction marker hand in what its value says of the coordinator, when it was read.
   */
  append(batch: ProducerBatch, nowMs: number, coordinatorEpoch = -1): void {
    if (batch.producerId < 0) return;
    const known = this.#entries.get(batch.producerId);
    if (isControl(batch.attributes)) this.#appendMarker(known, batch, nowMs, coordinatorEpoch);
    else this.#appendData(known, batch, nowMs);
  }

  /** Forgets producers without a batch for `expiryMs` and without an open transaction; returns how many. */
  expire(nowMs: number): number {
    let count = 0;
    for (const [producerId, entry] of this.#entries) {
      if (entry.transactionStart >= 0) continue;
      if (nowMs - entry.lastWrittenMs < this.#options.expiryMs) break;
      this.#entries.delete(producerId);
      count++;
    }
    return count;
  }

  /** Forgets up to `count` producers that were silent longest, never one with an open transaction or the last one; returns how many. */
  forgetOldest(count: number): number {
    let forgotten = 0;
    for (const [producerId, { transactionStart }] of this.#entries) {
      if (forgotten === count || this.#entries.size === 1) break;
      if (transactionStart >= 0) continue;
      this.#entries.delete(producerId);
      forgotten++;
    }
    return forgotten;
  }

  #checkTransaction(
    entry: MutableEntry | undefined,
    batch: ProducerBatch,
    options: ProducerCheckOptions,
  ): ProducerVerdict {
    const open = entry !== undefined && entry.transactionStart >= 0;
    const transactional = isTransactional(batch.attributes);
    if (open === transactional) return append;
    if (transactional && options.transactionVerified === true) return append;
    const why = open
      ? "it has a transaction open here, and the batch does not belong to it"
      : "the batch belongs to a transaction that this partition was not added to";
    const message = `Cannot append for producer ${batch.producerId}: ${why}`;
    const epoch = entry?.producerEpoch ?? batch.producerEpoch;
    return refused("INVALID_TXN_STATE", message, epoch, entry?.nextSequence ?? -1, batch);
  }

  #appendData(known: MutableEntry | undefined, batch: ProducerBatch, nowMs: number): void {
    // A log never holds this; a replayed one that does must not take the newer epoch's state away.
    if (known !== undefined && batch.producerEpoch < known.producerEpoch) return;
    const entry = known ?? newEntry(batch);
    if (batch.producerEpoch > entry.producerEpoch) {
      entry.producerEpoch = batch.producerEpoch;
      entry.batches = [];
    }
    const lastSequence = lastSequenceOf(batch);
    if (entry.batches.length === producerBatchesRemembered) entry.batches.shift();
    entry.batches.push({
      firstSequence: batch.baseSequence,
      lastSequence,
      firstOffset: batch.baseOffset,
      lastOffset: batch.baseOffset + batch.lastOffsetDelta,
      timestampMs: batch.maxTimestampMs,
    });
    entry.nextSequence = lastSequence === int32Max ? 0 : lastSequence + 1;
    if (isTransactional(batch.attributes) && entry.transactionStart < 0) entry.transactionStart = batch.baseOffset;
    this.#touch(entry, nowMs, known === undefined);
  }

  /**
   * Commit or abort: the transaction ends. A marker of a newer epoch (KIP-890) starts the sequence over; one of the same
   * epoch lets it go on, and what is remembered stays, since the batches before it may still be sent again.
   */
  #appendMarker(known: MutableEntry | undefined, batch: ProducerBatch, nowMs: number, coordinatorEpoch: number): void {
    const entry = known ?? newEntry(batch);
    if (batch.producerEpoch > entry.producerEpoch) {
      entry.producerEpoch = batch.producerEpoch;
      entry.batches = [];
      entry.nextSequence = 0;
    }
    entry.transactionStart = -1;
    entry.coordinatorEpoch = Math.max(entry.coordinatorEpoch, coordinatorEpoch);
    this.#touch(entry, nowMs, known === undefined);
  }

  /** Makes the entry the one that was written last, and makes room when it is one too many. */
  #touch(entry: MutableEntry, nowMs: number, isNew: boolean): void {
    entry.lastWrittenMs = nowMs;
    this.#entries.delete(entry.producerId);
    this.#entries.set(entry.producerId, entry);
    if (!isNew || this.#entries.size <= this.#producersMax) return;
    for (const [producerId, { transactionStart }] of this.#entries) {
      if (transactionStart >= 0) continue;
      if (producerId !== entry.producerId) this.#entries.delete(producerId);
      return;
    }
  }
}

function newEntry(batch: ProducerBatch): MutableEntry {
  return {
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    coordinatorEpoch: -1,
    nextSequence: -1,
    batches: [],
    lastWrittenMs: 0,
    transactionStart: -1,
  };
}

/** By the last offset, not by the count of records: compaction takes records away and leaves the last offset. */
function lastSequenceOf(batch: ProducerBatch): number {
  return (batch.baseSequence + batch.lastOffsetDelta) % (int32Max + 1);
}

function outOfOrder(batch: ProducerBatch, expected: number): ProducerVerdict {
  const message = `Cannot append for producer ${batch.producerId} in epoch ${batch.producerEpoch}: sequence ${batch.baseSequence} where ${expected} comes next`;
  return refused("OUT_OF_ORDER_SEQUENCE", message, batch.producerEpoch, expected, batch);
}

function refused(
  reason: ProducerRefusal,
  message: string,
  producerEpoch: number,
  expectedSequence: number,
  batch: ProducerBatch,
): ProducerVerdict {
  return { kind: "refused", reason, message, producerEpoch, expectedSequence, foundSequence: batch.baseSequence };
}
