// A partition as its leader sees it, in one leader epoch: a value, and the steps that make the next one. No clock, no I/O: log
// offsets and times are handed in, what has to be sent is in the value.
//
//   metadata ─> beginLeadership ─> refreshLeadership …            fetch ─> hearFetch ─┐
//   answer of the controller ─> adoptAnswer                       sync ─> hearSync ───┴─> advance, then proposeIsr
//
// A zombie, a leader that was cut off from the controller, keeps its view of the ISR, and that is safe. To move its high
// watermark it needs every member of that ISR to fetch in its epoch. Once the controller elects another member, that member
// leaves the old epoch, and the old high watermark stands still (W10). What it had committed is on the whole ISR, the new leader
// included.

import { invariant } from "@varve/format";
import { noLeader } from "../controller/state.ts";
import type { FlushState, Partition } from "../controller/state.ts";
import { checkFetchPoint } from "./divergence.ts";
import type { FetchCheck, LeaderLogView } from "./divergence.ts";
import {
  countedOffsetOf,
  isCaughtUp,
  progressAfterFetch,
  progressAfterStall,
  progressAfterSync,
  progressWhileWaiting,
  unheardFollower,
} from "./follower-progress.ts";
import type { FollowerProgress } from "./follower-progress.ts";
import { nextHighWatermark } from "./high-watermark.ts";
import {
  adoptCommitted,
  committedIsr,
  maximalIsr,
  pendingProposal,
  proposeExpand,
  proposeRecovered,
  proposeShrink,
} from "./isr.ts";
import type { CommittedIsr, IsrState } from "./isr.ts";

export interface Leadership {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly leaderEpoch: number;
  /** Log end when the epoch began: what was committed before lies below it, however old the local high watermark is (W1). */
  readonly startOffset: number;
  readonly replicas: readonly number[];
  readonly flush: FlushState;
  /** While `syncing`: the log end when this leader learnt of it. Once all of that is durable it is `sync`. */
  readonly syncingTo: number | undefined;
  readonly isr: IsrState;
  /** Never falls. */
  readonly highWatermark: number;
  /** The other replicas. */
  readonly followers: ReadonlyMap<number, FollowerProgress>;
}

/** The leader's own log and clock, now. */
export interface LeaderNow {
  readonly logEnd: number;
  readonly durableEnd: number;
  readonly logStart: number;
  readonly nowMs: number;
  /** `replica.lag.max`. */
  readonly lagMaxMs: number;
}

/** What the metadata says of a broker: active is registered, not fenced and not on its way out. */
export interface BrokerFacts {
  readonly brokerEpoch: number;
  readonly isActive: boolean;
  /** It has said, as a follower, that its disk has no room (H-13). @default false */
  readonly isShortOfRoom?: boolean;
}
export type BrokerFactsOf = (brokerId: number) => BrokerFacts | undefined;

/**
 * The first two rows of 6.8: this broker begins to lead, or leads on in a new epoch. Nothing is known of the followers: what
 * they fetched in another epoch may have been cut off since (W13).
 */
export function beginLeadership(
  partition: Partition,
  me: { readonly brokerId: number; readonly brokerEpoch: number },
  log: { readonly logEnd: number; readonly highWatermark: number; readonly nowMs: number },
): Leadership {
  invariant(
    partition.leader === me.brokerId,
    `broker ${me.brokerId} leads ${partition.topicId}/${partition.partition}`,
  );
  const { logEnd, nowMs } = log;
  const others = partition.replicas.filter((id) => id !== me.brokerId);
  const doubt = (id: number): number => (partition.isr.includes(id) ? nowMs : Number.NEGATIVE_INFINITY);
  return {
    ...me,
    leaderEpoch: partition.leaderEpoch,
    startOffset: logEnd,
    replicas: partition.replicas,
    flush: partition.flush,
    syncingTo: partition.flush === "syncing" ? logEnd : undefined,
    isr: committedIsr(partition),
    highWatermark: Math.min(log.highWatermark, logEnd),
    followers: new Map(others.map((id) => [id, unheardFollower(doubt(id))])),
  };
}

/**
 * Metadata of the same leader epoch: newer ones replace what is committed; the same partition epoch fills in what an
 * answer does not carry; replicas that went are forgotten, and start anew when they come back (W6).
 */
export function refreshLeadership(leadership: Leadership, partition: Partition, logEnd: number): Leadership {
  const { leaderEpoch, isr } = leadership;
  if (partition.leaderEpoch !== leaderEpoch || partition.partitionEpoch < isr.committed.partitionEpoch)
    return leadership;
  const { replicas, flush } = partition;
  const followers = new Map(
    replicas
      .filter((id) => id !== leadership.brokerId)
      .map((id) => [id, leadership.followers.get(id) ?? unheardFollower(Number.NEGATIVE_INFINITY)]),
  );
  const syncingTo = flush !== "syncing" ? undefined : (leadership.syncingTo ?? logEnd);
  return { ...leadership, isr: adoptCommitted(isr, partition), replicas, flush, syncingTo, followers };
}

/** The state that the controller's answer carried: accepted, or refused with a new partition epoch. Both are committed. */
export function adoptAnswer(leadership: Leadership, altered: CommittedIsr & { readonly leader: number }): Leadership {
  if (altered.leader === noLeader || altered.leader !== leadership.brokerId) return leadership;
  return { ...leadership, isr: adoptCommitted(leadership.isr, altered) };
}

/** A fetch, as far as the leader's decisions go. */
export interface FollowerFetch {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  /** The epoch in which the follower believes to be. */
  readonly leaderEpoch: number;
  readonly fetchOffset: number;
  readonly durableOffset: number;
  readonly lastFetchedEpoch: number;
  readonly logStart: number;
}

export type FetchRefusal =
  | "FENCED_LEADER_EPOCH"
  | "UNKNOWN_LEADER_EPOCH"
  | "NOT_LEADER"
  | "UNKNOWN_REPLICA"
  | "STALE_BROKER_EPOCH";

/** H-3, in this order: epoch, leadership, membership, incarnation. `partition` is what this broker's metadata says. */
export function refuseFetch(
  partition: Pick<Partition, "leader" | "leaderEpoch" | "replicas">,
  selfId: number,
  fetch: FollowerFetch,
  factsOf: BrokerFactsOf,
): FetchRefusal | undefined {
  if (fetch.leaderEpoch < partition.leaderEpoch) return "FENCED_LEADER_EPOCH";
  if (fetch.leaderEpoch > partition.leaderEpoch) return "UNKNOWN_LEADER_EPOCH";
  if (partition.leader !== selfId) return "NOT_LEADER";
  if (fetch.brokerId === selfId || !partition.replicas.includes(fetch.brokerId)) return "UNKNOWN_REPLICA";
  const facts = factsOf(fetch.brokerId);
  return facts !== undefined && fetch.brokerEpoch < facts.brokerEpoch ? "STALE_BROKER_EPOCH" : undefined;
}

/**
 * After a fetch that `refuseFetch` let pass. What the follower has counts only when its log does not diverge (KAFKA-13141), and
 * only from the newest incarnation that has fetched.
 */
export function hearFetch(
  leadership: Leadership,
  fetch: FollowerFetch,
  log: LeaderLogView,
  nowMs: number,
): { readonly leadership: Leadership; readonly check: FetchCheck } {
  const check = checkFetchPoint(log, fetch);
  const before = leadership.followers.get(fetch.brokerId);
  if (check.kind !== "match" || before === undefined || before.brokerEpoch > fetch.brokerEpoch) {
    return { leadership, check };
  }
  const progress = progressAfterFetch(before, fetch, { logEnd: log.logEnd, nowMs });
  return { leadership: withFollower(leadership, fetch.brokerId, progress), check };
}

/** Word of a sync of a follower, in its leader epoch. */
export function hearSync(
  leadership: Leadership,
  sync: {
    readonly brokerId: number;
    readonly brokerEpoch: number;
    readonly leaderEpoch: number;
    readonly durableOffset: number;
    readonly logStart: number;
  },
): Leadership {
  const before = leadership.followers.get(sync.brokerId);
  if (before === undefined || sync.leaderEpoch !== leadership.leaderEpoch) return leadership;
  const progress = progressAfterSync(before, sync);
  return progress === before ? leadership : withFollower(leadership, sync.brokerId, progress);
}

/** A fetch of this epoch waits at the log end still, and its follower gave a sign of life at `heardMs`. */
export function creditWaiting(leadership: Leadership, brokerId: number, heardMs: number): Leadership {
  const before = leadership.followers.get(brokerId);
  if (before === undefined) return leadership;
  const progress = progressWhileWaiting(before, heardMs);
  return progress === before ? leadership : withFollower(leadership, brokerId, progress);
}

/** The leader's loop stood still for so long: its followers are credited with it (H-5). */
export function creditStall(leadership: Leadership, stalledMs: number): Leadership {
  const followers = new Map([...leadership.followers].map(([id, known]) => [id, progressAfterStall(known, stalledMs)]));
  return { ...leadership, followers };
}

const nobody: readonly number[] = [];

/** H-2, with everything that waits: the maximal ISR, and whoever is about to join it. */
export function advanceHighWatermark(leadership: Leadership, now: LeaderNow, factsOf: BrokerFactsOf): Leadership {
  const { isr, flush, followers, brokerId } = leadership;
  const own = flush === "os" ? now.logEnd : now.durableEnd;
  // The leader is one of those that it waits for.
  if (own <= leadership.highWatermark) return leadership;
  const members = maximalIsr(isr);
  const isWhole = members.length > followers.size;
  const joining = isWhole
    ? nobody
    : [...followers.keys()].filter((id) => !members.includes(id) && isAble(leadership, id, now, factsOf));
  const highWatermark = nextHighWatermark(
    {
      highWatermark: leadership.highWatermark,
      committedIsr: isr.committed.isr,
      minIsr: isr.committed.minIsr,
      proposed: members,
      joining,
    },
    (id) => {
      const progress = followers.get(id);
      if (id === brokerId) return { countedOffset: own };
      return progress === undefined ? undefined : { countedOffset: countedOffsetOf(progress, flush) };
    },
  );
  return highWatermark === leadership.highWatermark ? leadership : { ...leadership, highWatermark };
}

/** What the leader asks the controller for next, if anything: `pendingProposal(isr)` of the result is to be sent, and sent again. */
export function proposeIsr(leadership: Leadership, now: LeaderNow, factsOf: BrokerFactsOf): Leadership {
  if (pendingProposal(leadership.isr) !== undefined) return leadership;
  const epochOf = memberEpochs(leadership, factsOf);
  const { isr } = leadership;
  if (isr.committed.recovering) return { ...leadership, isr: proposeRecovered(isr, epochOf) };
  const joiners = [...leadership.followers.keys()].filter((id) => mayJoin(leadership, id, now, factsOf));
  if (joiners.length > 0) return { ...leadership, isr: proposeExpand(isr, joiners, epochOf) };
  const laggards = isr.committed.isr.filter(
    (id) => isLagging(leadership, id, now) || isInTheWay(leadership, id, now, factsOf),
  );
  return laggards.length === 0 ? leadership : { ...leadership, isr: proposeShrink(isr, laggards, epochOf) };
}

/** H-4. The test against `startOffset` makes a stale local high watermark harmless: the true one is at most that (W1). */
export function mayJoin(leadership: Leadership, brokerId: number, now: LeaderNow, factsOf: BrokerFactsOf): boolean {
  const progress = leadership.followers.get(brokerId);
  if (progress === undefined || maximalIsr(leadership.isr).includes(brokerId)) return false;
  // H-14: were it to lead, what was deleted would be there again.
  if (progress.logStart < now.logStart) return false;
  const counted = countedOffsetOf(progress, leadership.flush);
  return (
    counted !== undefined &&
    counted >= leadership.highWatermark &&
    counted >= leadership.startOffset &&
    isAble(leadership, brokerId, now, factsOf)
  );
}

/** H-5. */
export function isLagging(leadership: Leadership, brokerId: number, now: LeaderNow): boolean {
  const progress = leadership.followers.get(brokerId);
  return brokerId !== leadership.brokerId && progress !== undefined && !isCaughtUp(progress, now);
}

/**
 * H-13: it has no room for what the high watermark waits for, and has said so: nobody need wait for `replica.lag.max` to see it. While
 * there is nothing that it lacks it stays a member; it is as complete as anybody.
 */
export function isInTheWay(
  leadership: Leadership,
  brokerId: number,
  { logEnd }: Pick<LeaderNow, "logEnd">,
  factsOf: BrokerFactsOf,
): boolean {
  const progress = leadership.followers.get(brokerId);
  if (progress === undefined || factsOf(brokerId)?.isShortOfRoom !== true) return false;
  const counted = countedOffsetOf(progress, leadership.flush);
  return leadership.highWatermark < logEnd && (counted === undefined || counted < logEnd);
}

/** H-6: everything below `end` that was appended in `leaderEpoch` is committed, as far as this leader may say. */
export function isAcknowledged(
  leadership: Leadership,
  append: { readonly leaderEpoch: number; readonly end: number },
): boolean {
  return append.leaderEpoch === leadership.leaderEpoch && leadership.highWatermark >= append.end;
}

/** H-8: what was committed before this epoch is visible, so "the latest offset" cannot go back. */
export function knowsLatest({ highWatermark, startOffset }: Leadership): boolean {
  return highWatermark >= startOffset;
}

/**
 * H-11: heard within a session from a controller, or from enough members to make up `minIsr`; a single replica has nobody who
 * could lead in its place. Otherwise it may be a zombie, and acks below all would promise what is going to be cut off.
 */
export function isLeadershipProven(
  leadership: Leadership,
  {
    nowMs,
    sessionMs,
    controllerHeardMs,
  }: { readonly nowMs: number; readonly sessionMs: number; readonly controllerHeardMs: number },
): boolean {
  if (leadership.replicas.length === 1 || nowMs - controllerHeardMs <= sessionMs) return true;
  const { isr, minIsr } = leadership.isr.committed;
  const heard = isr.filter((id) => {
    const progress = leadership.followers.get(id);
    return id === leadership.brokerId || (progress !== undefined && nowMs - progress.lastFetchMs <= sessionMs);
  });
  return heard.length >= minIsr;
}

/** `syncing` is over: all of the committed ISR has on disk what there was when it began, and nothing is pending. */
export function mayConfirmFlush({ isr, followers, syncingTo, brokerId }: Leadership, durableEnd: number): boolean {
  if (syncingTo === undefined || isr.kind !== "committed") return false;
  const durableOf = (id: number): number => {
    const progress = followers.get(id);
    return id === brokerId ? durableEnd : progress?.fetchOffset === undefined ? -1 : progress.durableOffset;
  };
  return isr.committed.isr.every((id) => durableOf(id) >= syncingTo);
}

/**
 * Caught up, in this epoch, as an incarnation that may be a member, and not short of room: worth waiting for when it is none, so that a
 * busy partition can grow (H-2), and fit to lead when it is one. A follower without room fetches nothing in a new epoch: who has
 * fetched had some.
 */
export function isAble(leadership: Leadership, brokerId: number, now: LeaderNow, factsOf: BrokerFactsOf): boolean {
  const progress = leadership.followers.get(brokerId);
  const facts = factsOf(brokerId);
  return (
    progress?.fetchOffset !== undefined &&
    facts?.isActive === true &&
    facts.isShortOfRoom !== true &&
    facts.brokerEpoch === progress.brokerEpoch &&
    isCaughtUp(progress, now)
  );
}

/**
 * the epoch of the fetches that proved it. A member that has not fetched in this epoch stays one on the controller's
 * word: the epoch that the metadata knows.
 */
function memberEpochs(leadership: Leadership, factsOf: BrokerFactsOf): (brokerId: number) => number {
  return (brokerId) => {
    if (brokerId === leadership.brokerId) return leadership.brokerEpoch;
    const progress = leadership.followers.get(brokerId);
    return progress?.fetchOffset === undefined ? (factsOf(brokerId)?.brokerEpoch ?? -1) : progress.brokerEpoch;
  };
}

function withFollower(leadership: Leadership, brokerId: number, progress: FollowerProgress): Leadership {
  return { ...leadership, followers: new Map(leadership.followers).set(brokerId, progress) };
}
