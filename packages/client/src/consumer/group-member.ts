// SPDX-License-Identifier: Apache-2.0
// A member of a group at work: its session, what it has, what it reads of it, what it commits. for await and run() take from here.
//
//   GroupSession ── assignment ─> claims ── TopicReads ─> Prefetch ─ take() ─> handed out ─ finish() ─> CommitQueue ─> session
//
// Invariants
// - What is handed out is of a claim that is held, in the order of its partition, while the session is alive.
// - Nothing is committed before it, and everything of its claim handed out before it, is finished.
// - A partition is given back only after it is read no more and nothing of it will be committed any more.

import { VarveError, type AssignmentOutput, type ConsumeResponse, type Position } from "@varve/api";
import type { Admin } from "../admin.ts";
import { backoffMs } from "../backoff.ts";
import type { Clock, Timer } from "../clock.ts";
import type { Connection } from "../connection.ts";
import { changesOf, type Held } from "./assignment-changes.ts";
import { Claim, keyOf, type ClaimStart, type TopicPartition } from "./claim.ts";
import { CommitQueue, type CommitListener } from "./commit-queue.ts";
import { Conditions } from "./conditions.ts";
import type { CloseOptions, ConsumerSettings } from "./consumer-options.ts";
import { GroupSession } from "./group-session.ts";
import type { CommitPoint } from "./finished-prefix.ts";
import { Prefetch } from "./prefetch.ts";
import { TopicReads } from "./topic-reads.ts";

/** Why a member is none any more; without error, because it was closed or the group is at its end. */
export interface MemberEnd {
  readonly error: VarveError | undefined;
}

/** Something to do, in the order of its partition. */
export interface Handed {
  readonly claim: Claim;
  readonly message: ConsumeResponse;
}

export class GroupMember {
  /** Called when there may be something to take, or it has ended. */
  onWake: () => void = () => undefined;
  readonly claims = new Map<string, Claim>();
  readonly #connection: Connection;
  readonly #admin: Admin;
  readonly #settings: ConsumerSettings;
  readonly #clock: Clock;
  readonly #session: GroupSession;
  readonly #reads = new Map<string, TopicReads>();
  readonly #prefetch: Prefetch;
  readonly #commits = new CommitQueue();
  readonly #conditions: Conditions;
  readonly #dirty = new Set<Claim>();
  readonly #onEnded: () => void;
  #commitTimer: Timer | undefined;
  #commitRetryTimer: Timer | undefined;
  #commitFailures = 0;
  #goneTimers = new Set<Timer>();
  #generation = -1;
  #isReadingPaused = false;
  #isPausedAll = false;
  #isClosing = false;
  #failure: VarveError | undefined;
  #closed: Promise<void> | undefined;
  #end: MemberEnd | undefined;

  constructor(connection: Connection, admin: Admin, settings: ConsumerSettings, onEnded: () => void) {
    this.#connection = connection;
    this.#admin = admin;
    this.#settings = settings;
    this.#clock = connection.clock;
    this.#conditions = new Conditions(connection.clock);
    this.#prefetch = new Prefetch(settings.prefetchBytes);
    this.#onEnded = onEnded;
    const { group, topics, pattern, instanceId, assignor, start, sessionTimeoutMs, clientId } = settings;
    const { reconnectTimeoutMs, revokeTimeoutMs } = settings;
    this.#session = new GroupSession(
      connection,
      {
        group,
        topics,
        pattern,
        instanceId,
        assignor,
        start,
        sessionTimeoutMs,
        clientId,
        reconnectTimeoutMs,
        // The commit and the answer come after what is drained.
        rebalanceTimeoutMs: revokeTimeoutMs + 10_000,
      },
      {
        owned: () => [...this.claims.values()],
        assigned: (assignment) => this.#assigned(assignment),
        committed: (result) => this.#committed(this.#commits.answered(result)),
        heard: () => this.onWake(),
        interrupted: () => this.#commits.sessionLost(),
        expelled: () => this.#lose([...this.claims.values()]),
        finished: () => this.end(this.#failure),
        failed: (error) => this.end(error),
      },
    );
  }

  get ended(): MemberEnd | undefined {
    return this.#end;
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  get isPausedAll(): boolean {
    return this.#isPausedAll;
  }

  get memberId(): string {
    return this.#session.memberId;
  }

  /** How long it has been in no session; undefined: it is in one. */
  get outMs(): number | undefined {
    const sinceMs = this.#session.outSinceMs;
    return sinceMs === undefined ? undefined : this.#clock.monotonicMs() - sinceMs;
  }

  open(): void {
    this.#session.open();
  }

  /** What to do next, of claims that are welcome; undefined: nothing now. Messages without records are finished on the way. */
  take(isWelcome?: (claim: Claim) => boolean): Handed | undefined {
    while (!this.#isPausedAll && !this.#isClosing && this.#end === undefined && this.#session.isAlive) {
      const handed = this.#prefetch.take(isWelcome);
      if (handed === undefined) {
        if (isWelcome !== undefined && this.#isStarving(isWelcome)) this.#makeRoom();
        return undefined;
      }
      const { claim, message } = handed;
      if (claim.progress.stalled && !this.#prefetch.has(claim)) this.#stall(claim, false);
      this.#balance();
      claim.progress.handOut(message.records.length, message.nextOffset);
      if (message.records.length > 0) return handed;
      const number = claim.finished.handOut({ ...claim.finished.committable, offset: message.nextOffset });
      this.finish(claim, number);
    }
    return undefined;
  }

  /** An entry of a claim is done. */
  finish(claim: Claim, number: number): void {
    if (claim.finished.finish(number) && claim.state !== "gone" && this.#settings.autoCommit) this.#commitSoon(claim);
    this.#conditions.check();
  }

  /** An entry will never be done. */
  abandon(claim: Claim, number: number): void {
    claim.finished.abandon(number);
    this.#conditions.check();
  }

  /** Commits what is finished, of all claims. @returns how often `listener` will be called */
  commitFinished(listener?: CommitListener): number {
    let count = 0;
    for (const claim of this.claims.values()) {
      const point = claim.finished.committable;
      if (point.offset > claim.offeredOffset) this.offer(claim, point, "", listener);
      else if (listener === undefined || !this.#commits.listen(claim, listener)) continue;
      count += 1;
    }
    this.pump();
    return count;
  }

  /** Wants something committed; pump() sends it. */
  offer(claim: Claim, { offset, leaderEpoch }: CommitPoint, metadata: string, listener?: CommitListener): void {
    this.#commits.offer({ claim, offset, leaderEpoch, metadata }, listener);
  }

  /** Sends what is to be committed, unless an answer is awaited. */
  pump(): void {
    if (this.#commitRetryTimer !== undefined) return;
    const commit = this.#commits.next();
    if (commit !== undefined) this.#session.send({ commit });
    this.#conditions.check();
  }

  pauseAll(isPaused: boolean): void {
    this.#isPausedAll = isPaused;
    if (!isPaused) this.onWake();
  }

  /** Reads these partitions, or does not. */
  pause(partitions: readonly TopicPartition[], isPaused: boolean): void {
    for (const partition of partitions) {
      const claim = this.claimOf(partition);
      if (claim.progress.paused === isPaused) continue;
      claim.progress.paused = isPaused;
      claim.progress.stalled = false;
      this.#prefetch.drop(claim);
      // What was dropped comes again.
      claim.progress.rewind();
      this.#readsOf(claim.topic).refresh([claim]);
    }
    this.#balance();
  }

  async seek(partition: TopicPartition, position: Position): Promise<void> {
    this.claimOf(partition);
    const { topic } = partition;
    const offset =
      position.kind === "offset"
        ? position.offset
        : (await this.#admin.listOffsets({ topic, partitions: [partition.partition], position }))[0]!.offset;
    const before = this.claimOf(partition);
    if (before.state !== "held") {
      throw new VarveError("INVALID_REQUEST", `Cannot seek in ${before.key}: this member is giving it back`);
    }
    const { endOffset, movedGeneration, offeredOffset } = before;
    const done = before.finished.committable;
    const place = { topic, partition: partition.partition, offset, endOffset };
    const claim = this.#replace(before, { ...place, leaderEpoch: -1, movedGeneration });
    // What was finished before counts; going away commits nothing: the first thing that is finished there does.
    if (this.#settings.autoCommit && done.offset > offeredOffset) {
      this.offer(claim, done, "");
      claim.offeredOffset = offset;
      this.pump();
    }
    this.#readsOf(topic).add([claim]);
    this.#balance();
  }

  /** Throws NOT_ASSIGNED when the member does not have it. */
  claimOf(partition: TopicPartition): Claim {
    const claim = this.claims.get(keyOf(partition));
    if (claim !== undefined) return claim;
    throw new VarveError(
      "NOT_ASSIGNED",
      `Cannot commit, pause or seek ${keyOf(partition)}: this member does not have it now`,
    );
  }

  /** Finishes what is under way, or abandons it when time is up; commits; leaves. With an error, that is what it ends with. Idempotent. */
  close(options: CloseOptions = {}, error?: VarveError): Promise<void> {
    this.#failure ??= error;
    this.#closed ??= this.#close(options);
    return this.#closed;
  }

  /** Ends now, with an error or without. Idempotent. */
  end(error: VarveError | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#session.close();
    this.#commitTimer?.cancel();
    this.#commitRetryTimer?.cancel();
    for (const timer of this.#goneTimers) timer.cancel();
    for (const reads of this.#reads.values()) reads.close();
    this.#reads.clear();
    for (const claim of this.claims.values()) {
      this.#prefetch.drop(claim);
      claim.end();
    }
    this.#commits.fail(error ?? new VarveError("CLIENT_CLOSED", "The consumer was closed before it was committed"));
    this.#conditions.check();
    this.#onEnded();
    this.onWake();
  }

  async #close({ timeoutMs = 10_000, willReturn = false }: CloseOptions): Promise<void> {
    const endMs = this.#clock.monotonicMs() + timeoutMs;
    const leftMs = (): number => Math.max(0, endMs - this.#clock.monotonicMs());
    this.#isClosing = true;
    for (const reads of this.#reads.values()) reads.close();
    for (const claim of this.claims.values()) {
      this.#prefetch.drop(claim);
      if (claim.state === "held") claim.state = "giving-back";
    }
    this.onWake();
    const isOver = (): boolean => this.#end !== undefined;
    const isDrained = (): boolean => [...this.claims.values()].every(({ finished }) => finished.isDrained);
    // Where something hangs, the rest of the time is for the commit of what does not.
    await this.#conditions.until(() => isOver() || isDrained(), leftMs() * 0.7);
    if (this.#settings.autoCommit && !isOver()) this.commitFinished();
    await this.#conditions.until(() => isOver() || this.#commits.isIdle, leftMs() * 0.7);
    if (!isOver()) await this.#session.leave({ willReturn, timeoutMs: leftMs() });
    this.end(this.#failure);
  }

  #assigned(assignment: AssignmentOutput): void {
    this.#generation = assignment.generation;
    const changes = changesOf(this.#isClosing ? stillHeld(this.claims) : this.claims, assignment);
    const fresh: Claim[] = [];
    const moved: Claim[] = [];
    const revoked: Claim[] = [];
    const lost: Claim[] = [];
    const notHeld: TopicPartition[] = [];
    for (const change of changes) {
      switch (change.kind) {
        case "lost":
          lost.push(this.claimOf(change.partition));
          break;
        case "revoke":
          revoked.push(this.claimOf(change.partition));
          break;
        case "not-held":
          notHeld.push(change.partition);
          break;
        case "assigned":
          fresh.push(this.#begin(change.start));
          break;
        case "moved":
          moved.push(this.#replace(this.claimOf(change.start), change.start));
          break;
      }
    }
    this.#lose(lost);
    this.#commits.setGeneration(assignment.generation);
    if (this.#isClosing) {
      // What is finished is committed before it leaves, also when its session broke on the way.
      this.pump();
      return;
    }
    this.#read([...fresh, ...moved]);
    this.#balance();
    if (notHeld.length > 0) this.#sendRevoked(notHeld);
    if (revoked.length > 0) void this.#giveBack(revoked);
    if (fresh.length > 0) this.#tell(() => this.#settings.onAssigned?.(fresh.map(placeOf)));
    if (moved.length > 0) this.#tell(() => this.#settings.onMoved?.(moved.map(placeOf)));
    this.pump();
    this.onWake();
  }

  #begin(start: ClaimStart): Claim {
    const claim = new Claim(start);
    if (this.#isClosing) claim.state = "giving-back";
    this.claims.set(claim.key, claim);
    return claim;
  }

  /** What was read of `before` counts for nothing any more. */
  #replace(before: Claim, start: ClaimStart): Claim {
    this.#drop(before);
    const claim = this.#begin(start);
    claim.progress.paused = before.progress.paused;
    return claim;
  }

  #read(claims: readonly Claim[]): void {
    const topics = new Set(claims.map(({ topic }) => topic));
    for (const topic of topics) this.#readsOf(topic).add(claims.filter((claim) => claim.topic === topic));
  }

  #drop(claim: Claim): void {
    claim.end();
    this.#prefetch.drop(claim);
    this.#commits.forget(claim);
    this.#dirty.delete(claim);
    if (this.claims.get(claim.key) === claim) this.claims.delete(claim.key);
  }

  #lose(claims: readonly Claim[]): void {
    if (claims.length === 0) return;
    for (const claim of claims) this.#drop(claim);
    this.#stopReading(claims);
    this.#balance();
    this.#conditions.check();
    this.#tell(() => this.#settings.onLost?.(claims.map(partitionOf)));
  }

  #stopReading(claims: readonly Claim[]): void {
    for (const topic of new Set(claims.map((claim) => claim.topic))) {
      const reads = this.#reads.get(topic);
      reads?.remove(claims.filter((claim) => claim.topic === topic));
      if (reads?.isEmpty !== true) continue;
      reads.close();
      this.#reads.delete(topic);
    }
  }

  /** Reads no more, waits for what was handed out, commits, and only then says so. */
  async #giveBack(claims: readonly Claim[]): Promise<void> {
    const { revokeTimeoutMs, autoCommit, onRevoke } = this.#settings;
    const endMs = this.#clock.monotonicMs() + revokeTimeoutMs;
    const leftMs = (): number => Math.max(0, endMs - this.#clock.monotonicMs());
    for (const claim of claims) {
      claim.state = "giving-back";
      this.#prefetch.drop(claim);
    }
    this.#stopReading(claims);
    this.#balance();
    this.onWake();
    if (onRevoke !== undefined) await this.#within(leftMs(), () => onRevoke(claims.map(partitionOf)));
    const each = (isSo: (claim: Claim) => boolean) => (): boolean =>
      this.#end !== undefined || claims.every((claim) => claim.state === "gone" || isSo(claim));
    await this.#conditions.until(
      each(({ finished }) => finished.isDrained),
      leftMs(),
    );
    const left = claims.filter(({ state }) => state !== "gone");
    if (autoCommit) {
      for (const claim of left) {
        const point = claim.finished.committable;
        if (point.offset > claim.offeredOffset) this.offer(claim, point, "");
      }
      this.pump();
    }
    await this.#conditions.until(
      each((claim) => !this.#commits.has(claim)),
      // What is finished should count, also where the rest is abandoned.
      Math.max(leftMs(), 1_000),
    );
    const given = left.filter(({ state }) => state !== "gone");
    for (const claim of given) this.#drop(claim);
    if (this.#end === undefined && given.length > 0) this.#sendRevoked(given);
    this.#conditions.check();
  }

  /** Without a stream it goes unsaid: the next session begins with what the member has, and these are not in it. */
  #sendRevoked(partitions: readonly TopicPartition[]): void {
    this.#session.send({ revoked: { generation: this.#generation, partitions: partitions.map(partitionOf) } });
  }

  async #within(timeoutMs: number, run: () => void | Promise<void>): Promise<void> {
    let isDone = false;
    const attempt = async (): Promise<void> => {
      try {
        await run();
      } catch (error) {
        this.#callbackFailed(error);
      }
      isDone = true;
      this.#conditions.check();
    };
    void attempt();
    await this.#conditions.until(() => isDone || this.#end !== undefined, timeoutMs);
  }

  #tell(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#callbackFailed(error);
    }
  }

  #callbackFailed(error: unknown): void {
    const why = `a callback of the consumer of group "${this.#settings.group}" failed: ${String(error)}`;
    this.end(new VarveError("INVALID_REQUEST", `Cannot go on: ${why}`, { cause: error }));
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
          failed: (failed, error) => this.#readingFailed(failed, error),
        },
      );
      if (this.#isReadingPaused) reads.pause();
      this.#reads.set(topic, reads);
    }
    return reads;
  }

  #received(claim: Claim, message: ConsumeResponse): void {
    if (claim.state !== "held") return;
    this.#prefetch.put(claim, message);
    this.#balance();
    this.onWake();
  }

  /** A topic that is gone is the coordinator's to say: then the partitions are lost. It has so long to say it. */
  #readingFailed(topic: string, error: VarveError): void {
    if (error.reason !== "UNKNOWN_TOPIC" && error.reason !== "UNKNOWN_PARTITION") {
      void this.close({}, error);
      return;
    }
    const failed = [...this.claims.values()].filter((claim) => claim.topic === topic);
    const timer = this.#clock.setTimer(this.#settings.sessionTimeoutMs, () => {
      this.#goneTimers.delete(timer);
      // One of the same name may have been made since.
      if (failed.some(({ state }) => state !== "gone")) void this.close({}, error);
    });
    timer.unref?.();
    this.#goneTimers.add(timer);
  }

  /** What is here is of partitions that are not welcome, and leaves no room for one that would be. */
  #isStarving(isWelcome: (claim: Claim) => boolean): boolean {
    if (!this.#prefetch.isFull) return false;
    return [...this.claims.values()].some(
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
    if (isFull === this.#isReadingPaused) return;
    this.#isReadingPaused = isFull;
    for (const reads of this.#reads.values()) {
      if (isFull) reads.pause();
      else reads.resume();
    }
  }

  #commitSoon(claim: Claim): void {
    this.#dirty.add(claim);
    // Nothing more will come of it: the group may be waiting for this one.
    if (claim.progress.ended && claim.finished.open === 0 && this.#prefetch.isEmpty) {
      this.#commitDirty();
      return;
    }
    if (this.#commitTimer !== undefined) return;
    this.#commitTimer = this.#clock.setTimer(this.#settings.commitIntervalMs, () => {
      this.#commitTimer = undefined;
      this.#commitDirty();
    });
    this.#commitTimer.unref?.();
  }

  #commitDirty(): void {
    for (const claim of this.#dirty) {
      const point = claim.finished.committable;
      if (claim.state !== "gone" && point.offset > claim.offeredOffset) this.offer(claim, point, "");
    }
    this.#dirty.clear();
    this.pump();
  }

  #committed({ expelled, isToWait }: { expelled: VarveError | undefined; isToWait: boolean }): void {
    if (expelled !== undefined) {
      this.#session.rejoin(expelled);
      return;
    }
    this.#commitFailures = isToWait ? this.#commitFailures + 1 : 0;
    if (isToWait && this.#commitRetryTimer === undefined) {
      const delayMs = backoffMs(this.#commitFailures, this.#clock.random());
      this.#commitRetryTimer = this.#clock.setTimer(delayMs, () => {
        this.#commitRetryTimer = undefined;
        this.pump();
      });
      this.#commitRetryTimer.unref?.();
    }
    this.pump();
  }
}

/** Who closes gives all back, and is told after a broken session that it has it: that does not move it, and its last commit counts. */
function stillHeld(claims: ReadonlyMap<string, Claim>): Map<string, Held> {
  return new Map(
    [...claims].map(([key, { movedGeneration, position }]) => [key, { state: "held", movedGeneration, position }]),
  );
}

function partitionOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition };
}

function placeOf({ topic, partition, progress }: Claim): TopicPartition & { readonly offset: number } {
  return { topic, partition, offset: progress.position };
}
