/**
 * A partition that another node leads, for one reader here: what is read next is fetched from the leader while the reader waits. It
 * follows the leader when that changes, so that a reader hears nothing of a failover.
 *
 *     readCached ── empty ──> waitForRecords ──> Fetch at the leader, which waits there ──> bytes ──> wake ──> readCached
 *
 * Invariant: one Fetch is under way, or one answer is held; never both.
 */
import { type ConsumeResponse, type FetchRequestFields, type LeaderHint, decodeConsumeResponse } from "@varve/api";
import type { PartitionId, ReadOptions, ReadResult } from "@varve/log";
import type { TopicMetrics } from "../../metrics/topic-metrics.ts";
import { type Refusal, isRefusal, refuse } from "../../refusal.ts";
import type { ReadWaiter } from "../partition.ts";
import type { ReadSource } from "../read-source.ts";
import type { TimingWheel, WheelEntry } from "../timing-wheel.ts";
import type { Forwarding } from "./forwarding.ts";

export interface RemotePartitionOptions {
  readonly id: PartitionId;
  readonly metrics: TopicMetrics;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  /** The epoch that the reader knows, told to the leader with the first Fetch (H-7). */
  readonly currentLeaderEpoch: number | undefined;
  /** Of one Fetch, at most. */
  readonly readBytes: number;
  /** Whose rate holds at the leader. Empty: nobody's. */
  readonly group: string;
}

export interface RemotePartitionDependencies {
  readonly forwarding: Forwarding;
  readonly wheel: TimingWheel;
  readonly monotonicMs: () => number;
  /** Who leads now; undefined: nobody, or this node. */
  readonly leader: () => number | undefined;
  /** Why no other node will ever answer: the topic is gone, or this node leads the partition; undefined while one may. */
  readonly whyNotRemote: () => Refusal | undefined;
  readonly hint: () => LeaderHint;
}

/** A Fetch waits so long at the leader. */
const waitMs = 5_000;
const forwardGraceMs = 5_000;
const retryMs = 100;
/** Of a Fetch that waits for what is not there yet: many may come at once. */
const newBytes = 32 * 1024;
/** Without an answer from any leader for so long, the reader is told. */
const patienceMs = 10_000;
const passing = new Set(["NOT_LEADER", "LEADER_NOT_AVAILABLE", "REQUEST_TIMED_OUT", "SHUTTING_DOWN", "UNKNOWN_TOPIC"]);

export class RemotePartition implements ReadSource {
  readonly topic: string;
  readonly partition: number;
  readonly metrics: TopicMetrics;
  readonly log: ReadSource["log"];
  readonly #options: RemotePartitionOptions;
  readonly #dependencies: RemotePartitionDependencies;
  #highWatermark: number;
  #logStartOffset: number;
  #leaderEpoch = -1;
  #isFirst = true;
  /** Where the reader is, and how much it takes at once. */
  #offset = -1;
  #maxBytes: number;
  /** Of the Fetch under way: not more than the reader knows of. */
  #askedBytes = newBytes;
  #held: { readonly offset: number; readonly bytes: Uint8Array; readonly nextOffset: number } | undefined;
  #waiter: ReadWaiter | undefined;
  #call: { cancel(): void } | undefined;
  #pause: WheelEntry | undefined;
  #failingSinceMs: number | undefined;
  #closedBy: Refusal | undefined;

  constructor(options: RemotePartitionOptions, dependencies: RemotePartitionDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.topic = options.id.topic;
    this.partition = options.id.partition;
    this.metrics = options.metrics;
    this.#highWatermark = options.highWatermark;
    this.#logStartOffset = options.logStartOffset;
    this.#maxBytes = options.readBytes;
    this.log = this.#asLog();
  }

  get closedBy(): Refusal | undefined {
    return this.#closedBy;
  }

  get hint(): LeaderHint {
    return this.#dependencies.hint();
  }

  get comingBytes(): number {
    if (this.#held !== undefined) return this.#held.bytes.length;
    return this.#failingSinceMs === undefined && this.#offset < this.#highWatermark ? this.#maxBytes : 0;
  }

  giveBack(): void {
    this.#held = undefined;
  }

  waitForRecords(waiter: ReadWaiter): void {
    this.#waiter = waiter;
    this.#askedBytes = this.comingBytes || Math.min(this.#maxBytes, newBytes);
    this.#fetch();
  }

  stopWaiting(waiter: ReadWaiter): void {
    if (this.#waiter !== waiter) return;
    this.#waiter = undefined;
    this.#pause?.cancel();
    this.#pause = undefined;
    this.#call?.cancel();
    this.#call = undefined;
  }

  #asLog(): ReadSource["log"] {
    const here = (options: ReadOptions): ReadResult => this.#take(options);
    const watermarkHere = (): number => this.#highWatermark;
    const startHere = (): number => this.#logStartOffset;
    const epochHere = (): number => this.#leaderEpoch;
    return {
      id: this.#options.id,
      readCached: here,
      read: (options) => Promise.resolve(here(options)),
      get highWatermark() {
        return watermarkHere();
      },
      get logStartOffset() {
        return startHere();
      },
      get leaderEpoch() {
        return epochHere();
      },
    };
  }

  #take({ offset, maxBytes }: ReadOptions): ReadResult {
    const held = this.#held;
    this.#held = undefined;
    this.#offset = offset;
    this.#maxBytes = Math.min(maxBytes, this.#options.readBytes);
    if (held?.offset !== offset) return { kind: "empty" };
    return { kind: "batches", bytes: held.bytes, nextOffset: held.nextOffset };
  }

  #fetch(): void {
    const { forwarding, leader, whyNotRemote } = this.#dependencies;
    this.#closedBy = whyNotRemote();
    if (this.#closedBy !== undefined) {
      this.#wake();
      return;
    }
    const there = leader();
    if (there === undefined) {
      this.#failed(
        refuse("LEADER_NOT_AVAILABLE", `Cannot read "${this.topic}" ${this.partition}: no other node leads it now`),
      );
      return;
    }
    const { currentLeaderEpoch, group } = this.#options;
    const request: FetchRequestFields = {
      topic: this.topic,
      // Not another one that has its name by now: its records would follow those of this one.
      topicId: this.#options.id.topicId,
      partition: this.partition,
      start: { kind: "offset", offset: this.#offset },
      format: "batches",
      maxBytes: this.#askedBytes,
      minBytes: 1,
      maxWaitMs: waitMs,
      group,
      ...(this.#isFirst && currentLeaderEpoch !== undefined ? { currentLeaderEpoch } : {}),
    };
    const askedMs = this.#dependencies.monotonicMs();
    let mine: { cancel(): void } | undefined;
    const answer = forwarding.unary<ConsumeResponse>(there, "Fetch", request, {
      timeoutMs: waitMs + forwardGraceMs,
      answer: decodeConsumeResponse,
      started: (call) => {
        mine = call;
        this.#call = call;
      },
    });
    void answer.then((result) => {
      if (this.#waiter === undefined || this.#call !== mine) return;
      this.#call = undefined;
      if (isRefusal(result)) this.#failed(result);
      else this.#fetched(result, askedMs);
    });
  }

  #fetched({ batches, nextOffset, highWatermark, logStartOffset, leader }: ConsumeResponse, askedMs: number): void {
    this.#failingSinceMs = undefined;
    this.#isFirst = false;
    this.#highWatermark = Math.max(this.#highWatermark, highWatermark);
    this.#logStartOffset = logStartOffset;
    this.#leaderEpoch = leader?.leaderEpoch ?? this.#leaderEpoch;
    if (batches.length === 0) {
      // A leader at which too many wait answers at once: it is not asked again and again.
      if (this.#dependencies.monotonicMs() - askedMs < retryMs) this.#fetchLater();
      else this.#fetch();
      return;
    }
    this.#held = { offset: this.#offset, bytes: batches, nextOffset };
    this.#wake();
  }

  /**
   * A leader that is gone, or not yet one, is waited for, and one that knows no such topic: one of the two nodes is behind. Whatever else it
   * says is for the reader.
   */
  #failed(refusal: Refusal): void {
    const nowMs = this.#dependencies.monotonicMs();
    this.#failingSinceMs ??= nowMs;
    if (passing.has(refusal.reason) && nowMs - this.#failingSinceMs < patienceMs) {
      this.#askedBytes = Math.min(this.#askedBytes, newBytes);
      this.#waiter?.letGo?.();
      this.#fetchLater();
      return;
    }
    this.#closedBy = refusal;
    this.#wake();
  }

  #fetchLater(): void {
    this.#pause = this.#dependencies.wheel.schedule(retryMs, () => {
      this.#pause = undefined;
      if (this.#waiter !== undefined) this.#fetch();
    });
  }

  #wake(): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.wake();
  }
}
