/**
 * One partition that this node follows, in one leader epoch: what `cluster/partition/replica.ts` decides, done to the log.
 *
 *   plan ──> fetch at the log end ──> answer ─┬─ records: append, high watermark, log start ──> plan
 *     ▲                                       ├─ diverged, out of range: the log is cut ──────> plan
 *     └── after a pause ── refused, a fault ──┴─ quarantine: the end; the bytes are kept
 *
 * Invariant: one fetch is under way, or a cut of the log, or a pause; never two of them (G-1).
 */
import type { ReplicaAnswer } from "@varve/api";
import {
  type FetchAnswer,
  type FetchRefusal,
  type FetchRequest,
  type FetchedBatch,
  type Following,
  type Partition,
  type ReplicaStep,
  beginFollowing,
  planFetch,
  planFetchAnswer,
  planSyncNotice,
} from "@varve/cluster";
import { type BatchHeader, batchSizeBytes, checkBatch, isGap, readBatchHeader, startGapAt } from "@varve/format";
import { FileSystemError, LogError, type PartitionLog } from "@varve/log";
import type { TimingWheel, WheelEntry } from "../timing-wheel.ts";
import { replicaView } from "./replica-log.ts";

/** Who carries fetches to the leader. */
export interface FetcherLink {
  /** `fetcher.plan()` has something to send. */
  wantsFetch(fetcher: ReplicaFetcher): void;
  /** `fetcher.syncNotice()` may have grown, or the log start. */
  wantsSync(fetcher: ReplicaFetcher): void;
}

export interface FetcherDependencies {
  readonly nodeId: number;
  readonly link: FetcherLink;
  readonly wheel: TimingWheel;
  /** The partition in this node's metadata, now. */
  readonly placement: () => Partition;
  /** Of this node's registration, now: it may change while a leader epoch lasts. */
  readonly brokerEpoch: () => number;
  /** F-9: what had counted is damaged. The controller is told, until it says that this replica does not count. */
  readonly reportLoss: () => void;
  readonly whySpaceRefused: () => unknown;
  /** H-13: the leader is to hear at once that this node takes nothing. */
  readonly lacksRoom: () => void;
  readonly tell: (fields: object, event: string) => void;
}

/** After a refusal: metadata are behind, here or there. After a fault: what came cannot be used. */
const retryMs = 100;
/** While the disk has no room. */
const spaceRetryMs = 1_000;

/** Older than every registration. */
const noIncarnation = 0;
/** What a leader answers to that, and nobody else does: epoch, leadership and membership are looked at before. */
const ledHere: FetchRefusal = "STALE_BROKER_EPOCH";

type Records = Extract<FetchAnswer, { readonly kind: "records" }>;
interface Batches {
  readonly batches: readonly FetchedBatch[];
  /** Of each batch, where it begins in the bytes; behind them where the last one ends. */
  readonly places: readonly number[];
}

export class ReplicaFetcher {
  readonly log: PartitionLog;
  readonly leader: number;
  readonly #dependencies: FetcherDependencies;
  #following: Following;
  /** The next fetch is to be sent once everything here is handed to the kernel. */
  #awaitsWrite = false;
  /** A cut of the log is under way. */
  #isCutting = false;
  #pause: WheelEntry | undefined;
  #isStopped = false;
  /** G-4: the leader lacks what was committed here. */
  #isQuarantined = false;
  /** F-9: the log was damaged when this epoch began, so that no fetch of this epoch has proved what it held. */
  #hasProvedNothing: boolean;
  /** As far as this log has heard of it. */
  #leaderLogStart = 0;
  /** The log start is being moved, or that failed a moment ago. */
  #isDeleting = false;
  readonly #nodeId: number;

  constructor(log: PartitionLog, before: Following | undefined, dependencies: FetcherDependencies) {
    const placement = dependencies.placement();
    this.log = log;
    this.#nodeId = dependencies.nodeId;
    this.leader = placement.leader;
    this.#following = beginFollowing(placement, dependencies.brokerEpoch(), before);
    this.#dependencies = dependencies;
    this.#hasProvedNothing = log.state.kind === "quarantined";
  }

  get following(): Following {
    return this.#following;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  get isQuarantined(): boolean {
    return this.#isQuarantined;
  }

  /**
   * F-9: the log is damaged, and what it held may count somewhere: in the metadata that this node has, or in newer ones, by fetches of
   * this leader epoch.
   */
  get mayCountDamaged(): boolean {
    const { isr, elr } = this.#dependencies.placement();
    return !this.#hasProvedNothing || isr.includes(this.#nodeId) || elr.includes(this.#nodeId);
  }

  /** The next fetch; undefined while there can be none. One that is under way is given up. */
  plan(): FetchRequest | undefined {
    const { state } = this.log;
    if (this.#isStopped || this.#isCutting || this.#pause !== undefined) return undefined;
    if (state.kind === "failed" || state.kind === "closed") return undefined;
    if (state.kind === "quarantined") return this.#askForRefill();
    this.#hasProvedNothing = false;
    const brokerEpoch = this.#dependencies.brokerEpoch();
    if (brokerEpoch !== this.#following.brokerEpoch) {
      this.#following = beginFollowing(this.#following, brokerEpoch, this.#following);
    }
    if (this.#dependencies.whySpaceRefused() !== undefined) {
      this.#dependencies.lacksRoom();
      this.#later(spaceRetryMs);
      return undefined;
    }
    if (this.#isUnwritten) {
      this.#awaitsWrite = true;
      return undefined;
    }
    const planned = planFetch(this.#following, replicaView(this.log), this.log.durableOffset);
    this.#following = planned.following;
    return planned.request;
  }

  /** The durable end that may be sent by itself. */
  syncNotice(): number | undefined {
    return this.#isStopped ? undefined : planSyncNotice(this.#following, this.log.durableOffset);
  }

  /** The log has counted more, begins further on (H-14), or was cut back for want of room (J-3). */
  counted(): void {
    const { outstanding, isMatched } = this.#following;
    const isWritten = this.#awaitsWrite && !this.#isUnwritten;
    // It waits at the leader for what lies behind something that is no longer here: perhaps for ever.
    const waitsAbove = outstanding !== undefined && outstanding.fetchOffset > this.log.logEndOffset;
    if (isWritten) this.#awaitsWrite = false;
    if (isWritten || waitsAbove) this.#dependencies.link.wantsFetch(this);
    if (isMatched) this.#dependencies.link.wantsSync(this);
  }

  /** What the leader answered. `answer.batches` is borrowed until the log has copied it. */
  take(answer: ReplicaAnswer): void {
    if (this.#isStopped || this.#isCutting) return;
    if (this.log.state.kind === "quarantined") return this.#takeWhileDamaged(answer);
    const found = answer.kind === "records" ? batchesOf(answer.batches, this.log.logEndOffset) : undefined;
    const decoded = isPlain(answer) ? fetchAnswerOf(answer, found?.batches ?? []) : refusalOf(answer);
    const { outstanding } = this.#following;
    const planned = planFetchAnswer(
      this.#following,
      replicaView(this.log),
      decoded,
      this.#dependencies.placement().uncleanEpoch,
    );
    this.#following = planned.following;
    if (planned.step.kind !== "ignore") this.#perform(planned.step, answer, found?.places ?? []);
    // The log was changed under the fetch: nobody else will answer it.
    else if (outstanding?.id === answer.fetchId) this.#dependencies.link.wantsFetch(this);
  }

  /** The stream is gone, and the fetch with it. */
  lost(): void {
    this.#following = { ...this.#following, outstanding: undefined };
  }

  /** With `os` a fetch counts up to its offset, and a process that dies must not take along what counted. */
  get #isUnwritten(): boolean {
    return this.log.mode === "os" && this.log.countedOffset < this.log.logEndOffset;
  }

  stop(): void {
    this.#isStopped = true;
    this.#pause?.cancel();
    this.#pause = undefined;
  }

  #perform(step: Exclude<ReplicaStep, { kind: "ignore" }>, answer: ReplicaAnswer, places: readonly number[]): void {
    const { log } = this;
    switch (step.kind) {
      case "retry":
        this.#later(retryMs);
        return;
      case "truncate":
        this.#tell({ to: step.to, logEnd: log.logEndOffset }, "the log differs from the leader's and is cut back");
        this.#cut(() => log.truncate(step.to));
        return;
      case "startAt":
        this.#tell({ at: step.at, logEnd: log.logEndOffset }, "the log ends below the leader's and begins anew");
        this.#cut(() => log.truncateFullyAndStartAt(step.at));
        return;
      case "quarantine":
        this.#isQuarantined = true;
        this.stop();
        this.#tell(
          { to: step.to, highWatermark: log.highWatermark },
          "the leader lacks what was committed here: this replica is set aside with its bytes",
        );
        return;
      case "append":
        if (!step.dropsEmptyEpochs && step.beginsAt === undefined) this.#append(step, answer.batches, places);
        else {
          this.#cut(async () => {
            if (step.beginsAt !== undefined) await log.truncateFullyAndStartAt(step.beginsAt);
            // G-3: this node once led and wrote nothing; its empty epoch would stand in the way of older batches.
            else await log.truncate(log.logEndOffset);
            // Meanwhile this node may lead, or follow in another epoch.
            if (!this.#isStopped) this.#append(step, answer.batches, places);
          });
        }
    }
  }

  #append(step: Extract<ReplicaStep, { kind: "append" }>, bytes: Uint8Array, places: readonly number[]): void {
    const { log } = this;
    let { fault } = step;
    for (let index = 0; index < step.count; index++) {
      const outcome = log.appendAsFollower(bytes.subarray(places[index], places[index + 1]));
      if (outcome.kind !== "refused") continue;
      fault = outcome.message;
      break;
    }
    log.advanceHighWatermark(step.highWatermark);
    this.#leaderLogStart = step.logStart;
    this.#followLogStart();
    if (fault === undefined) {
      this.#dependencies.link.wantsFetch(this);
      return;
    }
    this.#tell({ fault }, "what the leader sent cannot be taken, it is fetched again");
    this.#later(retryMs);
  }

  /** The leader's retention and deletions are this log's too: one at a time, and again when it could not be done. */
  #followLogStart(): void {
    const { log } = this;
    const to = this.#leaderLogStart;
    if (this.#isDeleting || this.#isStopped || to <= log.logStartOffset) return;
    this.#isDeleting = true;
    const before = log.logStartOffset;
    log.deleteRecordsBefore(to).then(
      () => {
        this.#isDeleting = false;
        if (log.logStartOffset > before) this.#followLogStart();
      },
      (error: unknown) => {
        if (!(error instanceof LogError || error instanceof FileSystemError)) throw error;
        // Of a fault the log tells its listeners; after a shortage it is for this one to try again, since the leader has said it.
        this.#dependencies.wheel.schedule(spaceRetryMs, () => {
          this.#isDeleting = false;
          if (log.state.kind === "open" || log.state.kind === "needs-epoch") this.#followLogStart();
        });
      },
    );
  }

  /**
   * F-9: damage in what had counted. It may go only once the controller has committed that this replica does not count, for until
   * then somebody may believe that it is whole. Fetches of the epoch in which the damage was found may have brought it into the ISR
   * without this node knowing: the report begins another one.
   *
   * And it may go only for something better: a leader that is dead, or damaged too, has nothing to refill this log from, and what lies
   * before the damage may be all that is left. So the leader is asked first, in the name of no incarnation: a fetch like that counts for
   * nothing, and only who leads in this epoch gets as far as to say so (H-3).
   */
  #askForRefill(): FetchRequest | undefined {
    if (this.mayCountDamaged) {
      this.#dependencies.reportLoss();
      this.#later(spaceRetryMs);
      return undefined;
    }
    const planned = planFetch(this.#following, replicaView(this.log), this.log.durableOffset);
    this.#following = planned.following;
    return { ...planned.request, brokerEpoch: noIncarnation };
  }

  #takeWhileDamaged({ fetchId, kind, reason }: ReplicaAnswer): void {
    if (this.#following.outstanding?.id !== fetchId) return;
    this.lost();
    if (kind === "refused" && reason === ledHere && !this.mayCountDamaged) this.#refill();
    else this.#later(retryMs);
  }

  #refill(): void {
    const { log } = this;
    this.#tell({ logEnd: log.logEndOffset }, "the log is damaged and begins anew from the leader's");
    this.#cut(() => log.truncateFullyAndStartAt(0));
  }

  #cut(work: () => Promise<unknown>): void {
    this.#isCutting = true;
    work().then(
      () => {
        this.#isCutting = false;
        if (!this.#isStopped) this.#dependencies.link.wantsFetch(this);
      },
      (error: unknown) => {
        this.#isCutting = false;
        this.#tell({ error: String(error) }, "the log could not be cut back, trying again");
        this.#later(spaceRetryMs);
      },
    );
  }

  #later(delayMs: number): void {
    if (this.#isStopped || this.#pause !== undefined) return;
    this.#pause = this.#dependencies.wheel.schedule(delayMs, () => {
      this.#pause = undefined;
      this.#dependencies.link.wantsFetch(this);
    });
  }

  #tell(fields: object, event: string): void {
    const { topic, partition } = this.log.id;
    const { leader, leaderEpoch } = this.#following;
    this.#dependencies.tell({ topic, partition, leader, leaderEpoch, ...fields }, event);
  }
}

/**
 * Up to the first batch that is not sound, which is the last one here. What the leader has compacted may begin with a gap that begins
 * below `logEnd`, where this log ends: the rest of it is what is missing here (J-21). `bytes` are changed in place then.
 */
function batchesOf(bytes: Uint8Array, logEnd: number): Batches {
  const batches: FetchedBatch[] = [];
  const places: number[] = [0];
  let at = 0;
  while (at < bytes.length) {
    if (checkBatch(bytes, at, bytes.length) !== undefined) {
      batches.push({ baseOffset: -1, endOffset: -1, leaderEpoch: -1, isSound: false });
      break;
    }
    if (at === 0 && gapHolds(readBatchHeader(bytes), logEnd)) startGapAt(bytes, 0, logEnd);
    const { baseOffset, lastOffsetDelta, leaderEpoch } = readBatchHeader(bytes, at);
    batches.push({ baseOffset, endOffset: baseOffset + lastOffsetDelta + 1, leaderEpoch, isSound: true });
    at += batchSizeBytes(bytes, at);
    places.push(at);
  }
  return { batches, places };
}

/** Whether the batch is a gap that begins below `offset` and ends above it. */
function gapHolds(header: BatchHeader, offset: number): boolean {
  const { baseOffset, lastOffsetDelta } = header;
  return isGap(header) && baseOffset < offset && baseOffset + lastOffsetDelta >= offset;
}

/** Whether every number can be what it says: the decisions behind this take them at their word. */
function isPlain({ highWatermark, logStart, logEnd, divergingEnd }: ReplicaAnswer): boolean {
  return [highWatermark, logStart, logEnd, divergingEnd].every((offset) => Number.isSafeInteger(offset) && offset >= 0);
}

function fetchAnswerOf(answer: ReplicaAnswer, batches: Records["batches"]): FetchAnswer {
  const { fetchId, brokerEpoch, leaderEpoch, kind, highWatermark, logStart, logEnd } = answer;
  const who = { fetchId, brokerEpoch, leaderEpoch };
  switch (kind) {
    case "records":
      return { ...who, kind, batches, highWatermark, logStart };
    case "diverged":
      return { ...who, kind, epoch: answer.divergingEpoch, end: answer.divergingEnd };
    case "outOfRange":
      return { ...who, kind, logStart, logEnd };
    case "refused":
      return { ...who, kind };
  }
}

function refusalOf({ fetchId, brokerEpoch, leaderEpoch }: ReplicaAnswer): FetchAnswer {
  return { fetchId, brokerEpoch, leaderEpoch, kind: "refused" };
}
