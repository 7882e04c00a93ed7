// SPDX-License-Identifier: Apache-2.0
// A member of a group at work: its session, what it has, what it reads of it, what it commits. for await and run() take from here.
//
//   GroupSession ── assignment ─> claims ── TopicReads ─> Prefetch ─ take() ─> handed out ─ finish() ─> CommitQueue ─> session
//
// Invariants
// - What is handed out is of a claim that is held, in the order of its partition, while the session is alive.
// - Nothing is committed before it, and everything of its claim handed out before it, is finished.
// - A partition is given back only after it is read no more and nothing of it will be committed any more.

import { VarveError, type AssignmentOutput, type Position } from "@varve/api";
import type { Admin } from "../admin.ts";
import type { Clock } from "../clock.ts";
import type { Connection } from "../connection.ts";
import { checkPlace } from "../places.ts";
import { changesOf, type Held } from "./assignment-changes.ts";
import { Claim, keyOf, type ClaimStart, type NamedPartition, type TopicPartition } from "./claim.ts";
import type { CommitListener } from "./commit-queue.ts";
import { Conditions } from "./conditions.ts";
import type { CloseOptions, ConsumerSettings } from "./consumer-options.ts";
import type { CommitPoint } from "./finished-prefix.ts";
import { GroupSession } from "./group-session.ts";
import { MemberCallbacks } from "./member-callbacks.ts";
import { MemberCommits } from "./member-commits.ts";
import { MemberReads, type Handed } from "./member-reads.ts";

/** Why a member is none any more; without error, because it was closed or the group is at its end. */
export interface MemberEnd {
  readonly error: VarveError | undefined;
}

export class GroupMember {
  /** Called when there may be something to take, or it has ended. */
  onWake: () => void = () => undefined;
  readonly claims = new Map<string, Claim>();
  readonly #admin: Admin;
  readonly #settings: ConsumerSettings;
  readonly #clock: Clock;
  readonly #session: GroupSession;
  readonly #reads: MemberReads;
  readonly #commits: MemberCommits;
  readonly #conditions: Conditions;
  readonly #callbacks: MemberCallbacks;
  readonly #onEnded: () => void;
  #generation = -1;
  #isPausedAll = false;
  #isClosing = false;
  #failure: VarveError | undefined;
  #closed: Promise<void> | undefined;
  #end: MemberEnd | undefined;

  constructor(connection: Connection, admin: Admin, settings: ConsumerSettings, onEnded: () => void) {
    this.#admin = admin;
    this.#settings = settings;
    this.#clock = connection.clock;
    this.#conditions = new Conditions(connection.clock);
    this.#reads = new MemberReads(connection, admin, settings, this.claims, {
      received: () => this.onWake(),
      failed: (error) => void this.close({}, error),
    });
    this.#commits = new MemberCommits(connection.clock, settings.commitIntervalMs, {
      send: (commit) => void this.#session.send({ commit }),
      expelled: (error) => this.#session.rejoin(error),
      changed: () => this.#conditions.check(),
    });
    this.#callbacks = new MemberCallbacks(settings, this.#conditions, (error) => this.end(error));
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
        committed: (result) => this.#commits.answered(result),
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

  /** How long nothing could be committed that is finished, and why; undefined: nothing waits for it. */
  get uncommitted(): { readonly ms: number; readonly error: VarveError | undefined } | undefined {
    const trouble = this.#commits.trouble;
    return trouble && { ms: this.#clock.monotonicMs() - trouble.sinceMs, error: trouble.error };
  }

  open(): void {
    this.#session.open();
  }

  /** What to do next, of claims that are welcome; undefined: nothing now. Messages without records are finished on the way. */
  take(isWelcome?: (claim: Claim) => boolean): Handed | undefined {
    while (!this.#isPausedAll && !this.#isClosing && this.#end === undefined && this.#session.isAlive) {
      const handed = this.#reads.take(isWelcome);
      if (handed === undefined) return undefined;
      const { claim, message } = handed;
      claim.progress.handOut(message.records.length, message.nextOffset);
      if (message.records.length > 0) return handed;
      const number = claim.finished.handOut({ ...claim.finished.committable, offset: message.nextOffset });
      this.finish(claim, number);
    }
    return undefined;
  }

  /** An entry of a claim is done. */
  finish(claim: Claim, number: number): void {
    if (claim.finished.finish(number) && claim.state !== "gone" && this.#settings.autoCommit) {
      // Nothing more will come of it: the group may be waiting for this one.
      const isNow = claim.progress.ended && claim.finished.open === 0 && this.#reads.isEmpty;
      this.#commits.soon(claim, { isNow });
    }
    this.#conditions.check();
  }

  /** An entry will never be done. */
  abandon(claim: Claim, number: number): void {
    claim.finished.abandon(number);
    this.#conditions.check();
  }

  /** Commits what is finished, of all claims. @returns how often `listener` will be called */
  commitFinished(listener?: CommitListener): number {
    return this.#commits.finished(this.claims.values(), listener);
  }

  /** Wants something committed; pump() sends it. */
  offer(claim: Claim, point: CommitPoint, metadata: string, listener?: CommitListener): void {
    this.#commits.offer(claim, point, metadata, listener);
  }

  /** Sends what is to be committed, unless an answer is awaited. */
  pump(): void {
    this.#commits.pump();
  }

  pauseAll(isPaused: boolean): void {
    this.#isPausedAll = isPaused;
    if (!isPaused) this.onWake();
  }

  /** Reads these partitions, or does not. */
  pause(partitions: readonly TopicPartition[], isPaused: boolean): void {
    this.#reads.pause(
      partitions.map((partition) => this.claimOf(partition)),
      isPaused,
    );
  }

  async seek(partition: TopicPartition, position: Position): Promise<void> {
    checkPlace(`seek in ${keyOf(partition)}`, position);
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
    // What was finished before counts; going away commits nothing: the first thing that is finished there does.
    if (this.#settings.autoCommit) this.#commits.finished([before]);
    const { topicId, endOffset, movedGeneration } = before;
    const place = { topic, partition: partition.partition, topicId, offset, endOffset, leaderEpoch: -1 };
    this.#reads.read([this.#replace(before, { ...place, movedGeneration }, { isSought: true })]);
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
    this.#reads.close();
    for (const claim of this.claims.values()) claim.end();
    this.#commits.fail(error ?? new VarveError("CLIENT_CLOSED", "The consumer was closed before it was committed"));
    this.#conditions.check();
    this.#onEnded();
    this.onWake();
  }

  async #close({ timeoutMs = 10_000, willReturn = false }: CloseOptions): Promise<void> {
    const endMs = this.#clock.monotonicMs() + timeoutMs;
    const leftMs = (): number => Math.max(0, endMs - this.#clock.monotonicMs());
    this.#isClosing = true;
    this.#reads.close();
    for (const claim of this.claims.values()) if (claim.state === "held") claim.state = "giving-back";
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
    const notHeld: NamedPartition[] = [];
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
          moved.push(this.#replace(this.claimOf(change.start), change.start, { isSought: false }));
          break;
      }
    }
    this.#lose(lost);
    // Whoever heard that may have ended it.
    if (this.#end !== undefined) return;
    this.#commits.setGeneration(assignment.generation);
    if (this.#isClosing) {
      // What is finished is committed before it leaves, also when its session broke on the way.
      this.pump();
      return;
    }
    this.#reads.read([...fresh, ...moved]);
    if (notHeld.length > 0) this.#sendRevoked(notHeld);
    if (revoked.length > 0) void this.#giveBack(revoked);
    this.#callbacks.assigned(fresh);
    if (this.#end === undefined) this.#callbacks.moved(moved);
    this.pump();
    this.onWake();
  }

  #begin(start: ClaimStart): Claim {
    const claim = new Claim(start);
    if (this.#isClosing) claim.state = "giving-back";
    this.claims.set(claim.key, claim);
    return claim;
  }

  /** What was read of `before` and is not offered for a commit counts for nothing any more; what is, only for one that is sought. */
  #replace(before: Claim, start: ClaimStart, { isSought }: { isSought: boolean }): Claim {
    const claim = this.#begin(start);
    if (isSought) this.#commits.pass(before, claim);
    this.#drop(before);
    claim.progress.paused = before.progress.paused;
    return claim;
  }

  #drop(claim: Claim): void {
    claim.end();
    this.#reads.drop(claim);
    this.#commits.forget(claim);
    if (this.claims.get(claim.key) === claim) this.claims.delete(claim.key);
  }

  #lose(claims: readonly Claim[]): void {
    if (claims.length === 0) return;
    for (const claim of claims) this.#drop(claim);
    this.#reads.stop(claims);
    this.#conditions.check();
    this.#callbacks.lost(claims);
  }

  /** Reads no more, waits for what was handed out, commits, and only then says so. */
  async #giveBack(claims: readonly Claim[]): Promise<void> {
    const { revokeTimeoutMs, autoCommit } = this.#settings;
    const endMs = this.#clock.monotonicMs() + revokeTimeoutMs;
    const leftMs = (): number => Math.max(0, endMs - this.#clock.monotonicMs());
    for (const claim of claims) claim.state = "giving-back";
    this.#reads.stop(claims);
    this.onWake();
    await this.#callbacks.revoke(claims, { timeoutMs: leftMs(), isOver: () => this.#end !== undefined });
    const each = (isSo: (claim: Claim) => boolean) => (): boolean =>
      this.#end !== undefined || claims.every((claim) => claim.state === "gone" || isSo(claim));
    await this.#conditions.until(
      each(({ finished }) => finished.isDrained),
      leftMs(),
    );
    const left = claims.filter(({ state }) => state !== "gone");
    if (autoCommit) this.#commits.finished(left);
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
  #sendRevoked(partitions: readonly NamedPartition[]): void {
    const named = partitions.map(({ topic, partition, topicId }) => ({ topic, partition, topicId }));
    this.#session.send({ revoked: { generation: this.#generation, partitions: named } });
  }
}

/** Who closes gives all back, and is told after a broken session that it has it: that does not move it, and its last commit counts. */
function stillHeld(claims: ReadonlyMap<string, Claim>): Map<string, Held> {
  return new Map(
    [...claims].map(([key, { topicId, movedGeneration }]) => [key, { state: "held", topicId, movedGeneration }]),
  );
}
