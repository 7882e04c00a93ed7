/**
 * Group commit of the node: what all partitions queued while one round was on its way to the disk is the next round.
 *
 *   append ─┐                       ┌─ round 7: one write, one sync ─┐
 *   append ─┼─▶ queue ─(next turn)─▶┤                                ├─▶ everything in it counts at once
 *   record ─┘      ▲                └────────────────────────────────┘
 *                  └── fills for round 8 meanwhile
 *
 * One round is outstanding at a time (J-4), in the order of the queue, which is the order of replay. No promise and no
 * closure per batch: an owner hears once per round and partition. When nothing comes for 10 ms an empty round seals the
 * last one (J-6); then there is no timer at all.
 */
import type { Clock, Timer } from "./clock.ts";
import { LogError } from "./errors.ts";
import { invariant } from "./invariant.ts";
import { roundLengthBytes } from "./journal-round.ts";
import type { JournalRecord, SyncPromise } from "./journal-round.ts";

/** Whose records a round carries. */
export interface RoundOwner {
  /** The record is durable, and with it everything before it in the queue. Called in the order of the queue. */
  recordDurable(record: JournalRecord, roundNumber: number): void;
  /** Called once per round after all of its records: time to tell whoever waits. */
  roundEnded(roundNumber: number, bytes: number): void;
}

/** What makes a round durable. Errors are fatal for the node (J-14). */
export interface RoundWriter {
  /** Number of the next round. */
  readonly nextRound: number;
  /** Bytes that one round may have. */
  readonly roundBytesMax: number;
  write(promises: readonly SyncPromise[], records: readonly JournalRecord[]): Promise<void>;
}

export interface GroupCommitOptions {
  readonly writer: RoundWriter;
  readonly clock: Clock;
  readonly onFatal: (error: unknown) => void;
  /** After each round: the journal has grown, a checkpoint may be due. */
  readonly onRound?: (round: CommittedRound) => void;
}

/** What one round did. */
export interface CommittedRound {
  /** Records of all partitions; 0 for a round that only seals, or promises. */
  readonly records: number;
  /** Of batches. */
  readonly bytes: number;
  /** From the start of the write to the end of the sync. */
  readonly ms: number;
}

interface Item {
  readonly owner: RoundOwner;
  readonly record: JournalRecord;
}

/** J-6: how long nothing happens before the last round is sealed. */
const sealAfterMs = 10;
/** J-9: how long a promise may wait for another round to take it. */
const promiseAfterMs = 100;
/** A promise is in both copies of the table. */
const promisePairBytes = 56;

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #queue: Item[] = [];
  #head = 0;
  /** Offsets synced in segments of direct partitions that no round has promised yet (J-9). */
  readonly #promises = new Map<string, SyncPromise>();
  #isScheduled = false;
  #isWriting = false;
  #isStopped = false;
  /** The last round had records, and no later one proves that it counted. */
  #isUnsealed = false;
  #sealTimer: Timer | undefined;
  #promiseTimer: Timer | undefined;
  #idleWaiters: (() => void)[] = [];

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /** Bytes and records in the queue are bounded by the store's `admit`. */
  enqueue(owner: RoundOwner, record: JournalRecord): void {
    this.#queue.push({ owner, record });
    this.#schedule();
  }

  /** The segment of a direct partition is synced up to `offset`: the next round says so (J-9). */
  promise(key: string, promise: SyncPromise): void {
    // J-9: the last value, not the largest.
    this.#promises.set(key, promise);
    if (this.#promiseTimer !== undefined || this.#isStopped) return;
    this.#promiseTimer = this.#options.clock.setTimer(promiseAfterMs, () => {
      this.#promiseTimer = undefined;
      if (this.#promises.size > 0) this.#start();
    });
  }

  /** A truncation or a barrier is about to be journaled: what was promised before does not hold any more (J-9). */
  withdrawPromise(key: string): void {
    this.#promises.delete(key);
  }

  /** Bytes that one append may have. */
  get recordBytesMax(): number {
    // Both tables with one record and the padding fit two pages; promises have a quarter of the round.
    return this.#options.writer.roundBytesMax * 0.75 - 8192;
  }

  /** Resolves when nothing is queued or on its way. Errors: `CLOSED` after `stop`. */
  async idle(): Promise<void> {
    for (;;) {
      if (this.#isStopped) throw new LogError("CLOSED", "The journal takes nothing more.");
      if (!this.#isWriting && this.#head === this.#queue.length) return;
      await new Promise<void>((resolve) => {
        this.#idleWaiters.push(resolve);
      });
    }
  }

  /** Makes everything queued durable, and seals it. For a clean end. */
  async seal(): Promise<void> {
    await this.idle();
    if (this.#isUnsealed || this.#promises.size > 0) {
      this.#start();
      await this.idle();
    }
  }

  /** Nothing is written any more; what is queued never counts. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTimers();
    this.#queue = [];
    this.#head = 0;
    for (const waiter of this.#idleWaiters.splice(0)) waiter();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isWriting || this.#isStopped) return;
    this.#isScheduled = true;
    // J-4: gather what this turn of the event loop brings.
    this.#options.clock.nextTurn(() => {
      this.#isScheduled = false;
      this.#start();
    });
  }

  #start(): void {
    if (this.#isWriting || this.#isStopped) return;
    this.#cancelTimers();
    this.#isWriting = true;
    const promises = this.#takePromises();
    const items = this.#take(promises.length);
    const records = items.map((item) => item.record);
    const number = this.#options.writer.nextRound;
    const startMs = this.#options.clock.monotonicMs();
    // J-4: one round outstanding; it counts when write and sync have ended, never before.
    this.#options.writer.write(promises, records).then(
      () => this.#ended(items, number, this.#options.clock.monotonicMs() - startMs),
      (error: unknown) => {
        this.stop();
        this.#options.onFatal(error);
      },
    );
  }

  /** The items of the next round: a prefix of the queue, as much as a round may hold. */
  #take(promiseCount: number): Item[] {
    const bytesMax = this.#options.writer.roundBytesMax;
    let payloadBytes = 0;
    let end = this.#head;
    for (; end < this.#queue.length; end += 1) {
      const bytes = this.#queue[end]?.record.bytes?.length ?? 0;
      if (roundLengthBytes(promiseCount, end - this.#head + 1, payloadBytes + bytes) > bytesMax) break;
      payloadBytes += bytes;
    }
    invariant(end > this.#head || this.#head === this.#queue.length, () => "a record larger than a round was queued");
    const items = this.#queue.slice(this.#head, end);
    this.#head = end;
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    }
    return items;
  }

  /** As many as a quarter of a round holds; the rest waits for the next. */
  #takePromises(): SyncPromise[] {
    const countMax = Math.floor(this.#options.writer.roundBytesMax / 4 / promisePairBytes);
    const taken: SyncPromise[] = [];
    for (const [key, promise] of this.#promises) {
      if (taken.length === countMax) break;
      taken.push(promise);
      this.#promises.delete(key);
    }
    return taken;
  }

  #ended(items: readonly Item[], number: number, ms: number): void {
    if (this.#isStopped) return;
    this.#isWriting = false;
    this.#isUnsealed = items.length > 0;
    const bytesOf = new Map<RoundOwner, number>();
    for (const { owner, record } of items) {
      owner.recordDurable(record, number);
      bytesOf.set(owner, (bytesOf.get(owner) ?? 0) + (record.bytes?.length ?? 0));
    }
    let roundBytes = 0;
    for (const [owner, bytes] of bytesOf) {
      roundBytes += bytes;
      owner.roundEnded(number, bytes);
    }
    this.#options.onRound?.({ records: items.length, bytes: roundBytes, ms });
    if (this.#head < this.#queue.length) {
      this.#schedule();
      return;
    }
    for (const waiter of this.#idleWaiters.splice(0)) waiter();
    if (this.#isUnsealed && !this.#isStopped) {
      this.#sealTimer = this.#options.clock.setTimer(sealAfterMs, () => {
        this.#sealTimer = undefined;
        this.#start();
      });
    }
  }

  #cancelTimers(): void {
    this.#sealTimer?.cancel();
    this.#sealTimer = undefined;
    this.#promiseTimer?.cancel();
    this.#promiseTimer = undefined;
  }
}
