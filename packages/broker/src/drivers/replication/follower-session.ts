/**
 * The leader's end of the stream of one follower: takes fetches, and answers those that have something to hear.
 *
 *   fetch ──> LocalPartition.hearFetch ─┬─ match, nothing new: waits at the partition (Leading) ── wake ─┐
 *                                       └─ else ──────────────────────────────────────────────> ready ──┴─> one message a turn
 *   ready: what memory has (live) │ what has to be read from files (behind): one read at a time, one part in each message
 *
 * Invariants
 * - A message holds about `messageBytes` of live batches and at most one read of those behind: neither waits for the other,
 *   and partitions of a kind take turns.
 * - While two messages have not left nothing is read: a slow follower holds these, and the numbers of its fetches.
 */
import { type ReplicaAnswer, type ReplicaFetch, type ReplicateRequest, encodeReplicateResponse } from "@varve/api";
import type { FollowerFetch } from "@varve/cluster";
import type { ReadResult } from "@varve/log";
import type { LocalPartition } from "../partition.ts";
import type { TimingWheel, WheelEntry } from "../timing-wheel.ts";
import type { WaitingFetch } from "./leading.ts";
import { type PeerStream, onEnd } from "./peer-stream.ts";

export interface FollowerSessionDependencies {
  readonly partition: (topicId: string, partition: number) => LocalPartition | undefined;
  readonly monotonicMs: () => number;
  readonly nextTurn: (run: () => void) => void;
  readonly wheel: TimingWheel;
  /** Of live batches in one message, about; one larger batch is sent all the same. @default 1 MiB */
  readonly messageBytes?: number;
  /** Of one partition in one answer. @default 512 KiB */
  readonly partitionBytes?: number;
  /** Partitions that one stream may name; it is ended beyond. */
  readonly handlesMax?: number;
  /** H-13: the follower says that it is short of room, or that it is so no more. */
  readonly roomChanged: () => void;
  /** So many bytes of messages go out. */
  readonly sent: (bytes: number) => void;
  readonly ended: (session: FollowerSession, why: string) => void;
}

const noBytes = new Uint8Array(0);
/** An answer without batches, in the account of a message. */
const answerBytes = 64;

const messagesUnderWayMax = 2;
/** A new high watermark goes with the next batches; when none come, after so long, with those of all other partitions. */
const nudgeMs = 10;

/** A partition on this stream, with its fetch when there is one. */
class Subscription implements WaitingFetch {
  readonly session: FollowerSession;
  readonly handle: number;
  readonly topicId: string;
  readonly number: number;
  fetch: FollowerFetch | undefined;
  fetchId = 0;
  /** Where the fetch waits. */
  waitsAt: LocalPartition | undefined;
  toldHighWatermark = -1;
  toldLogStart = -1;
  /** In `live` or `behind`, or being read. */
  isReady = false;
  /** Said instead of records. */
  verdict: Partial<ReplicaAnswer> | undefined;

  constructor(session: FollowerSession, handle: number, topicId: string, number: number) {
    this.session = session;
    this.handle = handle;
    this.topicId = topicId;
    this.number = number;
  }

  get brokerId(): number {
    return this.session.nodeId;
  }

  get heardMs(): number {
    return this.session.heardMs;
  }

  get fetchOffset(): number {
    return this.fetch?.fetchOffset ?? 0;
  }

  wake(): void {
    this.waitsAt = undefined;
    this.session.ready(this);
  }

  nudge(): void {
    this.session.nudged(this);
  }
}

/** What a read for an answer came to. */
interface Part {
  readonly subscription: Subscription;
  /** The fetch that it was read for: another may have come meanwhile. */
  readonly fetchId: number;
  readonly result: ReadResult | undefined;
}

export class FollowerSession {
  readonly nodeId: number;
  readonly #stream: PeerStream<ReplicateRequest, Uint8Array>;
  readonly #dependencies: Required<FollowerSessionDependencies>;
  readonly #handles = new Map<number, Subscription>();
  /** In order; the head index saves the shifting. */
  #live: Subscription[] = [];
  readonly #behind: Subscription[] = [];
  /** Wait, and have a new high watermark to hear of. */
  readonly #nudged = new Set<Subscription>();
  #nudge: WheelEntry | undefined;
  #reading = false;
  #read: Part | undefined;
  #isScheduled = false;
  /** Messages that have not left. */
  #underWay = 0;
  #isOver = false;
  #isShortOfRoom = false;
  #heardMs: number;

  constructor(
    nodeId: number,
    stream: PeerStream<ReplicateRequest, Uint8Array>,
    dependencies: FollowerSessionDependencies,
  ) {
    this.nodeId = nodeId;
    this.#stream = stream;
    this.#dependencies = {
      messageBytes: 1024 * 1024,
      partitionBytes: 512 * 1024,
      handlesMax: 200_000,
      ...dependencies,
    };
    this.#heardMs = dependencies.monotonicMs();
    stream.on("data", (request) => this.#take(request));
    onEnd(stream, (why) => {
      this.#over(why);
      // A follower that has ended its side waits for the end of this one.
      stream.end();
    });
  }

  /** When the follower last said something, monotonic. */
  get heardMs(): number {
    return this.#heardMs;
  }

  /** As the follower last said (H-13). */
  get isShortOfRoom(): boolean {
    return this.#isShortOfRoom;
  }

  close(): void {
    this.#over("the broker is stopping");
    this.#stream.end();
  }

  /** A fetch is to be answered. */
  ready(subscription: Subscription): void {
    if (this.#isOver || subscription.isReady) return;
    subscription.isReady = true;
    this.#live.push(subscription);
    this.#schedule();
  }

  /** The high watermark of a fetch that waits has moved. */
  nudged(subscription: Subscription): void {
    if (this.#isOver) return;
    this.#nudged.add(subscription);
    this.#nudge ??= this.#dependencies.wheel.schedule(nudgeMs, () => {
      this.#nudge = undefined;
      const due = [...this.#nudged];
      this.#nudged.clear();
      for (const nudged of due) nudged.waitsAt?.leading?.tell(nudged);
    });
  }

  #take({ fetches, syncs, closedHandles, withoutRoom }: ReplicateRequest): void {
    if (this.#isOver) return;
    this.#heardMs = this.#dependencies.monotonicMs();
    for (const handle of closedHandles) this.#close(handle);
    for (const sync of syncs) {
      const subscription = this.#handles.get(sync.handle);
      if (subscription === undefined) continue;
      const { brokerEpoch, leaderEpoch, durableOffset, logStart } = sync;
      const brokerId = this.nodeId;
      this.#partitionOf(subscription)?.hearSync({ brokerId, brokerEpoch, leaderEpoch, durableOffset, logStart });
    }
    for (const fetch of fetches) {
      const subscription = this.#subscriptionOf(fetch);
      if (subscription === undefined) return;
      this.#hear(subscription, fetch);
    }
    if (withoutRoom === this.#isShortOfRoom) return;
    this.#isShortOfRoom = withoutRoom;
    this.#dependencies.roomChanged();
  }

  #subscriptionOf({ handle, topicId, partition }: ReplicaFetch): Subscription | undefined {
    let known = this.#handles.get(handle);
    if (known !== undefined && (topicId === "" || (known.topicId === topicId && known.number === partition)))
      return known;
    if (topicId === "" || (known === undefined && this.#handles.size >= this.#dependencies.handlesMax)) {
      this.#stream.end();
      this.#over(`handle ${handle} is not known, or one too many`);
      return undefined;
    }
    this.#close(handle);
    known = new Subscription(this, handle, topicId, partition);
    this.#handles.set(handle, known);
    return known;
  }

  #hear(subscription: Subscription, fetch: ReplicaFetch): void {
    this.#forgetWait(subscription);
    const partition = this.#partitionOf(subscription);
    subscription.verdict = undefined;
    subscription.fetchId = fetch.fetchId;
    const heard: FollowerFetch = {
      brokerId: this.nodeId,
      brokerEpoch: fetch.brokerEpoch,
      leaderEpoch: fetch.leaderEpoch,
      fetchOffset: fetch.fetchOffset,
      durableOffset: fetch.durableOffset,
      lastFetchedEpoch: fetch.lastFetchedEpoch,
      logStart: fetch.logStart,
    };
    subscription.fetch = heard;
    if (partition === undefined || !isPlain(fetch)) {
      subscription.verdict = {
        kind: "refused",
        reason: partition === undefined ? "UNKNOWN_PARTITION" : "INVALID_REQUEST",
      };
      this.ready(subscription);
      return;
    }
    const check = partition.hearFetch(heard);
    if (check.kind === "match") {
      subscription.waitsAt = partition;
      // Woken at once when there is something.
      partition.leading?.wait(subscription);
      return;
    }
    subscription.verdict = verdictOf(check);
    this.ready(subscription);
  }

  #partitionOf({ topicId, number }: Subscription): LocalPartition | undefined {
    return this.#dependencies.partition(topicId, number);
  }

  #close(handle: number): void {
    const subscription = this.#handles.get(handle);
    if (subscription === undefined) return;
    this.#forgetWait(subscription);
    subscription.fetch = undefined;
    this.#handles.delete(handle);
  }

  #forgetWait(subscription: Subscription): void {
    subscription.waitsAt?.leading?.forget(subscription);
    subscription.waitsAt = undefined;
  }

  get #isBlocked(): boolean {
    return this.#underWay >= messagesUnderWayMax;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isBlocked) return;
    this.#isScheduled = true;
    // What a turn appends to many partitions goes in one message.
    this.#dependencies.nextTurn(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  /** Sends as much as the stream takes. */
  #flush(): void {
    while (!this.#isOver && !this.#isBlocked) {
      const answers: ReplicaAnswer[] = [];
      const releases: (() => void)[] = [];
      this.#collect(answers, releases);
      if (answers.length === 0) break;
      const message = encodeReplicateResponse(answers);
      for (const release of releases) release();
      this.#underWay++;
      this.#dependencies.sent(message.length);
      this.#stream.write(message, () => {
        this.#underWay--;
        this.#flush();
      });
    }
    this.#readBehind();
  }

  #collect(answers: ReplicaAnswer[], releases: (() => void)[]): void {
    const { messageBytes } = this.#dependencies;
    const read = this.#read;
    this.#read = undefined;
    if (read !== undefined) this.#answer(read, answers, releases);
    let bytes = 0;
    let taken = 0;
    for (; taken < this.#live.length && bytes < messageBytes; taken++) {
      const subscription = this.#live[taken] as Subscription;
      const part = this.#readCached(subscription, messageBytes - bytes);
      if (part === undefined) continue;
      bytes += this.#answer(part, answers, releases);
    }
    this.#live = this.#live.slice(taken);
  }

  /** What memory has; undefined when it has to be read from files, or the fetch is gone. */
  #readCached(subscription: Subscription, roomBytes: number): Part | undefined {
    const { fetch, fetchId, verdict } = subscription;
    const partition = this.#partitionOf(subscription);
    if (fetch === undefined) {
      subscription.isReady = false;
      return undefined;
    }
    if (verdict !== undefined || partition === undefined) return { subscription, fetchId, result: undefined };
    const maxBytes = Math.min(this.#dependencies.partitionBytes, Math.max(roomBytes, answerBytes));
    const result = partition.log.readCached({
      offset: fetch.fetchOffset,
      maxBytes,
      limit: Number.MAX_SAFE_INTEGER,
      lend: true,
    });
    if (result !== undefined) return { subscription, fetchId, result };
    this.#behind.push(subscription);
    return undefined;
  }

  /** One read at a time: those that follow from memory are not to wait for disks. */
  #readBehind(): void {
    if (this.#reading || this.#read !== undefined || this.#isBlocked || this.#isOver) return;
    const subscription = this.#behind.shift();
    if (subscription === undefined) return;
    const { fetch, fetchId } = subscription;
    const partition = this.#partitionOf(subscription);
    if (fetch === undefined || partition === undefined) {
      subscription.isReady = false;
      if (fetch !== undefined) this.ready(subscription);
      this.#readBehind();
      return;
    }
    this.#reading = true;
    const { partitionBytes: maxBytes } = this.#dependencies;
    const limit = Number.MAX_SAFE_INTEGER;
    partition.log.read({ offset: fetch.fetchOffset, maxBytes, limit, lend: true }).then(
      (result) => this.#readEnded({ subscription, fetchId, result }),
      () => {
        // Closed, or its file failed: the log says so by itself, and the follower asks again.
        subscription.verdict = { kind: "refused", reason: "STORAGE_FAILED" };
        this.#readEnded({ subscription, fetchId, result: undefined });
      },
    );
  }

  #readEnded(part: Part): void {
    this.#reading = false;
    this.#read = part;
    if (this.#isOver) {
      if (part.result?.kind === "batches") part.result.release?.();
      return;
    }
    this.#flush();
  }

  /** Adds the answer to a fetch. Returns about how many bytes it takes. */
  #answer({ subscription, fetchId, result }: Part, answers: ReplicaAnswer[], releases: (() => void)[]): number {
    subscription.isReady = false;
    const { fetch, handle } = subscription;
    const partition = this.#partitionOf(subscription);
    const leading = partition?.leading;
    if (result?.kind === "batches" && result.release !== undefined) releases.push(result.release);
    if (fetch === undefined) return 0;
    if (fetchId !== subscription.fetchId) {
      // The follower gave up that fetch, and this is not the answer to the next one.
      this.ready(subscription);
      return 0;
    }
    subscription.fetch = undefined;
    const { brokerEpoch, leaderEpoch } = fetch;
    const who = { ...nothing, handle, fetchId, brokerEpoch, leaderEpoch };
    let verdict = subscription.verdict;
    if (verdict === undefined && leading?.state.leaderEpoch !== leaderEpoch) {
      verdict = { kind: "refused", reason: "NOT_LEADER" };
    }
    if (verdict === undefined && result !== undefined) verdict = readVerdict(result, fetch);
    if (verdict !== undefined || partition === undefined) {
      answers.push({ ...who, ...verdict });
      return answerBytes;
    }
    const batches = result?.kind === "batches" ? result.bytes : noBytes;
    const { highWatermark, logStartOffset: logStart, logEndOffset: logEnd } = partition.log;
    subscription.toldHighWatermark = highWatermark;
    subscription.toldLogStart = logStart;
    answers.push({ ...who, kind: "records", batches, highWatermark, logStart, logEnd });
    return answerBytes + batches.length;
  }

  #over(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const subscription of this.#handles.values()) this.#forgetWait(subscription);
    this.#handles.clear();
    this.#nudge?.cancel();
    this.#nudged.clear();
    if (this.#read?.result?.kind === "batches") this.#read.result.release?.();
    this.#read = undefined;
    this.#dependencies.ended(this, why);
  }
}

const nothing: ReplicaAnswer = {
  handle: 0,
  fetchId: 0,
  brokerEpoch: -1,
  leaderEpoch: -1,
  kind: "refused",
  batches: noBytes,
  highWatermark: 0,
  logStart: 0,
  logEnd: 0,
  divergingEpoch: 0,
  divergingEnd: 0,
  reason: "",
};

function verdictOf(
  check: Exclude<ReturnType<LocalPartition["hearFetch"]>, { readonly kind: "match" }>,
): Partial<ReplicaAnswer> {
  switch (check.kind) {
    case "refused":
      return check;
    case "outOfRange":
      return check;
    case "diverged":
      return { kind: "diverged", divergingEpoch: check.epoch, divergingEnd: check.end };
  }
}

/** What a read without batches means for the follower; undefined when there are some, or none yet. */
function readVerdict(result: ReadResult, { fetchOffset }: FollowerFetch): Partial<ReplicaAnswer> | undefined {
  if (result.kind === "batches" || result.kind === "empty") return undefined;
  if (result.kind === "damaged") return { kind: "refused", reason: "PARTITION_QUARANTINED" };
  const { logStartOffset: logStart, logEndOffset: logEnd } = result;
  // Above the end: this leader was cut back (J-3), and a new epoch follows.
  return fetchOffset < logStart ? { kind: "outOfRange", logStart, logEnd } : { kind: "refused", reason: "NOT_LEADER" };
}

function isPlain(fetch: ReplicaFetch): boolean {
  const { fetchOffset, durableOffset, logStart, lastFetchedEpoch, brokerEpoch, leaderEpoch } = fetch;
  return (
    [fetchOffset, durableOffset, logStart].every((offset) => Number.isSafeInteger(offset) && offset >= 0) &&
    Number.isSafeInteger(brokerEpoch) &&
    lastFetchedEpoch >= -1 &&
    leaderEpoch >= 0
  );
}
