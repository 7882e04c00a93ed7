// SPDX-License-Identifier: Apache-2.0
// When a member commits: what is finished, after an interval, at once where nothing follows, and whenever it is asked to. The queue
// says what; this keeps its timers.
//
//   soon(claim) ── interval ─> offer() ─> CommitQueue ─ pump() ─> session ─> answered() ─ "later" ── backoff ─> pump()

import type { CommitResultOutput, MemberCommitMessage, VarveError } from "@varve/api";
import { backoffMs } from "../backoff.ts";
import type { Clock, Timer } from "../clock.ts";
import type { Claim } from "./claim.ts";
import { CommitQueue, type CommitListener } from "./commit-queue.ts";
import type { CommitPoint } from "./finished-prefix.ts";

export interface MemberCommitsEvents {
  /** Sends a commit, if there is a session. */
  send(commit: MemberCommitMessage): void;
  /** The group does not know the member any more. */
  expelled(error: VarveError): void;
  /** Something was sent, answered or given up. */
  changed(): void;
}

/** What is finished and cannot be committed. */
export interface CommitTrouble {
  /** When something was committed last, or wanted since, by the monotonic clock. */
  readonly sinceMs: number;
  /** What the coordinator said, if it said something. */
  readonly error: VarveError | undefined;
}

export class MemberCommits {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #events: MemberCommitsEvents;
  readonly #queue = new CommitQueue();
  /** Claims of which more is finished than was offered. */
  readonly #dirty = new Set<Claim>();
  /** Refused for good; they are offered again when more is finished. */
  readonly #refused = new Map<Claim, VarveError>();
  #later: VarveError | undefined;
  #sinceMs = 0;
  #isOut = false;
  #intervalTimer: Timer | undefined;
  #retryTimer: Timer | undefined;
  #failures = 0;

  constructor(clock: Clock, intervalMs: number, events: MemberCommitsEvents) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#events = events;
  }

  /** Nothing waits for an answer, nor to be sent. */
  get isIdle(): boolean {
    return this.#queue.isIdle;
  }

  /** Undefined: nothing waits to be committed, and nothing was refused. */
  get trouble(): CommitTrouble | undefined {
    const [refused] = this.#refused.values();
    if (this.isIdle && refused === undefined) return undefined;
    return { sinceMs: this.#sinceMs, error: refused ?? this.#later };
  }

  /** Whether something of a claim is not answered yet. */
  has(claim: Claim): boolean {
    return this.#queue.has(claim);
  }

  /** Wants something committed; pump() sends it. */
  offer(claim: Claim, { offset, leaderEpoch }: CommitPoint, metadata: string, listener?: CommitListener): void {
    if (this.trouble === undefined) this.#sinceMs = this.#clock.monotonicMs();
    this.#queue.offer({ claim, offset, leaderEpoch, metadata }, listener);
  }

  /** Wants what is finished of these committed, and sends it. @returns how often `listener` will be called */
  finished(claims: Iterable<Claim>, listener?: CommitListener): number {
    let count = 0;
    for (const claim of claims) {
      const point = claim.finished.committable;
      if (claim.state === "gone") continue;
      if (point.offset > claim.offeredOffset) this.offer(claim, point, "", listener);
      else if (listener === undefined || !this.#queue.listen(claim, listener)) continue;
      count += 1;
    }
    this.pump();
    return count;
  }

  /** What is finished of it is committed within the interval, or now. */
  soon(claim: Claim, { isNow }: { isNow: boolean }): void {
    this.#dirty.add(claim);
    if (isNow) this.#commitDirty();
    else if (this.#intervalTimer === undefined) {
      this.#intervalTimer = this.#clock.setTimer(this.#intervalMs, () => {
        this.#intervalTimer = undefined;
        this.#commitDirty();
      });
      this.#intervalTimer.unref?.();
    }
  }

  /** Sends what is to be committed, unless an answer is awaited. */
  pump(): void {
    if (this.#retryTimer !== undefined) return;
    const commit = this.#queue.next();
    if (commit !== undefined) this.#events.send(commit);
    this.#events.changed();
  }

  answered(result: CommitResultOutput): void {
    const before = this.trouble;
    const { expelled, later, committed, refused } = this.#queue.answered(result);
    if (committed.length > 0 || before === undefined) this.#sinceMs = this.#clock.monotonicMs();
    for (const claim of committed) this.#refused.delete(claim);
    for (const [claim, error] of refused) this.#refused.set(claim, error);
    this.#later = later;
    if (expelled !== undefined) {
      this.#events.expelled(expelled);
      return;
    }
    this.#failures = later === undefined ? 0 : this.#failures + 1;
    if (later !== undefined && this.#retryTimer === undefined) {
      this.#retryTimer = this.#clock.setTimer(backoffMs(this.#failures, this.#clock.random()), () => {
        this.#retryTimer = undefined;
        this.pump();
      });
      this.#retryTimer.unref?.();
    }
    this.pump();
  }

  /** Of the newest assignment. */
  setGeneration(generation: number): void {
    // Out of its session it could commit nothing, and others look at that.
    if (this.#isOut && generation >= 0) this.#sinceMs = this.#clock.monotonicMs();
    if (generation >= 0) this.#isOut = false;
    this.#queue.setGeneration(generation);
  }

  sessionLost(): void {
    this.#isOut = true;
    this.#queue.sessionLost();
  }

  /** Somebody sought: what was wanted before is wanted still. */
  pass(before: Claim, claim: Claim): void {
    this.#queue.pass(before, claim);
  }

  /** A claim is gone: nothing of it is sent any more. */
  forget(claim: Claim): void {
    this.#queue.forget(claim);
    this.#dirty.delete(claim);
    this.#refused.delete(claim);
  }

  /** Ends: whoever waits is told so. */
  fail(error: VarveError): void {
    this.#intervalTimer?.cancel();
    this.#retryTimer?.cancel();
    this.#queue.fail(error);
  }

  #commitDirty(): void {
    const claims = [...this.#dirty];
    this.#dirty.clear();
    this.finished(claims);
  }
}
