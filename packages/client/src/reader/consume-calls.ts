// SPDX-License-Identifier: Apache-2.0
// The Consume calls of a reader: for each node one with the partitions that are led there, and at most one with those that are read
// through it because their leader is not known or out of reach. One that nobody leads holds up only the latter.
//
//   nodeFor(partition 0) ── a ──┐
//   nodeFor(partition 1) ── b   ├─> call to a: 0, 2      call to b: 1
//   nodeFor(partition 2) ── a ──┘        └── lost, silent, or the leader is elsewhere ──> again, at `received`
//
// Invariants
// - A partition is in at most one call; what comes of a call that was dropped is not looked at. So records come in order, each once:
//   a new call begins at `received`, behind the last message that was taken.
// - No call is opened before the backoff of the last failure is over.

import { Metadata, type ClientReadableStream, type ServiceError } from "@grpc/grpc-js";
import { errorFromStatus, VarveError, type ConsumeRequestFields, type ConsumeResponse } from "@varve/api";
import { backoffMs } from "../backoff.ts";
import type { Timer } from "../clock.ts";
import type { Connection, Node } from "../connection.ts";
import type { PartitionProgress } from "./partition-progress.ts";

export interface ConsumeCallsOptions {
  readonly topic: string;
  /** What every call asks for, beside its partitions. */
  readonly request: Omit<ConsumeRequestFields, "topic" | "partitions">;
  /** How long to look for a broker before giving up, in ms. */
  readonly reconnectTimeoutMs: number;
}

export interface ConsumeCallsEvents {
  /** What to read now. */
  wanted(): PartitionProgress[];
  /** A message of a partition that is read. */
  received(message: ConsumeResponse): void;
  /** A call has ended because every partition of it has. */
  ended(): void;
  /** The next offset of a partition is no longer kept. @returns true: open() is called again once that is mended */
  outOfRange(): boolean;
  /** It cannot go on. */
  failed(error: VarveError): void;
}

interface Way {
  readonly node: Node;
  readonly isLeader: boolean;
}

interface Call {
  readonly way: Way;
  readonly node: Node;
  readonly stream: ClientReadableStream<ConsumeResponse>;
  readonly partitions: ReadonlySet<number>;
  lastHeardMs: number;
  /** Something came of it. */
  hasSpoken: boolean;
  /** It is being asked whether it is still there. */
  isAsked: boolean;
  /** How often it was asked in vain for records. */
  silences: number;
}

interface Trouble {
  attempts: number;
  readonly sinceMs: number;
}

/** A node that sends nothing for so long is asked whether it is there. */
const silenceMs = 2_000;
const silenceCheckMs = 500;
/** Of so many silences, at one another node is asked who leads. */
const silencesPerQuestion = 5;
/** So often a node that has not heard of the topic yet is tried again. */
const behindTries = 5;
/** Leaders that change one after the other move the calls together, not more often than this. */
const moveIntervalMs = 500;

export class ConsumeCalls {
  readonly #connection: Connection;
  readonly #options: ConsumeCallsOptions;
  readonly #events: ConsumeCallsEvents;
  readonly #calls = new Set<Call>();
  /** Partitions that were lost and have not been heard of since. */
  readonly #troubles = new Map<number, Trouble>();
  readonly #stopListening: () => void;
  #isPaused = false;
  #isClosed = false;
  #retryTimer: Timer | undefined;
  #moveTimer: Timer | undefined;
  #silenceTimer: Timer | undefined;

  constructor(connection: Connection, options: ConsumeCallsOptions, events: ConsumeCallsEvents) {
    this.#connection = connection;
    this.#options = options;
    this.#events = events;
    this.#stopListening = connection.onChange(() => this.#moveSoon());
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Opens calls for what is wanted and in none. */
  open(): void {
    if (this.#isClosed || this.#retryTimer !== undefined) return;
    const wanted = this.#events.wanted();
    const groups: { readonly way: Way; readonly partitions: PartitionProgress[] }[] = [];
    try {
      for (const progress of wanted) {
        if (this.#callOf(progress.partition) !== undefined) continue;
        const way = this.#connection.wayTo(this.#options.topic, progress.partition);
        const group = groups.find((each) => isSame(each.way, way));
        if (group === undefined) groups.push({ way, partitions: [progress] });
        else group.partitions.push(progress);
      }
    } catch (error) {
      this.#events.failed(error as VarveError);
      return;
    }
    for (const { way, partitions } of groups) {
      const before = [...this.#calls].find((call) => isSame(call.way, way));
      // One call for each way: what it had goes on in the new one.
      if (before !== undefined) {
        this.#drop(before);
        partitions.push(...wanted.filter(({ partition }) => before.partitions.has(partition)));
      }
      this.#openAt(way, partitions);
    }
    this.#armSilence();
  }

  /** Ends the calls that have one of these partitions, then opens what is wanted and in none: what else they had goes on. */
  reopen(partitions: Iterable<number>): void {
    const changed = [...partitions];
    for (const call of this.#calls) if (changed.some((partition) => call.partitions.has(partition))) this.#drop(call);
    for (const partition of changed) this.#troubles.delete(partition);
    this.open();
  }

  /** Ends all calls, and any wait; open() begins anew. */
  drop(): void {
    for (const call of this.#calls) this.#drop(call);
    this.#isPaused = false;
    this.#retryTimer?.cancel();
    this.#retryTimer = undefined;
  }

  /** For good. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#stopListening();
    this.#moveTimer?.cancel();
    this.#silenceTimer?.cancel();
    this.drop();
  }

  pause(): void {
    this.#isPaused = true;
    for (const { stream } of this.#calls) stream.pause();
  }

  resume(): void {
    this.#isPaused = false;
    const nowMs = this.#connection.clock.monotonicMs();
    for (const call of this.#calls) {
      // It was not listened to.
      call.lastHeardMs = nowMs;
      call.stream.resume();
    }
  }

  /** Waits, longer each time, then opens what is not open. Fails when a partition has been lost for too long. */
  retryLater(error: VarveError): void {
    if (this.#isClosed) return;
    const { clock } = this.#connection;
    const nowMs = clock.monotonicMs();
    let attempts = 1;
    for (const { partition } of this.#events.wanted()) {
      if (this.#callOf(partition) !== undefined) continue;
      const trouble = this.#troubles.get(partition) ?? { attempts: 0, sinceMs: nowMs };
      this.#troubles.set(partition, trouble);
      trouble.attempts += 1;
      attempts = Math.max(attempts, trouble.attempts);
      if (nowMs - trouble.sinceMs <= this.#options.reconnectTimeoutMs) continue;
      this.#events.failed(error);
      return;
    }
    if (this.#retryTimer !== undefined) return;
    const timer = clock.setTimer(backoffMs(attempts, clock.random()), () => void this.#openAgain(timer));
    this.#retryTimer = timer;
  }

  async #openAgain(timer: Timer): Promise<void> {
    // Who leads now is likely to be another one; who does not know it, passes it on.
    await this.#connection.askLeaders(this.#options.topic);
    if (this.#retryTimer !== timer) return;
    this.#retryTimer = undefined;
    this.open();
  }

  #openAt(way: Way, partitions: readonly PartitionProgress[]): void {
    const { topic, request } = this.#options;
    const ranges = partitions.map((progress) => progress.range());
    const stream = way.node.log.Consume({ ...request, topic, partitions: ranges }, new Metadata(), {});
    const call: Call = {
      way,
      node: way.node,
      stream,
      partitions: new Set(partitions.map(({ partition }) => partition)),
      lastHeardMs: this.#connection.clock.monotonicMs(),
      hasSpoken: false,
      isAsked: false,
      silences: 0,
    };
    this.#calls.add(call);
    // Events of a call that was replaced mean nothing any more.
    const isCurrent = (): boolean => this.#calls.has(call);
    stream.on("data", (message: ConsumeResponse) => {
      if (isCurrent()) this.#take(call, message);
    });
    stream.on("error", (error: ServiceError) => {
      if (isCurrent()) this.#lost(call, errorFromStatus(error));
    });
    stream.on("end", () => {
      if (isCurrent()) this.#streamEnded(call);
    });
    if (this.#isPaused) stream.pause();
  }

  #take(call: Call, message: ConsumeResponse): void {
    if (!call.partitions.has(message.partition)) return;
    this.#troubles.delete(message.partition);
    call.hasSpoken = true;
    call.silences = 0;
    call.lastHeardMs = this.#connection.clock.monotonicMs();
    this.#connection.answered(call.node);
    if (message.leader !== undefined) {
      this.#connection.learnLeader(this.#options.topic, message.partition, message.leader);
    }
    this.#events.received(message);
  }

  #streamEnded(call: Call): void {
    const isUnfinished = this.#events.wanted().some(({ partition }) => call.partitions.has(partition));
    if (isUnfinished) this.#lost(call, new VarveError("UNREACHABLE", "The broker ended the stream"));
    else {
      this.#calls.delete(call);
      this.#events.ended();
    }
  }

  #lost(call: Call, error: VarveError): void {
    this.#calls.delete(call);
    if (error.reason === "OFFSET_OUT_OF_RANGE" && this.#events.outOfRange()) return;
    // A stream that breaks for reasons of the transport has no reason of ours.
    const isTransport = error.reason === "UNREACHABLE" || error.reason === "INTERNAL" || error.reason === "CANCELLED";
    const isUnknown = error.reason === "UNKNOWN_TOPIC" || error.reason === "UNKNOWN_PARTITION";
    if (isUnknown) this.#connection.forgetTopic(this.#options.topic);
    if (!error.retriable && !isTransport && !(isUnknown && this.#mayBeBehind(call))) {
      this.#events.failed(error);
      return;
    }
    if (error.reason === "UNREACHABLE") this.#connection.unreachable(call.node);
    this.retryLater(error);
  }

  /** The topic was there when reading began: a node that was never read from and does not know it has not heard of it yet. */
  #mayBeBehind({ hasSpoken, partitions }: Call): boolean {
    const attempts = [...partitions].map((partition) => this.#troubles.get(partition)?.attempts ?? 0);
    return !hasSpoken && Math.max(...attempts) < behindTries;
  }

  #drop(call: Call): void {
    this.#calls.delete(call);
    // A cancelled call ends with an error event; nobody waits for it any more.
    call.stream.on("error", () => undefined);
    call.stream.cancel();
  }

  #callOf(partition: number): Call | undefined {
    for (const call of this.#calls) if (call.partitions.has(partition)) return call;
    return undefined;
  }

  #moveSoon(): void {
    if (this.#isClosed || this.#calls.size === 0) return;
    this.#moveTimer ??= this.#connection.clock.setTimer(moveIntervalMs, () => {
      this.#moveTimer = undefined;
      this.#move();
    });
  }

  /** Calls with a partition that has another way now are opened anew. */
  #move(): void {
    if (this.#connection.closed) return;
    const { topic } = this.#options;
    const wanted = this.#events.wanted();
    const misplaced = [...this.#calls].filter((call) =>
      wanted.some(
        ({ partition }) => call.partitions.has(partition) && this.#connection.nodeFor(topic, partition) !== call.node,
      ),
    );
    for (const call of misplaced) this.#drop(call);
    if (misplaced.length > 0) this.open();
  }

  #armSilence(): void {
    if (this.#isClosed) return;
    this.#silenceTimer ??= this.#connection.clock.setTimer(silenceCheckMs, () => {
      this.#silenceTimer = undefined;
      const beforeMs = this.#connection.clock.monotonicMs() - silenceMs;
      for (const call of this.#calls) {
        if (!this.#isPaused && !call.isAsked && call.lastHeardMs < beforeMs) void this.#askIfThere(call);
      }
      if (this.#calls.size > 0) this.#armSilence();
    });
  }

  async #askIfThere(call: Call): Promise<void> {
    call.isAsked = true;
    call.silences += 1;
    const isQuestion = call.silences % silencesPerQuestion === 0;
    const isThere = await this.#connection.stillAnswers(call.node, isQuestion ? this.#options.topic : undefined);
    call.isAsked = false;
    call.lastHeardMs = this.#connection.clock.monotonicMs();
    if (isThere || !this.#calls.has(call)) return;
    this.#drop(call);
    this.retryLater(new VarveError("UNREACHABLE", `The broker at "${call.node.address}" does not answer`));
  }
}

function isSame(a: Way, b: Way): boolean {
  return a.node === b.node && a.isLeader === b.isLeader;
}
