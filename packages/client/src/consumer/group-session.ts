// SPDX-License-Identifier: Apache-2.0
// A member's session: one stream to any node, joined again after it breaks, heartbeats by a timer of its own, whatever the handler does.
//
//   open() ─> joining ─ joined ─> in the group ─ leave() ─> left
//                ^                     │ broken: its place waits for the session timeout
//                └── backoff, perhaps another node ──┘
//
// Invariants
// - isAlive is false from a session timeout after the last sign of life that the broker is known to have: somebody else may have
//   the member's partitions by then. What the member had is told to be gone (expelled) before it joins again.
// - Nothing is told after close().

import { Metadata, type ClientDuplexStream, type ServiceError } from "@grpc/grpc-js";
import {
  errorFromStatus,
  positionToMessage,
  VarveError,
  type AssignmentOutput,
  type CommitResultOutput,
  type JoinRequestMessage,
  type JoinResponseOutput,
  type Position,
} from "@varve/api";
import { randomUUID } from "node:crypto";
import { backoffMs } from "../backoff.ts";
import type { Timer } from "../clock.ts";
import type { Connection, Node } from "../connection.ts";
import type { NamedPartition } from "./claim.ts";
import { isOfNobody } from "./commit-queue.ts";

export interface GroupSessionOptions {
  readonly group: string;
  readonly topics: readonly string[];
  /** Empty: none. */
  readonly pattern: string;
  /** Empty: none. */
  readonly instanceId: string;
  /** Empty: the broker's default. */
  readonly assignor: string;
  readonly start: Position;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly clientId: string;
  /** How long to look for a broker that takes the member, in ms. */
  readonly reconnectTimeoutMs: number;
}

export interface GroupSessionEvents {
  /** What the member has. */
  owned(): NamedPartition[];
  /** The first one of a session names all that the member has. */
  assigned(assignment: AssignmentOutput): void;
  committed(result: CommitResultOutput): void;
  /** The broker is known to count the member in. */
  heard(): void;
  /** The stream is gone; the member has its partitions still. */
  interrupted(): void;
  /** The member has nothing any more. */
  expelled(): void;
  /** The group is at its end. */
  finished(): void;
  /** There will be no session any more. */
  failed(error: VarveError): void;
}

interface Stream {
  readonly node: Node;
  readonly call: ClientDuplexStream<JoinRequestMessage, JoinResponseOutput>;
  readonly openedMs: number;
  isJoined: boolean;
  /** It is being asked whether its node is there. */
  isAsked: boolean;
  /** When the heartbeats went out that are not answered, by the monotonic clock. */
  readonly beats: number[];
}

/** A session that broke sooner is no success: the next try waits longer than this one did. */
const steadyMs = 5_000;
/** So long a leaving member waits for the end of its stream, at least. */
const leaveMsMin = 100;
/** And one that was not let in yet, at most. */
const leaveJoiningMsMax = 1_000;

export class GroupSession {
  readonly #connection: Connection;
  readonly #options: GroupSessionOptions;
  readonly #events: GroupSessionEvents;
  #stream: Stream | undefined;
  #memberId = "";
  /** What it wants to be called: a join that is sent again, since its answer was lost, is of the same member. */
  #newMemberId: string;
  #sessionTimeoutMs: number;
  #heartbeatMs = 0;
  /** The broker had a sign of life after this moment; undefined: never. */
  #heardMs: number | undefined;
  /** Since when it is in no session; undefined: it is in one, or has not begun. */
  #outSinceMs: number | undefined;
  /** When the first try failed since it was in a session last; undefined: none did. */
  #troubleSinceMs: number | undefined;
  #attempts = 0;
  #retryTimer: Timer | undefined;
  #beatTimer: Timer | undefined;
  #expiryTimer: Timer | undefined;
  #isClosed = false;

  constructor(connection: Connection, options: GroupSessionOptions, events: GroupSessionEvents) {
    this.#connection = connection;
    this.#options = options;
    this.#events = events;
    this.#sessionTimeoutMs = options.sessionTimeoutMs;
    this.#newMemberId = newMemberIdOf(options);
  }

  /** As the broker knows it; empty before it has joined. */
  get memberId(): string {
    return this.#memberId;
  }

  /** Since when it is in no session, by the monotonic clock; undefined: it is in one, or has not begun. */
  get outSinceMs(): number | undefined {
    return this.#outSinceMs;
  }

  /** Whether the member's partitions are its own still, as far as time tells. */
  get isAlive(): boolean {
    const { clock } = this.#connection;
    return this.#heardMs !== undefined && clock.monotonicMs() - this.#heardMs < this.#sessionTimeoutMs;
  }

  open(): void {
    if (this.#isClosed || this.#stream !== undefined || this.#retryTimer !== undefined) return;
    let node: Node;
    try {
      node = this.#connection.node();
    } catch (error) {
      this.#fail(error as VarveError);
      return;
    }
    // Before it says what it has: after so long that is nothing.
    if (this.#heardMs !== undefined && !this.isAlive) this.#expelled();
    // Whoever heard that may have closed it.
    if (this.#isClosed) return;
    const call = node.groups.Join(new Metadata(), {});
    const openedMs = this.#connection.clock.monotonicMs();
    this.#outSinceMs ??= openedMs;
    const stream: Stream = { node, call, openedMs, isJoined: false, isAsked: false, beats: [] };
    this.#stream = stream;
    const isCurrent = (): boolean => this.#stream === stream;
    call.on("data", (message: JoinResponseOutput) => {
      if (isCurrent() && !this.#isClosed) this.#take(stream, message);
    });
    call.on("error", (error: ServiceError) => {
      if (isCurrent()) this.#lost(stream, errorFromStatus(error));
    });
    call.on("end", () => {
      if (isCurrent()) this.#lost(stream, new VarveError("UNREACHABLE", "The broker ended the member's session"));
    });
    call.write({ join: this.#subscription() });
    this.#armBeat(stream, Math.min(this.#sessionTimeoutMs, 3_000));
  }

  /** @returns false when there is no stream to send it on */
  send(message: JoinRequestMessage): boolean {
    if (this.#isClosed || this.#stream?.isJoined !== true) return false;
    this.#stream.call.write(message);
    return true;
  }

  /** The group does not know the member any more, as an answer said: it joins anew. */
  rejoin(error: VarveError): void {
    const stream = this.#stream;
    if (stream === undefined || this.#isClosed) return;
    this.#drop();
    this.#lost(stream, error);
  }

  /** Leaves the group, and ends. Resolves when the broker knows it, or time is up. */
  async leave({ willReturn, timeoutMs }: { willReturn: boolean; timeoutMs: number }): Promise<void> {
    const stream = this.#stream;
    if (this.#isClosed || stream === undefined) {
      this.close();
      return;
    }
    // A join that is on its way lets it in all the same, for as long as a session: the goodbye follows it, though nobody may be there.
    const waitMs = stream.isJoined ? timeoutMs : Math.min(timeoutMs, leaveJoiningMsMax);
    this.#isClosed = true;
    this.#stopTimers();
    const { call } = stream;
    await new Promise<void>((resolve) => {
      const timer = this.#connection.clock.setTimer(Math.max(leaveMsMin, waitMs), resolve);
      const ended = (): void => {
        timer.cancel();
        resolve();
      };
      call.on("error", ended);
      call.on("end", ended);
      call.write({ leave: { willReturn } });
      call.end();
    });
    this.#drop();
  }

  /** Ends without a word: the group keeps the member's place until its session times out. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#stopTimers();
    this.#drop();
  }

  #subscription(): NonNullable<JoinRequestMessage["join"]> {
    const { group, topics, pattern, instanceId, assignor, start, rebalanceTimeoutMs, clientId } = this.#options;
    return {
      group,
      instanceId,
      topics: [...topics],
      sessionTimeoutMs: this.#options.sessionTimeoutMs,
      assignor,
      start: positionToMessage(start),
      topicPattern: pattern,
      rebalanceTimeoutMs,
      memberId: this.#memberId,
      clientId,
      newMemberId: this.#newMemberId,
      owned: this.#events.owned().map(({ topic, partition, topicId }) => ({ topic, partition, topicId })),
    };
  }

  #take(stream: Stream, message: JoinResponseOutput): void {
    this.#connection.answered(stream.node);
    switch (message.message) {
      case "joined":
        this.#joined(stream, message.joined!);
        return;
      case "heartbeat":
        this.#heard(stream.beats.shift() ?? stream.openedMs);
        return;
      case "assignment":
        this.#events.assigned(message.assignment!);
        return;
      case "commit":
        this.#events.committed(message.commit!);
        return;
      case "finished":
        this.close();
        this.#events.finished();
        return;
      case undefined:
        // Something that a newer broker says.
        return;
    }
  }

  #joined(stream: Stream, joined: NonNullable<JoinResponseOutput["joined"]>): void {
    stream.isJoined = true;
    this.#outSinceMs = undefined;
    this.#troubleSinceMs = undefined;
    this.#memberId = joined.memberId;
    if (joined.sessionTimeoutMs > 0) this.#sessionTimeoutMs = joined.sessionTimeoutMs;
    this.#heartbeatMs = joined.heartbeatIntervalMs;
    this.#heard(stream.openedMs);
    this.#armBeat(stream, this.#beatMs());
  }

  #beatMs(): number {
    return this.#heartbeatMs > 0 ? this.#heartbeatMs : Math.max(1, Math.floor(this.#sessionTimeoutMs / 3));
  }

  #heard(sentMs: number): void {
    this.#heardMs = Math.max(sentMs, this.#heardMs ?? sentMs);
    this.#armExpiry();
    this.#events.heard();
  }

  #armExpiry(): void {
    this.#expiryTimer?.cancel();
    const leftMs = (this.#heardMs ?? 0) + this.#sessionTimeoutMs - this.#connection.clock.monotonicMs();
    this.#expiryTimer = this.#connection.clock.setTimer(Math.max(1, leftMs), () => {
      if (this.#isClosed) return;
      // Timers may be early.
      if (this.isAlive) this.#armExpiry();
      else this.#expired();
    });
    this.#expiryTimer.unref?.();
  }

  #expired(): void {
    const stream = this.#stream;
    if (stream?.isJoined === true) this.#drop();
    this.#expelled();
    if (stream?.isJoined !== true) return;
    this.#lost(stream, new VarveError("UNREACHABLE", `The broker at "${stream.node.address}" says nothing any more`));
  }

  #armBeat(stream: Stream, delayMs: number): void {
    this.#beatTimer?.cancel();
    this.#beatTimer = this.#connection.clock.setTimer(delayMs, () => {
      if (this.#stream !== stream || this.#isClosed) return;
      const openMs = this.#connection.clock.monotonicMs() - stream.openedMs;
      if (!stream.isJoined && openMs >= this.#connection.requestTimeoutMs) {
        // Its node answers questions, and does not let the member in: another one may.
        this.#drop();
        const why = `The broker at "${stream.node.address}" lets nobody in`;
        this.#lost(stream, new VarveError("REQUEST_TIMED_OUT", why, { retriable: true }));
        return;
      }
      // No answer since the beat before: is there anybody?
      if (!stream.isJoined || stream.beats.length > 0) void this.#askIfThere(stream);
      if (stream.isJoined) {
        stream.beats.push(this.#connection.clock.monotonicMs());
        stream.call.write({ heartbeat: {} });
      }
      this.#armBeat(stream, stream.isJoined ? this.#beatMs() : Math.min(this.#sessionTimeoutMs, 3_000));
    });
    this.#beatTimer.unref?.();
  }

  async #askIfThere(stream: Stream): Promise<void> {
    if (stream.isAsked) return;
    stream.isAsked = true;
    const isThere = await this.#connection.stillAnswers(stream.node);
    stream.isAsked = false;
    if (isThere || this.#stream !== stream || this.#isClosed) return;
    this.#drop();
    this.#lost(stream, new VarveError("UNREACHABLE", `The broker at "${stream.node.address}" does not answer`));
  }

  #lost(stream: Stream, error: VarveError): void {
    this.#stream = undefined;
    this.#beatTimer?.cancel();
    if (this.#isClosed) return;
    const { clock } = this.#connection;
    const nowMs = clock.monotonicMs();
    // From the first failure on: how long nobody used the consumer before says nothing of the broker.
    this.#troubleSinceMs ??= nowMs;
    this.#outSinceMs ??= nowMs;
    this.#events.interrupted();
    if (isOfNobody(error)) {
      this.#expelled();
      this.#memberId = "";
      this.#newMemberId = newMemberIdOf(this.#options);
    } else {
      // A stream that breaks for reasons of the transport has no reason of ours.
      const isTransport = ["UNREACHABLE", "INTERNAL", "CANCELLED"].includes(error.reason);
      const isOver = nowMs - this.#troubleSinceMs > this.#options.reconnectTimeoutMs;
      if ((!error.retriable && !isTransport) || isOver) {
        this.#fail(error);
        return;
      }
      if (error.reason === "UNREACHABLE") this.#connection.unreachable(stream.node);
    }
    const wasSteady = stream.isJoined && nowMs - stream.openedMs >= steadyMs;
    this.#attempts = wasSteady ? 1 : this.#attempts + 1;
    this.#retryTimer = clock.setTimer(backoffMs(this.#attempts, clock.random()), () => {
      this.#retryTimer = undefined;
      this.open();
    });
  }

  #expelled(): void {
    this.#heardMs = undefined;
    this.#expiryTimer?.cancel();
    this.#events.expelled();
  }

  #fail(error: VarveError): void {
    if (this.#isClosed) return;
    this.close();
    this.#events.failed(error);
  }

  #drop(): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    this.#stream = undefined;
    // A cancelled call ends with an error event; nobody waits for it any more.
    stream.call.on("error", () => undefined);
    stream.call.cancel();
  }

  #stopTimers(): void {
    this.#retryTimer?.cancel();
    this.#beatTimer?.cancel();
    this.#expiryTimer?.cancel();
  }
}

/** The group takes 16 to 249 characters. */
function newMemberIdOf({ clientId }: GroupSessionOptions): string {
  return `${clientId.slice(0, 200)}-${randomUUID()}`;
}
