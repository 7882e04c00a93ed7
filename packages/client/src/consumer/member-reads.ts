// SPDX-License-Identifier: Apache-2.0
// What a member reads: of each topic the claims that are to be read, into one prefetch that is bounded for all of them together.
//
//   TopicReads (a topic) ──┐
//   TopicReads (a topic) ──┴─> Prefetch ── take() ─>      full: the brokers are held back
//
// Invariant: nothing is received of a claim that was stopped or dropped. One partition whose records nobody takes does not keep the
// others from theirs: it is received no further (stalled) until what is here of it is taken.

import { type ConsumeResponse, type VarveError } from "@varve/api";
import type { Admin } from "../admin.ts";
import type { Timer } from "../clock.ts";
import type { Connection } from "../connection.ts";
import type { Claim } from "./claim.ts";
import type { ConsumerSettings } from "./consumer-options.ts";
import { Prefetch } from "./prefetch.ts";
import { TopicReads } from "./topic-reads.ts";

/** Something to do, in the order of its partition. */
export interface Handed {
  readonly claim: Claim;
  readonly message: ConsumeResponse;
}

export interface MemberReadsEvents {
  /** There may be something to take. */
  received(): void;
  /** Reading cannot go on. */
  failed(error: VarveError): void;
}

export class MemberReads {
  readonly #connection: Connection;
  readonly #admin: Admin;
  readonly #settings: ConsumerSettings;
  /** The member's, by key. */
  readonly #claims: ReadonlyMap<string, Claim>;
  readonly #events: MemberReadsEvents;
  readonly #reads = new Map<string, TopicReads>();
  readonly #prefetch: Prefetch;
  readonly #goneTimers = new Set<Timer>();
  #isHeldBack = false;

  constructor(
    connection: Connection,
    admin: Admin,
    settings: ConsumerSettings,
    claims: ReadonlyMap<string, Claim>,
    events: MemberReadsEvents,
  ) {
    this.#connection = connection;
    this.#admin = admin;
    this.#settings = settings;
    this.#claims = claims;
    this.#events = events;
    this.#prefetch = new Prefetch(settings.prefetchBytes);
  }

  /** Nothing that was received is here. */
  get isEmpty(): boolean {
    return this.#prefetch.isEmpty;
  }

  /** The next message of a claim that is welcome; undefined: none is here. */
  take(isWelcome?: (claim: Claim) => boolean): Handed | undefined {
    const handed = this.#prefetch.take(isWelcome);
    if (handed === undefined) {
      if (isWelcome !== undefined && this.#isStarving(isWelcome)) this.#makeRoom();
      return undefined;
    }
    const { claim } = handed;
    if (claim.progress.stalled && !this.#prefetch.has(claim)) this.#stall(claim, false);
    this.#balance();
    return handed;
  }

  /** Reads these from where they are, in the place of any earlier claims of the same partitions. */
  read(claims: readonly Claim[]): void {
    for (const [topic, some] of byTopic(claims)) this.#readsOf(topic).add(some);
    this.#balance();
  }

  /** Reads these no more, and forgets what is here of them. */
  stop(claims: readonly Claim[]): void {
    for (const claim of claims) this.#prefetch.drop(claim);
    for (const [topic, some] of byTopic(claims)) {
      const reads = this.#reads.get(topic);
      reads?.remove(some);
      if (reads?.isEmpty !== true) continue;
      reads.close();
      this.#reads.delete(topic);
    }
    this.#balance();
  }

  /** Forgets what is here of a claim that another one takes the place of. */
  drop(claim: Claim): void {
    this.#prefetch.drop(claim);
  }

  /** Reads these, or does not for now. */
  pause(claims: readonly Claim[], isPaused: boolean): void {
    for (const claim of claims) {
      if (claim.progress.paused === isPaused) continue;
      claim.progress.paused = isPaused;
      claim.progress.stalled = false;
      this.#prefetch.drop(claim);
      // What was dropped comes again.
      claim.progress.rewind();
      this.#reads.get(claim.topic)?.refresh([claim]);
    }
    this.#balance();
  }

  /** Reads nothing any more. Idempotent. */
  close(): void {
    for (const timer of this.#goneTimers) timer.cancel();
    this.#goneTimers.clear();
    for (const reads of this.#reads.values()) reads.close();
    for (const claim of this.#claims.values()) this.#prefetch.drop(claim);
  }

  #readsOf(topic: string): TopicReads {
    let reads = this.#reads.get(topic);
    if (reads === undefined) {
      const { group, prefetchBytes, reconnectTimeoutMs, onOutOfRange } = this.#settings;
      const maxBufferBytes = Math.min(prefetchBytes, 2 ** 31);
      reads = new TopicReads(
        this.#connection,
        this.#admin,
        { topic, group, maxBufferBytes, reconnectTimeoutMs, onOutOfRange },
        {
          received: (claim, message) => this.#received(claim, message),
          failed: (failed, error) => this.#failed(failed, error),
        },
      );
      if (this.#isHeldBack) reads.pause();
      this.#reads.set(topic, reads);
    }
    return reads;
  }

  #received(claim: Claim, message: ConsumeResponse): void {
    if (claim.state !== "held") return;
    this.#prefetch.put(claim, message);
    this.#balance();
    this.#events.received();
  }

  /** A topic that is gone is the coordinator's to say: then the partitions are lost. It has so long to say it. */
  #failed(topic: string, error: VarveError): void {
    if (error.reason !== "UNKNOWN_TOPIC" && error.reason !== "UNKNOWN_PARTITION") {
      this.#events.failed(error);
      return;
    }
    const failed = [...this.#claims.values()].filter((claim) => claim.topic === topic);
    const timer = this.#connection.clock.setTimer(this.#settings.sessionTimeoutMs, () => {
      this.#goneTimers.delete(timer);
      // One of the same name may have been made since.
      if (failed.some(({ state }) => state !== "gone")) this.#events.failed(error);
    });
    timer.unref?.();
    this.#goneTimers.add(timer);
  }

  /** What is here is of partitions that are not welcome, and leaves no room for one that would be. */
  #isStarving(isWelcome: (claim: Claim) => boolean): boolean {
    if (!this.#prefetch.isFull) return false;
    return [...this.#claims.values()].some(
      (claim) =>
        claim.state === "held" &&
        claim.progress.wanted &&
        claim.progress.highWatermark > claim.progress.received &&
        !this.#prefetch.has(claim) &&
        isWelcome(claim),
    );
  }

  /** All that is here is of partitions that hang: they are received no further, so that the others come to their turn. */
  #makeRoom(): void {
    const claims = [...this.#prefetch.claims];
    const share = this.#settings.prefetchBytes / (4 * claims.length);
    for (const claim of claims) {
      claim.progress.cutTo(this.#prefetch.trim(claim, share));
      this.#stall(claim, this.#prefetch.has(claim));
    }
    this.#balance();
  }

  #stall(claim: Claim, isStalled: boolean): void {
    claim.progress.stalled = isStalled;
    this.#reads.get(claim.topic)?.refresh([claim]);
  }

  /** Receives while there is room. */
  #balance(): void {
    const isFull = this.#prefetch.isFull;
    if (isFull === this.#isHeldBack) return;
    this.#isHeldBack = isFull;
    for (const reads of this.#reads.values()) {
      if (isFull) reads.pause();
      else reads.resume();
    }
  }
}

function byTopic(claims: readonly Claim[]): Map<string, Claim[]> {
  const topics = new Map<string, Claim[]>();
  for (const claim of claims) {
    const some = topics.get(claim.topic);
    if (some === undefined) topics.set(claim.topic, [claim]);
    else some.push(claim);
  }
  return topics;
}
