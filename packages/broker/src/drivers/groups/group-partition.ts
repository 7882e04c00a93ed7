/**
 * The coordinator of one partition of the internal topic, in one leader epoch: what `GroupCoordinator` decides is appended here, and
 * answered once the high watermark has passed it.
 *
 *   loading ──(HW at LESO, read up to LESO: O-1)──> ready ── leadership lost, append in doubt ──> ended
 *                                    └──> refused: a record cannot be read; everybody hears why
 *
 *   call ── decided at once ──> end of this turn of the event loop: one batch ──> journal, followers ──> high watermark ──> answers
 *
 * Invariant: an object of this class lives within one leader epoch. Whatever it appended and was not committed dies with it, and the next
 * one loads anew.
 */
import {
  type CoordinatorOptions,
  type Group,
  type GroupAnswer,
  type GroupCommand,
  GroupCoordinator,
  type GroupOutcome,
  type GroupReplyOf,
} from "@varve/cluster";
import { buildBatch, reasons } from "@varve/format";
import type { Clock } from "@varve/log";
import { type Refusal, refuse } from "../../refusal.ts";
import type { LocalPartition } from "../partition.ts";
import { PendingProduce } from "../pending-produce.ts";
import type { TimingWheel } from "../timing-wheel.ts";
import type { GroupStats, RebalanceCause } from "./group-stats.ts";
import { loadGroups, sizeOfGroups } from "./load-groups.ts";

/** A member's connection to its coordinator, as far as the coordinator cares. */
export interface GroupSession {
  readonly memberId: string;
  /** The group has changed, perhaps for this member too. */
  look(): void;
  /** Nothing more comes from this coordinator. */
  end(refusal: Refusal): void;
}

export interface GroupPartitionDependencies {
  readonly clock: Pick<Clock, "nowMs" | "monotonicMs">;
  readonly wheel: TimingWheel;
  readonly coordinator: CoordinatorOptions;
  /** The metadata, as far as this node has them, say that this node leads the partition in this epoch still. */
  readonly isCurrent: () => boolean;
  readonly appendTimeoutMs: number;
  readonly stats: GroupStats;
  readonly log: (fields: object, event: string) => void;
}

/** Who is removed is counted with the reason why. */
const causes: Partial<Record<GroupCommand["kind"], RebalanceCause>> = {
  join: "join",
  return: "join",
  leave: "leave",
  beat: "subscription",
  topics: "topics",
};

type Waiter = ((outcome: GroupOutcome) => void) | undefined;

/** This node stood still when it looks so late at whose time is over. It does so twice a second. */
const stallMs = 1_500;
/** Between two looks at whether a leader that is new knows by now what is committed, or can read it. */
const loadRetryMs = 100;

export class GroupPartition {
  readonly partition: LocalPartition;
  readonly leaderEpoch: number;
  readonly #dependencies: GroupPartitionDependencies;
  readonly #coordinator: GroupCoordinator<Waiter>;
  /** By group and member. */
  readonly #sessions = new Map<string, Map<string, GroupSession>>();
  /** Why nothing is decided here; undefined when it is ready. */
  #notReady: Refusal | undefined;
  #isLoading = true;
  /** The time of day when the monotonic clock was at 0. */
  readonly #epochMs: number;
  #tickedMs: number;
  #hasEnded = false;
  #isTurnScheduled = false;
  /** What became of topics is not in every group yet. Nobody asked for that, so nobody asks again. */
  #areTopicsNew = false;
  readonly #whenLoaded: Promise<void>;

  constructor(partition: LocalPartition, leaderEpoch: number, dependencies: GroupPartitionDependencies) {
    this.partition = partition;
    this.leaderEpoch = leaderEpoch;
    this.#dependencies = dependencies;
    const { stats, coordinator, clock } = dependencies;
    this.#epochMs = clock.nowMs() - clock.monotonicMs();
    this.#tickedMs = clock.monotonicMs();
    const onRebalance = (kind: GroupCommand["kind"]): void => {
      const cause = causes[kind];
      if (cause !== undefined) stats.rebalanced(cause);
    };
    this.#coordinator = new GroupCoordinator({ ...coordinator, onRebalance });
    this.#notReady = refuse(
      "COORDINATOR_LOADING",
      `This broker has just taken over partition ${partition.partition} of the groups and reads what is kept there; try again`,
    );
    this.#whenLoaded = this.#load();
  }

  /** It leads in the epoch that it was made for, as far as anybody here knows. */
  get isAlive(): boolean {
    const { closedBy, leading } = this.partition;
    return !this.#hasEnded && closedBy === undefined && leading?.state.leaderEpoch === this.leaderEpoch;
  }

  get isLoading(): boolean {
    return this.#isLoading && !this.#hasEnded;
  }

  /** Committed. Look at `whyNotReady` first. */
  get groups(): ReadonlyMap<string, Group> {
    return this.#coordinator.visible;
  }

  /** Why nothing can be asked here now. */
  get whyNotReady(): Refusal | undefined {
    if (this.#notReady !== undefined) return this.#notReady;
    // A leader that the cluster may have given up does not know what is committed by now (H-11).
    if (this.partition.leading?.isProven() === true || this.partition.isSoleLeader) return undefined;
    return notCoordinator("its node has not heard of the cluster for a while");
  }

  /** Why nothing would be decided here now: a call is refused with this, and nothing becomes of it. */
  get whyNoCall(): Refusal | undefined {
    const notReady = this.whyNotReady;
    if (notReady !== undefined) return notReady;
    // Behind this node's own metadata nothing is decided: what another one has decided since would be undone (O-4).
    if (this.isAlive && this.#dependencies.isCurrent()) return undefined;
    return notCoordinator("its leader epoch has ended");
  }

  /** Resolves when it is ready, or will never be, or after `patienceMs`. */
  async settled(patienceMs: number): Promise<void> {
    if (!this.isLoading) return;
    await new Promise<void>((resolve) => {
      const deadline = this.#dependencies.wheel.schedule(patienceMs, resolve);
      void this.#whenLoaded.then(() => {
        deadline.cancel();
        resolve();
      });
    });
  }

  /** Decides, and answers once that is committed (O-3). Never rejects. */
  call<C extends GroupCommand>(groupId: string, command: C): Promise<GroupReplyOf<C> | Refusal> {
    return new Promise((resolve) => {
      const refusal = this.whyNoCall;
      if (refusal !== undefined) {
        resolve(refusal);
        return;
      }
      const waiter = (outcome: GroupOutcome): void => {
        resolve("refusal" in outcome ? outcome.refusal : (outcome.reply as GroupReplyOf<C>));
      };
      this.#coordinator.submit(groupId, command, waiter, this.#nowMs);
      this.#scheduleTurn();
    });
  }

  /** The member's connection; a former one of the same member is ended. `isSignOfLife`: it needs no heartbeats while it is there. */
  attach(groupId: string, session: GroupSession, isSignOfLife: boolean): void {
    if (this.#hasEnded) {
      session.end(this.#notReady ?? notCoordinator("its leader epoch has ended"));
      return;
    }
    this.supersede(groupId, session.memberId);
    let sessions = this.#sessions.get(groupId);
    if (sessions === undefined) this.#sessions.set(groupId, (sessions = new Map()));
    sessions.set(session.memberId, session);
    if (isSignOfLife) this.#coordinator.connected(groupId, session.memberId);
    else this.heard(groupId, session.memberId);
  }

  /** The member comes on another connection: that is a sign of life, and nothing more is heard on the one that it has, if it has one. */
  supersede(groupId: string, memberId: string): void {
    this.heard(groupId, memberId);
    const former = this.#sessions.get(groupId)?.get(memberId);
    former?.end(
      refuse("FENCED_MEMBER_EPOCH", `Member "${memberId}" speaks on another connection by now; only one may`),
    );
  }

  /** The connection is over; the member stays until its session times out. */
  detach(groupId: string, session: GroupSession): void {
    const sessions = this.#sessions.get(groupId);
    if (sessions?.get(session.memberId) !== session) return;
    sessions.delete(session.memberId);
    if (sessions.size === 0) this.#sessions.delete(groupId);
    this.#coordinator.disconnected(groupId, session.memberId, this.#nowMs);
  }

  /** A member gave a sign of life. */
  heard(groupId: string, memberId: string): void {
    this.#coordinator.heard(groupId, memberId, this.#nowMs);
  }

  /** Every so often: whose time is over, and whether this is still the coordinator. */
  tick(): void {
    if (!this.isAlive) {
      this.end(this.partition.closedBy ?? notCoordinator("its leader epoch has ended"));
      return;
    }
    if (this.#notReady !== undefined) return;
    const { stats, log, clock } = this.#dependencies;
    const sinceMs = clock.monotonicMs() - this.#tickedMs;
    this.#tickedMs += sinceMs;
    if (sinceMs > stallMs) this.#coordinator.stalled(sinceMs);
    for (const { groupId, memberId, why } of this.#coordinator.removeDue(this.#nowMs)) {
      stats.rebalanced(why === "session" ? "session-timeout" : "revocation-timeout");
      const event =
        why === "session" ? "a member was silent for too long" : "a member did not give back its partitions in time";
      log({ group: groupId, member: memberId }, event);
    }
    this.#takeInTopics();
    this.#scheduleTurn();
    // What timed out may have been committed since.
    this.#committed(this.partition.log.highWatermark);
  }

  /** Topics came, went or grew: now, or as soon as anything can be decided here. */
  topicsChanged(): void {
    this.#areTopicsNew = true;
    this.#takeInTopics();
  }

  expire(retentionMs: number): void {
    if (this.whyNoCall !== undefined) return;
    this.#coordinator.expire(retentionMs, this.#nowMs);
    this.#scheduleTurn();
  }

  /** Whoever waits and every session hears `refusal`. Idempotent. */
  end(refusal: Refusal): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    // The reason of a partition is that of whoever wrote to it; a group's member has to look for the coordinator.
    const told = refusal.reason === "SHUTTING_DOWN" ? refusal : notCoordinator(refusal.message);
    this.#notReady = told;
    this.#give(this.#coordinator.resigned(told));
    const sessions = [...this.#sessions.values()].flatMap((members) => [...members.values()]);
    this.#sessions.clear();
    for (const session of sessions) session.end(told);
  }

  /** The time of day, which does not jump while this object lives: sessions are measured by it. */
  get #nowMs(): number {
    return Math.round(this.#epochMs + this.#dependencies.clock.monotonicMs());
  }

  async #load(): Promise<void> {
    const { clock, wheel, log: tell } = this.#dependencies;
    const { partition } = this;
    const startedMs = clock.monotonicMs();
    const again = (): Promise<void> => new Promise((resolve) => wheel.schedule(loadRetryMs, resolve));
    while (this.isAlive && partition.leading?.knowsLatest === false) {
      const unknown = await partition.whyLatestUnknown();
      if (unknown !== undefined) await again();
    }
    const end = partition.leading?.state.startOffset ?? 0;
    const refusal = await loadGroups(this.#coordinator, {
      log: partition.log,
      end,
      isOver: () => !this.isAlive,
      again,
      progress: (offset) => tell({ partition: partition.partition, offset, end }, "groups are being loaded"),
    });
    this.#isLoading = false;
    if (this.#hasEnded) return;
    if (!this.isAlive) {
      this.end(notCoordinator("its leader epoch has ended"));
      return;
    }
    if (refusal !== undefined) {
      this.#notReady = refusal;
      tell({ partition: partition.partition, why: refusal.message }, "the groups of a partition cannot be loaded");
      return;
    }
    this.#coordinator.loaded(this.#nowMs);
    this.#notReady = undefined;
    const size = sizeOfGroups(this.groups);
    const ms = Math.round(clock.monotonicMs() - startedMs);
    if (size.groups > 0) tell({ partition: partition.partition, ...size, ms }, "groups are loaded");
    this.topicsChanged();
  }

  /** After whatever else came with this turn of the event loop: it shares a batch. */
  #scheduleTurn(): void {
    if (this.#isTurnScheduled) return;
    this.#isTurnScheduled = true;
    setImmediate(() => {
      this.#isTurnScheduled = false;
      if (!this.#hasEnded) this.#endTurn();
    });
  }

  #endTurn(): void {
    let isMore = true;
    while (isMore && !this.#hasEnded) isMore = this.#appendBatch();
  }

  /** @returns whether there may be another one */
  #appendBatch(): boolean {
    const { records, answers } = this.#coordinator.endTurn();
    this.#give(answers);
    if (records.length === 0) return false;
    const { clock, appendTimeoutMs } = this.#dependencies;
    const timestampMs = this.#nowMs;
    const batch = buildBatch(records.map((record) => ({ ...record, timestampMs })));
    let isOffered = false;
    const sink = { produceSettled: (settled: PendingProduce) => (isOffered ? this.#settled(settled) : undefined) };
    const pending = new PendingProduce(sink, this.partition.partition, "all", clock.monotonicMs(), undefined);
    this.partition.produce(pending, batch, { expectedOffset: undefined, timeoutMs: appendTimeoutMs });
    isOffered = true;
    if (pending.baseOffset < 0) {
      const refusal = pending.refusal ?? notCoordinator("its leader epoch has ended");
      // Members that were to be removed are due still; sessions say theirs again by themselves.
      this.#areTopicsNew = true;
      this.#give(this.#coordinator.notAppended(refusal, this.#nowMs));
      return false;
    }
    this.#coordinator.appended(pending.lastOffset + 1);
    if (pending.settled) this.#settled(pending);
    return true;
  }

  #takeInTopics(): void {
    if (!this.#areTopicsNew || this.whyNoCall !== undefined) return;
    const refused = this.#coordinator.topicsChanged(this.#nowMs);
    const isForGood = ({ refusal }: (typeof refused)[number]): boolean => !reasons[refusal.reason].retriable;
    this.#areTopicsNew = !refused.every(isForGood);
    for (const { groupId, refusal } of refused.filter(isForGood)) {
      const event = "a group cannot take in what became of its topics before its members change";
      this.#dependencies.log({ group: groupId, why: refusal.message }, event);
    }
    this.#scheduleTurn();
  }

  #settled({ refusal, lastOffset }: PendingProduce): void {
    if (this.#hasEnded) return;
    if (refusal === undefined) this.#committed(lastOffset + 1);
    else if (refusal.reason === "REQUEST_TIMED_OUT") this.#give(this.#coordinator.gaveUp(lastOffset + 1, refusal));
    else this.end(refusal);
  }

  #committed(highWatermark: number): void {
    const { answers, changed } = this.#coordinator.committed(highWatermark);
    this.#give(answers);
    for (const groupId of changed) {
      for (const session of this.#sessions.get(groupId)?.values() ?? []) session.look();
    }
  }

  #give(answers: readonly GroupAnswer<Waiter>[]): void {
    for (const { waiter, outcome } of answers) waiter?.(outcome);
  }
}

function notCoordinator(why: string): Refusal {
  return refuse("NOT_COORDINATOR", `This broker does not coordinate the group any more (${why}); try again`);
}
