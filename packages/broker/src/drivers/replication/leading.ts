/**
 * One partition that this node leads, in one leader epoch: what `cluster/partition/leadership.ts` decides, applied to the log.
 *
 *   fetch ──> hear ─┬─ refused, diverged, out of range: answered at once
 *                   └─ match: answered when there is something, else it waits here ──> wake (append, high watermark, log start)
 *   own sync, fetch, word of a sync, answer of the controller ──> advance ──> high watermark of the log
 *
 * With one replica nothing of this is asked: what counts here is committed (`isSole`), and no value is made per commit.
 */
import {
  type BrokerFactsOf,
  type CommittedIsr,
  type FetchCheck,
  type FollowerFetch,
  type IsrProposal,
  type Leadership,
  type LeaderNow,
  type Partition,
  adoptAnswer,
  advanceHighWatermark,
  beginLeadership,
  behindLogStart,
  creditStall,
  creditWaiting,
  durableReplicas,
  hearFetch,
  hearSync,
  isLeadershipProven,
  mayConfirmFlush,
  pendingProposal,
  planHandOver,
  proposeIsr,
  refreshLeadership,
} from "@varve/cluster";
import type { PartitionLog } from "@varve/log";
import { leaderView } from "./replica-log.ts";

/** A follower's fetch at the log end. */
export interface WaitingFetch {
  readonly brokerId: number;
  /** What the follower was last told. */
  readonly toldHighWatermark: number;
  readonly toldLogStart: number;
  readonly fetchOffset: number;
  /** The last sign of life on its stream, monotonic. */
  readonly heardMs: number;
  /** There is something to say. It waits no more. */
  wake(): void;
  /** There is a new high watermark to tell and nothing else, which is in no hurry. It waits still: `tell` ends that. */
  nudge(): void;
}

export interface LeadingDependencies {
  readonly monotonicMs: () => number;
  /** `replica.lag.max`. */
  readonly lagMaxMs: number;
  readonly sessionMs: number;
  readonly factsOf: BrokerFactsOf;
  /** H-11. */
  readonly hearsController: () => boolean;
}

export interface HeardSync {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly leaderEpoch: number;
  readonly durableOffset: number;
  readonly logStart: number;
}

export class Leading {
  readonly log: PartitionLog;
  readonly #dependencies: LeadingDependencies;
  readonly #waiting = new Set<WaitingFetch>();
  #state: Leadership;
  #isSole: boolean;

  /** The epoch of `partition` begins where the log ends now; the log has taken it. */
  constructor(
    log: PartitionLog,
    partition: Partition,
    me: { readonly brokerId: number; readonly brokerEpoch: number },
    dependencies: LeadingDependencies,
  ) {
    const { logEndOffset: logEnd, highWatermark } = log;
    this.log = log;
    this.#dependencies = dependencies;
    this.#state = beginLeadership(partition, me, { logEnd, highWatermark, nowMs: dependencies.monotonicMs() });
    this.#isSole = partition.replicas.length === 1;
  }

  get state(): Leadership {
    return this.#state;
  }

  /** Nobody follows: what counts here is committed. */
  get isSole(): boolean {
    return this.#isSole;
  }

  /** What waits for the controller. */
  get proposal(): IsrProposal | undefined {
    return pendingProposal(this.#state.isr);
  }

  /** H-8: what was committed before this epoch is visible. */
  get knowsLatest(): boolean {
    return this.log.highWatermark >= this.#state.startOffset;
  }

  /** H-1: with `acks=all` nothing is taken while fewer are in sync. */
  get hasEnoughInSync(): boolean {
    const { isr, minIsr } = this.#state.isr.committed;
    return isr.length >= minIsr;
  }

  refresh(partition: Partition): void {
    this.#state = refreshLeadership(this.#state, partition, this.log.logEndOffset);
    this.#isSole = partition.replicas.length === 1;
  }

  adopt(altered: CommittedIsr & { readonly leader: number }): void {
    this.#state = adoptAnswer(this.#state, altered);
  }

  /** A fetch that was not refused. */
  hear(fetch: FollowerFetch): FetchCheck {
    const heard = hearFetch(this.#state, fetch, leaderView(this.log, this.#state), this.#dependencies.monotonicMs());
    this.#state = heard.leadership;
    return heard.check;
  }

  hearSync(sync: HeardSync): void {
    this.#state = hearSync(this.#state, sync);
  }

  /** Moves the high watermark as far as it may go now, and wakes the fetches that should hear of it. */
  advance(): void {
    const { log } = this;
    if (this.#isSole) {
      if (log.countedOffset > log.highWatermark) log.advanceHighWatermark(log.countedOffset);
      return;
    }
    this.#state = advanceHighWatermark(this.#state, this.#now(), this.#dependencies.factsOf);
    log.advanceHighWatermark(this.#state.highWatermark);
    this.wakeWaiting();
  }

  /** What is to be asked of the controller, if anything; asked for again until it is decided. */
  propose(): IsrProposal | undefined {
    if (this.#isSole && !this.#state.isr.committed.recovering) return undefined;
    this.#state = proposeIsr(this.#state, this.#now(), this.#dependencies.factsOf);
    return this.proposal;
  }

  /** H-13: who should lead instead of this node, which has no room; undefined: it stays. */
  handOver(): number | undefined {
    if (this.#isSole) return undefined;
    for (const fetch of this.#waiting) this.#credit(fetch);
    return planHandOver(this.#state, this.#now(), this.#dependencies.factsOf);
  }

  /** Lets a fetch wait that found nothing. It is woken once, or forgotten by `forget`. */
  wait(fetch: WaitingFetch): void {
    this.#waiting.add(fetch);
    if (this.#isDue(fetch) || this.#isBehind(fetch)) this.wakeWaiting();
  }

  /** Wakes a fetch that was nudged, if it waits and there still is something to tell. */
  tell(fetch: WaitingFetch): void {
    if (this.#waiting.has(fetch) && (this.#isDue(fetch) || this.#isBehind(fetch))) this.#wake(fetch);
  }

  forget(fetch: WaitingFetch): void {
    // Until then it had everything, and nobody may have looked for long (`isQuiet`).
    if (this.#waiting.delete(fetch)) this.#credit(fetch);
  }

  /** Something was appended, committed or removed. */
  wakeWaiting(): void {
    for (const fetch of this.#waiting) {
      if (this.#isDue(fetch)) this.#wake(fetch);
      else if (this.#isBehind(fetch)) fetch.nudge();
    }
  }

  /** The epoch is over: each waiting fetch is answered so. */
  end(): void {
    for (const fetch of this.#waiting) fetch.wake();
    this.#waiting.clear();
  }

  /** Before anybody is judged: the node's loop stood still for `stalledMs`, and who waits at the end has everything (H-5). */
  credit(stalledMs: number): void {
    if (stalledMs > 0) {
      const beganMs = this.#dependencies.monotonicMs() - stalledMs;
      for (const { brokerId, heardMs } of this.#waiting) {
        this.#state = creditWaiting(this.#state, brokerId, Math.min(heardMs, beganMs));
      }
      this.#state = creditStall(this.#state, stalledMs);
    }
    for (const fetch of this.#waiting) this.#credit(fetch);
  }

  /**
   * There is nothing to judge: everything is committed, nothing is being decided, and every replica is a member and waits at the end.
   * Its fetch is credited when it is woken or forgotten, so that an idle leader need not look at its followers one by one.
   */
  get isQuiet(): boolean {
    const { isr, followers, syncingTo, highWatermark } = this.#state;
    const { logEndOffset } = this.log;
    if (isr.kind !== "committed" || isr.committed.recovering || syncingTo !== undefined) return false;
    if (highWatermark !== logEndOffset || isr.committed.isr.length <= followers.size) return false;
    if (this.#waiting.size !== followers.size) return false;
    for (const { fetchOffset } of this.#waiting) if (fetchOffset !== logEndOffset) return false;
    return true;
  }

  /** H-11: false when somebody else may lead by now, as far as this node can tell. */
  isProven(): boolean {
    if (this.#isSole) return true;
    const { monotonicMs, sessionMs, hearsController } = this.#dependencies;
    if (hearsController()) return true;
    for (const fetch of this.#waiting) this.#credit(fetch);
    return isLeadershipProven(this.#state, {
      nowMs: monotonicMs(),
      sessionMs,
      controllerHeardMs: Number.NEGATIVE_INFINITY,
    });
  }

  /** `syncing` is over. */
  get mayConfirmFlush(): boolean {
    return mayConfirmFlush(this.#state, this.log.durableOffset);
  }

  /** Replicas that have everything below `end` on disk, as far as they have said. */
  durableReplicas(end: number): number {
    // Not so for a moment when the topic has just come from `os`.
    if (this.#isSole) return this.log.durableOffset >= end ? 1 : 0;
    const { replicas, brokerId, followers } = this.#state;
    return durableReplicas(replicas, end, (id) => {
      if (id === brokerId) return this.log.durableOffset;
      const progress = followers.get(id);
      return progress?.fetchOffset === undefined ? undefined : progress.durableOffset;
    });
  }

  /** H-14: who may lead next, and would show what lies below `logStart`. */
  behindLogStart(logStart: number): number[] {
    return this.#isSole ? [] : behindLogStart(this.#state, logStart);
  }

  /** Offsets that are kept and that a replica has not got yet; undefined as long as it has not fetched in this epoch. */
  lagOf(brokerId: number): number | undefined {
    const { logStartOffset, logEndOffset } = this.log;
    if (brokerId === this.#state.brokerId) return 0;
    const fetched = this.#state.followers.get(brokerId)?.fetchOffset;
    return fetched === undefined ? undefined : Math.max(0, logEndOffset - Math.max(fetched, logStartOffset));
  }

  #credit(fetch: WaitingFetch): void {
    this.#state = creditWaiting(this.#state, fetch.brokerId, fetch.heardMs);
  }

  #wake(fetch: WaitingFetch): void {
    this.#waiting.delete(fetch);
    this.#credit(fetch);
    fetch.wake();
  }

  #isDue({ fetchOffset, toldLogStart }: WaitingFetch): boolean {
    const { logEndOffset, logStartOffset } = this.log;
    return logEndOffset !== fetchOffset || logStartOffset > toldLogStart;
  }

  /** Of the high watermark alone: the next batches take it along, unless none come. */
  #isBehind({ toldHighWatermark }: WaitingFetch): boolean {
    return this.log.highWatermark > toldHighWatermark;
  }

  #now(): LeaderNow {
    const { log } = this;
    const { monotonicMs, lagMaxMs } = this.#dependencies;
    // With `os` the leader counts what it has handed to the kernel, no more.
    const logEnd = this.#state.flush === "os" ? log.countedOffset : log.logEndOffset;
    return { logEnd, durableEnd: log.durableOffset, logStart: log.logStartOffset, nowMs: monotonicMs(), lagMaxMs };
  }
}
