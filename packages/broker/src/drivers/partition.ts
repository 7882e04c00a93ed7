/**
 * One replica of a partition on this node: what the metadata say that it is, and what it does as that.
 *
 *     image ──> apply ──> role.ts ─┬─ leader:   the epoch begins in the log ──> Leading; produces, reads, fetches of followers
 *                                  ├─ follower: ReplicaFetcher copies from the leader
 *                                  └─ waiting:  nobody leads; it keeps what it has
 *
 *     produce ─ Producing ─ appendAsLeader ──> journal round ──> onCounted ──> high watermark ──> producers, readers
 *                                                                   └─ needs-epoch: fail what was cut, ask the controller (J-3)
 *
 * No timer and no promise per request: who waits lies in heaps by offset. One callback of the log per group commit moves all.
 *
 * Invariants
 * - Appends are taken by a leader alone, in an epoch that began here, after its log end was fixed (`Leading`).
 * - The high watermark moves in `#advance` and in a follower's answers, and nowhere else.
 */
import {
  type FetchCheck,
  type FetchRefusal,
  type FollowerFetch,
  type Partition,
  planRoleChange,
  refuseFetch,
} from "@varve/cluster";
import type { PartitionLog } from "@varve/log";
import type { TopicMetrics } from "../metrics/topic-metrics.ts";
import type { Refusal } from "../refusal.ts";
import { type TopicRules, stateRefusal } from "./batch-admission.ts";
import { EpochRequests } from "./epoch-requests.ts";
import { givesWay, givingWayRefusal } from "./giving-way.ts";
import type { KeyCheck } from "./key-check.ts";
import { whyLatestUnknown } from "./latest-offset.ts";
import { newEpochRefusal, whyNotServed } from "./not-leading.ts";
import { OffsetHeap, type OffsetWaiter } from "./offset-heap.ts";
import type { PendingProduce } from "./pending-produce.ts";
import { type ProduceOptions, Producing } from "./producing.ts";
import { type HeardSync, Leading } from "./replication/leading.ts";
import { ReplicaFetcher } from "./replication/replica-fetcher.ts";
import type { ReplicaHost } from "./replication/replica-host.ts";
import type { TimingWheel } from "./timing-wheel.ts";

/** A reader parked until the high watermark reaches `waitOffset`, or something else happened that it should look at. */
export interface ReadWaiter extends OffsetWaiter {
  wake(): void;
  /** What was to come from another node does not, for now. */
  letGo?(): void;
}

export interface PartitionDependencies {
  readonly wheel: TimingWheel;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  /** Free and needed bytes while the disk has too little room to append (J-15). */
  readonly whySpaceRefused: () => { freeBytes: number; neededBytes: number } | undefined;
  /** Asks the controller for an epoch after `begun` for this partition (J-3). Rejects when there is no controller now. */
  readonly requestEpoch: (partition: LocalPartition, begun: number) => Promise<number>;
  /** An answer is no success. For metrics. */
  readonly countRefusal: (refusal: Refusal) => void;
  readonly log: (fields: object, event: string) => void;
  readonly replicas: ReplicaHost;
}

export class LocalPartition {
  readonly topic: string;
  readonly partition: number;
  readonly log: PartitionLog;
  readonly metrics: TopicMetrics;
  rules: TopicRules;
  readonly #dependencies: PartitionDependencies;
  readonly #producing: Producing;
  readonly #epochs: EpochRequests;
  readonly #readers = new OffsetHeap<ReadWaiter>();
  readonly #watchers = new Set<() => void>();
  /** As last acted on. */
  #placement: Partition | undefined;
  /** The epoch that the metadata give, once the log has taken it. */
  #leading: Leading | undefined;
  #fetcher: ReplicaFetcher | undefined;
  /** Why nobody may read or write here; undefined at a leader. */
  #notLeading: Refusal | undefined;
  readonly #stopListening: () => void;
  #closedBy: Refusal | undefined;
  /** The trouble that the operator was told of; what recovery found is told when the broker starts. */
  #toldOf: PartitionLog["state"]["kind"];

  constructor(
    log: PartitionLog,
    options: { rules: TopicRules; metrics: TopicMetrics; keyCheck: KeyCheck },
    dependencies: PartitionDependencies,
  ) {
    this.topic = log.id.topic;
    this.partition = log.id.partition;
    this.log = log;
    this.rules = options.rules;
    this.metrics = options.metrics;
    this.#dependencies = dependencies;
    this.#toldOf = log.state.kind;
    this.#notLeading = this.#describeRole();
    this.#producing = new Producing(this, options.keyCheck, dependencies);
    this.#epochs = new EpochRequests(this, {
      wheel: dependencies.wheel,
      whySpaceRefused: dependencies.whySpaceRefused,
      log: dependencies.log,
      begun: () => this.#begunEpoch,
      goOn: () => this.#askForEpoch(),
      request: (begun) => dependencies.requestEpoch(this, begun),
    });
    this.#stopListening = log.onCounted(() => this.#counted());
  }

  /** Producers waiting for their answer. */
  get waitingProduces(): number {
    return this.#producing.waiting;
  }

  /** Readers waiting for records. */
  get waitingReaders(): number {
    return this.#readers.size;
  }

  /** What this node leads, once the epoch has begun here. */
  get leading(): Leading | undefined {
    return this.#leading;
  }

  /** Copies from the leader, while somebody else leads. */
  get fetcher(): ReplicaFetcher | undefined {
    return this.#fetcher;
  }

  /** What the metadata say, as last acted on. */
  get placement(): Partition | undefined {
    return this.#placement;
  }

  /** Why this partition can be neither read nor written here: it was closed or deleted, or another node leads it. */
  get closedBy(): Refusal | undefined {
    return this.#closedBy ?? this.#notLeading;
  }

  /** F-9, H-10: this leader's log cannot go on, and another replica is to lead; undefined while that is not so. */
  get givingWay(): Refusal | undefined {
    const { state } = this.log;
    if (state.kind !== "quarantined" && state.kind !== "failed") return undefined;
    const isLeader = this.#placement?.leader === this.#dependencies.replicas.nodeId;
    return isLeader && givesWay(state, this.#placement) ? givingWayRefusal(this.log) : undefined;
  }

  /** Acts on the partition's latest state. Several changes may have become one; older states change nothing. */
  apply(placement: Partition): void {
    if (this.#closedBy !== undefined) return;
    const before = this.#placement;
    if (before !== undefined && placement.partitionEpoch < before.partitionEpoch) return;
    const actions = planRoleChange(before, placement, this.#dependencies.replicas.nodeId);
    this.#placement = placement;
    for (const action of actions) {
      switch (action.kind) {
        case "stopFetching":
          this.#stopFetching();
          break;
        case "endLeadership":
          this.#endLeadership();
          break;
        case "beginLeadership":
          this.#beginEpoch();
          break;
        case "refreshLeadership":
          this.#leading?.refresh(placement);
          break;
        case "tryHighWatermark":
          this.#notLeading = undefined;
          this.#advance();
          this.proposeIsr();
          break;
        case "startFetching":
          this.#startFetching(placement);
          break;
        case "setAside":
          // Whoever holds the store does it: nothing is served until then.
          break;
      }
    }
    this.#notLeading = this.#describeRole();
  }

  /**
   * Offers one encoded batch. `batch` is owned by the log from now on. Answers through `pending.sink`, at once when
   * the batch is refused or nothing is waited for. Order of checks as H-12: state, bytes, sequence, expected offset.
   */
  produce(pending: PendingProduce, batch: Uint8Array, options: ProduceOptions): void {
    this.#producing.offer(pending, batch, options);
  }

  /** J-12: gives up what is damaged; the partition goes on behind it, in an epoch of its own. Rejects when there is no controller. */
  async acceptLoss(): Promise<{ from: number; to: number }> {
    // One that the log has not taken, being damaged, is as good as a new one.
    const epoch = await this.#epochs.next();
    const lost = await this.log.acceptLoss(epoch);
    this.#beginEpoch();
    this.#advance();
    return lost;
  }

  /** A follower's fetch (H-3). What it proves may move the high watermark. */
  hearFetch(fetch: FollowerFetch): FetchCheck | { readonly kind: "refused"; readonly reason: FetchRefusal } {
    const { nodeId, factsOf } = this.#dependencies.replicas;
    const leading = this.#leading;
    const placement = this.#placement;
    if (leading === undefined || placement === undefined || this.#closedBy !== undefined) {
      return { kind: "refused", reason: "NOT_LEADER" };
    }
    // Nobody begins anew from a log that is damaged itself, and nothing more is committed here.
    if (this.givingWay !== undefined) return { kind: "refused", reason: "NOT_LEADER" };
    const reason = refuseFetch(placement, nodeId, fetch, factsOf);
    if (reason !== undefined) return { kind: "refused", reason };
    const check = leading.hear(fetch);
    this.#advance();
    if (!leading.state.isr.committed.isr.includes(fetch.brokerId)) this.proposeIsr();
    return check;
  }

  /** A follower's sync has ended. */
  hearSync(sync: HeardSync): void {
    if (this.#leading === undefined) return;
    this.#leading.hearSync(sync);
    this.#advance();
  }

  /** The controller has answered, or the metadata have changed what a proposal was about. */
  adopt(altered: Parameters<Leading["adopt"]>[0]): void {
    if (this.#leading === undefined) return;
    this.#leading.adopt(altered);
    this.#advance();
    this.proposeIsr();
  }

  /** Looks whether the ISR should be another one. */
  proposeIsr(): void {
    if (this.#leading?.propose() !== undefined) this.#dependencies.replicas.asksForIsr(this);
  }

  /** H-8: why "the latest offset" is not known, after a while; undefined when it is. */
  whyLatestUnknown(): Promise<Refusal | undefined> {
    return whyLatestUnknown(this, this.#dependencies.wheel);
  }

  /** Parks a reader until the high watermark reaches `waiter.waitOffset`. */
  waitForRecords(waiter: ReadWaiter): void {
    if (this.closedBy === undefined) this.#readers.add(waiter);
    else waiter.wake();
  }

  stopWaiting(waiter: ReadWaiter): void {
    this.#readers.remove(waiter);
  }

  /** How many `look` at what followers say. */
  get watchers(): number {
    return this.#watchers.size;
  }

  /** Calls `look` whenever followers may have said something new, and when this node leads no more. Returns the end of that. */
  watchFollowers(look: () => void): () => void {
    this.#watchers.add(look);
    return () => this.#watchers.delete(look);
  }

  /** Takes no part any more: everyone who waits gets `refusal`. Idempotent. The log itself belongs to the store. */
  close(refusal: Refusal): void {
    this.#closedBy ??= refusal;
    this.#stopListening();
    this.#stopFetching();
    this.#leading?.end();
    this.#leading = undefined;
    this.#producing.refuseAll(refusal);
    this.#wakeReaders();
    this.#tellWatchers();
  }

  // ---- role

  #beginEpoch(): void {
    const { replicas, log: tell } = this.#dependencies;
    const placement = this.#placement;
    if (placement === undefined || placement.leader !== replicas.nodeId || this.#closedBy !== undefined) return;
    const { leaderEpoch } = placement;
    if (this.#leading?.state.leaderEpoch === leaderEpoch) return;
    const { log } = this;
    this.#epochs.granted(leaderEpoch);
    if (leaderEpoch > log.leaderEpoch) log.startEpoch(leaderEpoch);
    // Its listeners may have come back here.
    if (this.#leading?.state.leaderEpoch === leaderEpoch) return;
    // Not while the log is cut or damaged: its listeners are called when that has ended.
    if (log.leaderEpoch < leaderEpoch || log.state.kind !== "open") return this.#reportDamage();
    if (log.leaderEpoch > leaderEpoch) {
      tell(
        { topic: this.topic, partition: this.partition, leaderEpoch },
        "the log knows a later epoch than it shall lead in",
      );
      return;
    }
    const me = { brokerId: replicas.nodeId, brokerEpoch: replicas.brokerEpoch() };
    this.#leading = new Leading(log, placement, me, replicas);
  }

  #endLeadership(): void {
    const refusal = (this.#notLeading =
      this.#describeRole() ?? newEpochRefusal(this, this.#placement, this.#dependencies.replicas.nodeId));
    this.#leading?.end();
    this.#leading = undefined;
    // H-6: whether they were committed is for the next leader to say.
    this.#producing.refuseAll(refusal);
    this.#wakeReaders();
    this.#tellWatchers();
  }

  #startFetching(placement: Partition): void {
    const { replicas, wheel, log: tell, whySpaceRefused } = this.#dependencies;
    const fetcher = new ReplicaFetcher(this.log, this.#fetcher?.following, {
      nodeId: replicas.nodeId,
      link: replicas,
      wheel,
      tell,
      placement: () => this.#placement ?? placement,
      brokerEpoch: replicas.brokerEpoch,
      reportLoss: () => replicas.reportsLoss(this),
      whySpaceRefused,
      lacksRoom: () => replicas.lacksRoom(),
    });
    this.#fetcher = fetcher;
    replicas.startFetching(fetcher);
  }

  #stopFetching(): void {
    if (this.#fetcher === undefined || this.#fetcher.isStopped) return;
    this.#fetcher.stop();
    this.#dependencies.replicas.stopFetching(this.#fetcher);
  }

  /** Why this node does not serve the partition; undefined when it leads it. */
  #describeRole(): Refusal | undefined {
    return whyNotServed(this, this.#placement, this.#dependencies.replicas);
  }

  // ---- leading

  /** The log counted more, or its state changed. Once per group commit and partition. */
  #counted(): void {
    if (this.#fetcher !== undefined && !this.#fetcher.isStopped) this.#fetcher.counted();
    this.#advance();
    const isLeader = this.#placement?.leader === this.#dependencies.replicas.nodeId;
    if (this.log.state.kind !== "open") this.#stateChanged(isLeader);
    else if (isLeader && this.#leading === undefined) this.#beginLate();
  }

  /** The log was being cut when the epoch was given. */
  #beginLate(): void {
    this.#beginEpoch();
    if (this.#leading !== undefined) this.#advance();
  }

  #advance(): void {
    const { log } = this;
    const counted = log.countedOffset;
    if (this.#leading !== undefined) this.#leading.advance();
    // Damaged, so that no epoch began: what is below the damage is read as before.
    else if (this.isSoleLeader && counted > log.highWatermark) log.advanceHighWatermark(counted);
    const committed = log.highWatermark;
    this.#producing.reached(counted, committed);
    for (
      let next = this.#readers.takeReached(committed);
      next !== undefined;
      next = this.#readers.takeReached(committed)
    ) {
      next.wake();
    }
    this.#tellWatchers();
  }

  #tellWatchers(): void {
    for (const look of this.#watchers) look();
  }

  /** It leads by the metadata, and there is no other replica. */
  get isSoleLeader(): boolean {
    const placement = this.#placement;
    return placement?.replicas.length === 1 && placement.leader === this.#dependencies.replicas.nodeId;
  }

  // ---- trouble

  /** Whoever reads only the log learns of damage, and of files that failed, once each. */
  #tellOfTrouble(): void {
    const { state } = this.log;
    if (state.kind === this.#toldOf) return;
    this.#toldOf = state.kind;
    const where = { topic: this.topic, partition: this.partition };
    if (state.kind === "quarantined") {
      const { file, offset, end, why } = state;
      this.#dependencies.log({ ...where, file, offset, end, why }, "partition is quarantined");
    } else if (state.kind === "failed") {
      this.#dependencies.log({ ...where, error: state.error.message }, "the files of a partition failed");
    }
  }

  /** The log stopped appending: what was not counted is cut or in doubt, and nobody may wait for it. */
  #stateChanged(isLeader: boolean): void {
    this.#tellOfTrouble();
    if (this.log.state.kind === "needs-epoch") this.#dependencies.replicas.lacksRoom();
    if (!isLeader) return this.#followsInTrouble();
    const refusal = this.givingWay ?? stateRefusal(this.log);
    if (refusal !== undefined) this.#producing.refuseAll(refusal);
    this.#reportDamage();
    if (this.log.state.kind === "needs-epoch") this.#askForEpoch();
    else this.#wakeReaders();
  }

  /** F-9, H-10: in a quiet partition no answer of the leader would come for long that made this replica look at itself. */
  #followsInTrouble(): void {
    const { replicas } = this.#dependencies;
    const { state } = this.log;
    if (state.kind === "failed") replicas.reportsLoss(this);
    else if (state.kind === "quarantined" && this.#fetcher !== undefined) replicas.wantsFetch(this.#fetcher);
  }

  /**
   * F-9, H-10, of a leader: damage that was found before it led, too.
   */
  #reportDamage(): void {
    if (givesWay(this.log.state, this.#placement)) this.#dependencies.replicas.reportsLoss(this);
  }

  /** J-3: a leader that failed to write goes on in a new epoch. One that was given while the log was cut back is begun now. */
  #askForEpoch(): void {
    if (this.#epochs.isAsking || this.#closedBy !== undefined) return;
    if (this.#placement?.leader !== this.#dependencies.replicas.nodeId) return;
    this.#beginEpoch();
    if (this.log.state.kind === "needs-epoch") this.#epochs.ask();
    else this.#advance();
  }

  /** The latest epoch that was begun here. A cut takes one along in which nothing had counted: the log knows it no more, followers may. */
  get #begunEpoch(): number {
    return Math.max(this.log.leaderEpoch, this.#leading?.state.leaderEpoch ?? -1);
  }

  #wakeReaders(): void {
    for (const reader of this.#readers.takeAll()) reader.wake();
  }
}
