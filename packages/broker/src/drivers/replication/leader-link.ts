/**
 * The follower's end of the stream to one leader, for all partitions that this node follows there.
 *
 *   wantsFetch, wantsSync ──> dirty ── end of the turn ──> one ReplicateRequest
 *   answers ──> fetchers, each of which wants its next fetch ──> one ReplicateRequest for all of them
 *   the stream ends ──> every fetch is lost; a new stream after a pause, with jitter; every partition fetches anew
 *
 * Invariants
 * - There is a stream, or a pause before the next one, while there is anything to follow; else neither.
 * - One message of the leader is in memory at a time: while the log has no room for it, nothing is read from the stream.
 */
import { type ReplicaAnswer, type ReplicaFetch, type ReplicateRequest, replicateEntriesMax } from "@varve/api";
import type { Clock } from "@varve/log";
import type { TimingWheel, WheelEntry } from "../timing-wheel.ts";
import { type PeerStream, onEnd } from "./peer-stream.ts";
import type { ReplicaFetcher } from "./replica-fetcher.ts";

export type LeaderStream = PeerStream<readonly ReplicaAnswer[], ReplicateRequest>;

export interface LeaderLinkDependencies {
  /** Opens a stream; undefined when it is not known where the leader is. */
  readonly open: () => LeaderStream | undefined;
  readonly clock: Pick<Clock, "nextTurn" | "monotonicMs">;
  readonly wheel: TimingWheel;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** A promise while the log has no room for so many bytes (J-2). */
  readonly admit: (bytes: number) => Promise<void> | undefined;
  /** H-13: said in every message. */
  readonly isShortOfRoom: () => boolean;
  readonly tell: (fields: object, event: string) => void;
}

type Entries = Omit<ReplicateRequest, "withoutRoom">;
const noEntries: Entries = { fetches: [], syncs: [], closedHandles: [] };

const pauseMsMin = 50;
const pauseMsMax = 1_000;

export class LeaderLink {
  readonly nodeId: number;
  readonly #dependencies: LeaderLinkDependencies;
  readonly #handles = new Map<number, ReplicaFetcher>();
  readonly #handleOf = new Map<ReplicaFetcher, number>();
  /** Named on the present stream. */
  readonly #named = new Set<number>();
  readonly #fetchDue = new Set<ReplicaFetcher>();
  readonly #syncDue = new Set<ReplicaFetcher>();
  #closedHandles: number[] = [];
  #nextHandle = 1;
  #stream: LeaderStream | undefined;
  #pause: WheelEntry | undefined;
  #failures = 0;
  #isScheduled = false;
  #isBlocked = false;
  #isClosed = false;
  #sentMs = 0;

  constructor(nodeId: number, dependencies: LeaderLinkDependencies) {
    this.nodeId = nodeId;
    this.#dependencies = dependencies;
  }

  /** Partitions that are followed there. */
  get size(): number {
    return this.#handles.size;
  }

  get isConnected(): boolean {
    return this.#stream !== undefined;
  }

  add(fetcher: ReplicaFetcher): void {
    const handle = this.#nextHandle++;
    this.#handles.set(handle, fetcher);
    this.#handleOf.set(fetcher, handle);
    this.wantsFetch(fetcher);
    this.#connect();
  }

  remove(fetcher: ReplicaFetcher): void {
    const handle = this.#handleOf.get(fetcher);
    if (handle === undefined) return;
    this.#handles.delete(handle);
    this.#handleOf.delete(fetcher);
    this.#fetchDue.delete(fetcher);
    this.#syncDue.delete(fetcher);
    if (this.#named.delete(handle)) this.#closedHandles.push(handle);
    if (this.#handles.size === 0) this.#disconnect();
    else this.#schedule();
  }

  wantsFetch(fetcher: ReplicaFetcher): void {
    if (!this.#handleOf.has(fetcher)) return;
    this.#fetchDue.add(fetcher);
    this.#schedule();
  }

  wantsSync(fetcher: ReplicaFetcher): void {
    if (!this.#handleOf.has(fetcher)) return;
    this.#syncDue.add(fetcher);
    this.#schedule();
  }

  /** A sign of life when nothing else was said for `idleMs`: fetches that wait there are as good as new. */
  stayAlive(idleMs: number): void {
    if (this.#stream === undefined || this.#dependencies.clock.monotonicMs() - this.#sentMs < idleMs) return;
    this.#send(noEntries);
  }

  /** H-13: this node is short of room now, or is so no more. The leader hears of it by itself. */
  tellRoom(): void {
    if (this.#stream !== undefined) this.#send(noEntries);
  }

  /** Where the leader is has changed, or its port has opened: no reason to wait any longer. */
  hurry(): void {
    if (this.#pause === undefined) return;
    this.#pause.cancel();
    this.#pause = undefined;
    this.#connect();
  }

  close(): void {
    this.#isClosed = true;
    this.#disconnect();
  }

  #connect(): void {
    if (this.#isClosed || this.#stream !== undefined || this.#pause !== undefined || this.#handles.size === 0) return;
    const stream = this.#dependencies.open();
    if (stream === undefined) {
      this.#connectLater();
      return;
    }
    this.#stream = stream;
    this.#isBlocked = false;
    this.#named.clear();
    this.#closedHandles = [];
    this.#syncDue.clear();
    for (const fetcher of this.#handles.values()) this.#fetchDue.add(fetcher);
    stream.on("data", (answers) => {
      if (this.#stream === stream) this.#received(stream, answers);
    });
    stream.on("drain", () => {
      if (this.#stream !== stream) return;
      this.#isBlocked = false;
      this.#flush();
    });
    onEnd(stream, (why) => this.#ended(stream, why));
    this.#flush();
    // There may have been nothing to fetch.
    if (this.#dependencies.isShortOfRoom()) this.tellRoom();
  }

  #ended(stream: LeaderStream, why: string): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    if (this.#failures === 0) this.#dependencies.tell({ leader: this.nodeId, why }, "a replication stream has ended");
    for (const fetcher of this.#handles.values()) fetcher.lost();
    this.#connectLater();
  }

  #connectLater(): void {
    if (this.#isClosed || this.#pause !== undefined) return;
    const pauseMs = Math.min(pauseMsMax, pauseMsMin * 2 ** Math.min(this.#failures, 10));
    this.#failures++;
    this.#pause = this.#dependencies.wheel.schedule(pauseMs * (0.5 + this.#dependencies.random()), () => {
      this.#pause = undefined;
      this.#connect();
    });
  }

  #disconnect(): void {
    this.#pause?.cancel();
    this.#pause = undefined;
    const stream = this.#stream;
    this.#stream = undefined;
    // What is under way still is read, and not looked at: the stream ends behind it.
    stream?.end();
    stream?.resume();
  }

  #received(stream: LeaderStream, answers: readonly ReplicaAnswer[]): void {
    this.#failures = 0;
    let bytes = 0;
    for (const { batches } of answers) bytes += batches.length;
    const room = bytes === 0 ? undefined : this.#dependencies.admit(bytes);
    if (room === undefined) {
      this.#take(answers);
      return;
    }
    stream.pause();
    void room.then(() => {
      if (this.#stream !== stream) return;
      this.#take(answers);
      stream.resume();
    });
  }

  #take(answers: readonly ReplicaAnswer[]): void {
    for (const answer of answers) this.#handles.get(answer.handle)?.take(answer);
    // The leader waits for these: not a turn later.
    this.#flush();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isBlocked || this.#stream === undefined) return;
    this.#isScheduled = true;
    this.#dependencies.clock.nextTurn(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#stream !== undefined && !this.#isBlocked) {
      const request = this.#collect();
      if (request === undefined) return;
      this.#send(request);
    }
  }

  #send(entries: Entries): void {
    const { clock, isShortOfRoom } = this.#dependencies;
    this.#sentMs = clock.monotonicMs();
    if (this.#stream?.write({ ...entries, withoutRoom: isShortOfRoom() }) === false) this.#isBlocked = true;
  }

  #collect(): Entries | undefined {
    const closedHandles = this.#closedHandles.splice(0, replicateEntriesMax / 2);
    const fetches: ReplicaFetch[] = [];
    for (const fetcher of this.#fetchDue) {
      if (fetches.length >= replicateEntriesMax / 4) break;
      this.#fetchDue.delete(fetcher);
      const fetch = this.#fetchOf(fetcher);
      // A fetch says how far the log is durable, too.
      if (fetch !== undefined) this.#syncDue.delete(fetcher);
      if (fetch !== undefined) fetches.push(fetch);
    }
    const syncs = [];
    for (const fetcher of this.#syncDue) {
      if (syncs.length >= replicateEntriesMax / 4) break;
      this.#syncDue.delete(fetcher);
      const handle = this.#handleOf.get(fetcher);
      const durableOffset = fetcher.syncNotice();
      if (handle === undefined || durableOffset === undefined || !this.#named.has(handle)) continue;
      const { brokerEpoch, leaderEpoch } = fetcher.following;
      syncs.push({ handle, brokerEpoch, leaderEpoch, durableOffset, logStart: fetcher.log.logStartOffset });
    }
    if (fetches.length + syncs.length + closedHandles.length === 0) return undefined;
    return { fetches, syncs, closedHandles };
  }

  #fetchOf(fetcher: ReplicaFetcher): ReplicaFetch | undefined {
    const handle = this.#handleOf.get(fetcher);
    const request = handle === undefined ? undefined : fetcher.plan();
    if (handle === undefined || request === undefined) return undefined;
    const isNamed = this.#named.has(handle);
    this.#named.add(handle);
    const { topicId, partition } = fetcher.log.id;
    return { handle, topicId: isNamed ? "" : topicId, partition: isNamed ? 0 : partition, ...request };
  }
}
