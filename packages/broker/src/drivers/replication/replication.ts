/**
 * Replication of one node: a link to each leader that it follows, a session of each follower that it leads, and what the partitions
 * of both kinds share. No decision is made here.
 *
 *     LocalPartition ── startFetching ──> LeaderLink ══ stream ══> FollowerSession ──> LocalPartition of the leader
 *          └─ asksForIsr ──> IsrRequests ──> controller
 *
 * Every `tickMs` leaders look for followers that lag (H-5) and for `syncing` that is over, and links give a sign of life. A node
 * whose disk has no room says so to those that it follows, and gives what it leads to others (H-13).
 */
import type { ReplicateRequest } from "@varve/api";
import { type BrokerFacts, type Partition, type Room, lookAtRoom, roomy } from "@varve/cluster";
import type { Clock, Timer } from "@varve/log";
import type { LocalPartition } from "../partition.ts";
import type { TimingWheel } from "../timing-wheel.ts";
import { FollowerSession } from "./follower-session.ts";
import { HandOvers } from "./hand-overs.ts";
import { IsrRequests, type Submit } from "./isr-requests.ts";
import { LossReports } from "./loss-reports.ts";
import { LeaderLink, type LeaderStream } from "./leader-link.ts";
import type { PeerStream } from "./peer-stream.ts";
import type { ReplicaFetcher } from "./replica-fetcher.ts";
import type { ReplicaHost } from "./replica-host.ts";

export interface ReplicationOptions {
  /** `replica.lag.max`: a member of the ISR that has not had everything for so long is dropped. @default 10000 */
  readonly lagMaxMs?: number;
  /** Of brokers with the controller (H-11). @default 3000 */
  readonly sessionMs?: number;
  /** @default 500 */
  readonly tickMs?: number;
}

export interface ReplicationDependencies {
  readonly nodeId: number;
  readonly clock: Clock;
  readonly wheel: TimingWheel;
  readonly random: () => number;
  /** Of this node's registration, now; -1 before it. */
  readonly brokerEpoch: () => number;
  /** H-11. */
  readonly hearsController: () => boolean;
  readonly factsOf: (brokerId: number) => BrokerFacts | undefined;
  /** `host:port` for clients, or empty. */
  readonly addressOf: (nodeId: number) => string;
  readonly submit: Submit;
  /** A stream to the node as a leader; undefined when it is not known where it is. */
  readonly openStream: (nodeId: number) => LeaderStream | undefined;
  readonly partition: (topicId: string, partition: number) => LocalPartition | undefined;
  readonly partitions: () => Iterable<LocalPartition>;
  /** A promise while the log has no room (J-2). */
  readonly admit: (bytes: number) => Promise<void> | undefined;
  /** The disk has no room to append, or a write has just failed for want of it (H-13). */
  readonly isWithoutRoom: () => boolean;
  /** The partition counts by `sync` on all of its ISR now. */
  readonly confirmFlush: (placement: Partition) => void;
  readonly tell: (fields: object, event: string) => void;
}

export class Replication implements ReplicaHost {
  readonly nodeId: number;
  readonly lagMaxMs: number;
  readonly sessionMs: number;
  readonly monotonicMs: () => number;
  readonly brokerEpoch: () => number;
  readonly hearsController: () => boolean;
  readonly factsOf: (brokerId: number) => BrokerFacts | undefined;
  readonly addressOf: (nodeId: number) => string;
  readonly #dependencies: ReplicationDependencies;
  readonly #tickMs: number;
  readonly #requests: IsrRequests;
  readonly #losses: LossReports;
  readonly #handOvers: HandOvers;
  #room: Room = roomy;
  /** By leader. */
  readonly #links = new Map<number, LeaderLink>();
  /** By follower: the newest of each. */
  readonly #sessions = new Map<number, FollowerSession>();
  /** Of batches, from leaders; of messages, to followers. */
  receivedBytes = 0;
  sentBytes = 0;
  /** Changes of an ISR that leaders here asked for and got. */
  isrExpands = 0;
  isrShrinks = 0;
  #timer: Timer | undefined;
  #tickedMs: number;
  #isClosed = false;

  constructor(options: ReplicationOptions, dependencies: ReplicationDependencies) {
    const { nodeId, clock, wheel, submit } = dependencies;
    this.#dependencies = dependencies;
    this.nodeId = nodeId;
    this.lagMaxMs = options.lagMaxMs ?? 10_000;
    this.sessionMs = options.sessionMs ?? 3_000;
    this.#tickMs = options.tickMs ?? 500;
    this.monotonicMs = () => clock.monotonicMs();
    this.brokerEpoch = dependencies.brokerEpoch;
    this.hearsController = dependencies.hearsController;
    this.factsOf = (brokerId) => this.#factsOf(brokerId);
    this.addressOf = dependencies.addressOf;
    const me = (): { brokerId: number; brokerEpoch: number } => ({ brokerId: nodeId, brokerEpoch: this.brokerEpoch() });
    const changed = (members: number): void => {
      if (members > 0) this.isrExpands++;
      else if (members < 0) this.isrShrinks++;
    };
    this.#requests = new IsrRequests({ submit, me, clock, wheel, changed });
    this.#losses = new LossReports({ submit, me, tell: dependencies.tell });
    this.#handOvers = new HandOvers({ submit, me, tell: dependencies.tell });
    this.#tickedMs = clock.monotonicMs();
    this.#tickLater();
  }

  /** Open streams, to leaders and from followers. */
  get streams(): number {
    let open = this.#sessions.size;
    for (const link of this.#links.values()) if (link.isConnected) open++;
    return open;
  }

  /** Changes of an ISR that are not decided. */
  get isrRequests(): number {
    return this.#requests.size;
  }

  /** A follower has opened a stream. An older one of the same node is over: whatever it says was said before. */
  accept(nodeId: number, stream: PeerStream<ReplicateRequest, Uint8Array>): void {
    const { clock, wheel, partition, tell } = this.#dependencies;
    if (this.#isClosed) {
      stream.end();
      return;
    }
    this.#sessions.get(nodeId)?.close();
    const session = new FollowerSession(nodeId, stream, {
      partition,
      monotonicMs: this.monotonicMs,
      nextTurn: (run) => clock.nextTurn(run),
      wheel,
      roomChanged: () => this.#proposeAll(),
      sent: (bytes) => {
        this.sentBytes += bytes;
      },
      ended: (ended, why) => {
        if (this.#sessions.get(nodeId) !== ended) return;
        this.#sessions.delete(nodeId);
        if (!this.#isClosed) tell({ follower: nodeId, why }, "the replication stream of a follower has ended");
      },
    });
    this.#sessions.set(nodeId, session);
  }

  startFetching(fetcher: ReplicaFetcher): void {
    if (!this.#isClosed) this.#linkTo(fetcher.leader).add(fetcher);
  }

  stopFetching(fetcher: ReplicaFetcher): void {
    const link = this.#links.get(fetcher.leader);
    link?.remove(fetcher);
    if (link?.size === 0) this.#links.delete(fetcher.leader);
  }

  wantsFetch(fetcher: ReplicaFetcher): void {
    this.#links.get(fetcher.leader)?.wantsFetch(fetcher);
  }

  wantsSync(fetcher: ReplicaFetcher): void {
    this.#links.get(fetcher.leader)?.wantsSync(fetcher);
  }

  asksForIsr(partition: LocalPartition): void {
    if (!this.#isClosed) this.#requests.ask(partition);
  }

  reportsLoss(partition: LocalPartition): void {
    this.#losses.add(partition);
  }

  /** H-13: this node is short of room, and has told everybody. */
  get isShortOfRoom(): boolean {
    return this.#room.isShort;
  }

  lacksRoom(): void {
    if (!this.#room.isShort && !this.#isClosed) this.#lookAtRoom();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const link of this.#links.values()) link.close();
    for (const session of this.#sessions.values()) session.close();
    this.#links.clear();
    this.#sessions.clear();
  }

  #factsOf(brokerId: number): BrokerFacts | undefined {
    const facts = this.#dependencies.factsOf(brokerId);
    const isShortOfRoom = this.#sessions.get(brokerId)?.isShortOfRoom === true;
    return facts !== undefined && isShortOfRoom ? { ...facts, isShortOfRoom } : facts;
  }

  #proposeAll(): void {
    for (const partition of this.#dependencies.partitions()) partition.proposeIsr();
  }

  /** H-13 */
  #lookAtRoom(): void {
    const { isWithoutRoom, partitions, tell } = this.#dependencies;
    const before = this.#room;
    this.#room = lookAtRoom(before, isWithoutRoom(), this.monotonicMs());
    const { isShort } = this.#room;
    if (isShort !== before.isShort) {
      tell({}, isShort ? "the disk has no room for records" : "the disk has room for records again");
      for (const link of this.#links.values()) link.tellRoom();
    }
    if (isShort) void this.#handOvers.send(partitions());
  }

  #linkTo(nodeId: number): LeaderLink {
    let link = this.#links.get(nodeId);
    if (link === undefined) {
      const { openStream, clock, wheel, random, tell } = this.#dependencies;
      const admit = (bytes: number): Promise<void> | undefined => {
        this.receivedBytes += bytes;
        return this.#dependencies.admit(bytes);
      };
      link = new LeaderLink(nodeId, {
        open: () => openStream(nodeId),
        clock,
        wheel,
        random,
        admit,
        isShortOfRoom: () => this.#room.isShort,
        tell,
      });
      this.#links.set(nodeId, link);
    }
    return link;
  }

  #tickLater(): void {
    this.#timer = this.#dependencies.clock.setTimer(this.#tickMs, () => this.#tick());
  }

  #tick(): void {
    const nowMs = this.monotonicMs();
    const lateMs = nowMs - this.#tickedMs - this.#tickMs;
    this.#tickedMs = nowMs;
    const stalledMs = lateMs > this.#tickMs ? lateMs : 0;
    for (const partition of this.#dependencies.partitions()) {
      const { leading, placement } = partition;
      if (leading === undefined || placement === undefined) continue;
      if (stalledMs === 0 && leading.isQuiet) continue;
      if (!leading.isSole) leading.credit(stalledMs);
      partition.proposeIsr();
      if (leading.mayConfirmFlush) this.#dependencies.confirmFlush(placement);
    }
    this.#lookAtRoom();
    this.#losses.send();
    for (const link of this.#links.values()) link.stayAlive(this.#tickMs);
    this.#tickLater();
  }
}
