/**
 * A whole cluster on virtual time: machines with real brokers and real controllers, a network, and the oracles that look on.
 *
 *   seed ──> profile ──> machines, weather ──> time runs, one thing after the other ──> the oracles hear of what each changed
 *
 * Everything that happens is put into one queue by `SimulatedTime` and drawn from one generator, so that a run is a function of its
 * seed although its parts are written with promises. `hash` is that of everything that was appended, shown, committed and done.
 */
import type { ControllerImage, Partition } from "@varve/cluster";
import { partitionOf } from "@varve/cluster";
import { Random, SimulatedTime } from "@varve/log/testing";
import { Coverage, MemoryNetwork, Trace, holds } from "raft-ts/testing";
import type { PeerAddress, answerOf } from "raft-ts";
import type { LeaderStream } from "../../drivers/replication/leader-link.ts";
import { type MemoryWire, memoryStreams } from "../memory-stream.ts";
import { Machine } from "./machine.ts";
import { MemoryPeers } from "./memory-peers.ts";
import { MetadataOracle } from "./metadata-oracle.ts";
import { ClusterNetwork } from "./network.ts";
import { PartitionOracle } from "./partition-oracle.ts";
import { type Profile, drawProfile } from "./profile.ts";
import { type Batch, type ReplicaShadow, type ShadowListener, keyOf } from "./replica-shadow.ts";

/** All leaders and replicas are looked at once in so many events. */
const sweepEvery = 64;
const shapesEvery = 2_048;

export class ClusterWorld implements ShadowListener {
  readonly time = new SimulatedTime();
  readonly random: Random;
  readonly profile: Profile;
  readonly network: ClusterNetwork;
  readonly peers: MemoryPeers;
  readonly raft: { readonly network: MemoryNetwork; readonly voters: readonly PeerAddress[] };
  readonly machines: readonly Machine[];
  readonly metadata: MetadataOracle;
  readonly partitions = new Map<string, PartitionOracle>();
  readonly coverage = new Coverage();
  readonly trace: Trace;
  /** Replicas with a flipped bit that nobody may have found yet: "node key". */
  readonly damaged = new Set<string>();
  /** The node whose place in the metadata group is lost, and not given to its next disk yet (M11). */
  replacing: number | undefined;
  failure: Error | undefined;
  #changed = new Set<string>();

  constructor(seed: number, linesMax = 0) {
    this.random = new Random(seed);
    this.profile = drawProfile(this.random);
    this.trace = new Trace(linesMax);
    this.network = new ClusterNetwork(this.time, new Random(this.random.seed()), this.profile.weather);
    this.peers = new MemoryPeers({
      time: this.time,
      random: this.random,
      network: this.network,
      machine: (id) => this.machines[id - 1],
    });
    this.metadata = new MetadataOracle({
      partitionChanged: (key, before, after) => this.#partitionChanged(key, before, after),
      batchCommitted: (image) => this.#batchCommitted(image),
    });
    const nodeOf = (peerId: string): number => Number(peerId.slice(0, peerId.indexOf("@")));
    const network = new MemoryNetwork({
      carry: (from, to, deliver) => {
        const [a, b] = [nodeOf(from), nodeOf(to)];
        this.network.send("raft", a, b, () => this.machines[b - 1]?.process?.gate.enter(deliver));
        return true;
      },
      hop: (from, to) => this.#hop(nodeOf(from), nodeOf(to)),
    });
    const { machines: votersCount, brokersOnly } = this.profile;
    this.machines = Array.from({ length: votersCount + brokersOnly }, (_, index) => new Machine(this, index + 1));
    const voters = this.machines
      .slice(0, votersCount)
      .map(({ raftDisk: { peerId } }) => ({ id: peerId, address: peerId }));
    this.raft = { network, voters };
  }

  get image(): ControllerImage {
    return this.metadata.image;
  }

  machine(id: number): Machine {
    const machine = this.machines[id - 1];
    if (machine === undefined) throw new Error(`There is no machine ${id}`);
    return machine;
  }

  uuid(): string {
    return Array.from({ length: 4 }, () => this.random.seed().toString(16).padStart(8, "0")).join("");
  }

  count(what: string): void {
    this.coverage.count(what);
  }

  tell(node: number, event: string, fields: object): void {
    if (this.trace.isVerbose) {
      this.trace.line(
        `${this.time.nowMs.toFixed(2)} ${node === 0 ? "world" : `node ${node}`}: ${event} ${JSON.stringify(fields)}`,
      );
    }
  }

  /** Something that must not go wrong did. The first one counts. */
  fail(error: unknown): void {
    this.failure ??= error instanceof Error ? error : new Error(String(error));
  }

  /** What the oracles say when they are called from inside the brokers must not be taken for an error of theirs. */
  check(run: () => void): void {
    if (this.failure !== undefined) return;
    try {
      run();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Time goes on for `ms`, or until `isEnough`. Whether it was enough. */
  async run(ms: number, isEnough: () => boolean = () => false): Promise<boolean> {
    const endMs = this.time.nowMs + ms;
    while (!isEnough()) {
      if (this.failure !== undefined) throw this.failure;
      if (!(await this.time.stepBefore(endMs))) return isEnough();
      if (this.time.happenings % sweepEvery === 0) this.#sweep();
    }
    if (this.failure !== undefined) throw this.failure;
    return true;
  }

  /** The oracle of a partition, as long as its topic exists. */
  oracle(topicId: string, partition: number): PartitionOracle {
    const key = keyOf(topicId, partition);
    let oracle = this.partitions.get(key);
    if (oracle === undefined) {
      oracle = new PartitionOracle(`${topicId.slice(0, 6)}/${partition}`, {
        newest: () => partitionOf(this.image, topicId, partition),
        at: (partitionEpoch) => this.metadata.at(key, partitionEpoch),
        shadow: (nodeId) => this.machine(nodeId).process?.shadows.get(key),
        local: (nodeId) => this.machine(nodeId).local(topicId, partition),
        isRegistered: (nodeId) => this.#isRegistered(nodeId),
      });
      this.partitions.set(key, oracle);
    }
    return oracle;
  }

  #isRegistered(nodeId: number): boolean {
    const epoch = this.machine(nodeId).process?.registration?.brokerEpoch;
    return epoch !== undefined && this.image.brokers.get(String(nodeId))?.brokerEpoch === epoch;
  }

  // ---- what logs do

  appended(shadow: ReplicaShadow, batch: Batch, isLeader: boolean): void {
    this.trace.fact(batch.base);
    this.trace.fact(batch.crc);
    this.count(isLeader ? "log appended by a leader" : "log appended by a follower");
    const { topicId, partition } = shadow.log.id;
    this.check(() => this.oracle(topicId, partition).appended(shadow, batch, isLeader));
  }

  cutting(shadow: ReplicaShadow, to: number): void {
    this.trace.fact(to);
    const { topicId, partition } = shadow.log.id;
    this.count(to < 0 ? "log begun anew" : "log cut back");
    if (to < 0) this.damaged.delete(`${shadow.nodeId} ${shadow.key}`);
    this.tell(shadow.nodeId, "cuts", { partition: shadow.key, from: shadow.end, to });
    this.check(() => this.oracle(topicId, partition).cutting(shadow, to));
  }

  highWatermarkMoved(shadow: ReplicaShadow, from: number): void {
    this.trace.fact(shadow.log.highWatermark);
    const { topicId, partition } = shadow.log.id;
    this.count("log high watermark moved");
    this.check(() => this.oracle(topicId, partition).highWatermarkMoved(shadow, from));
  }

  lossAccepted(shadow: ReplicaShadow): void {
    const { topicId, partition } = shadow.log.id;
    this.count("log gives up what is damaged");
    this.tell(shadow.nodeId, "gives up what is damaged", { partition: shadow.key, end: shadow.end });
    this.check(() => this.oracle(topicId, partition).lossAccepted(shadow));
  }

  trimmed(shadow: ReplicaShadow): void {
    const { topicId, partition } = shadow.log.id;
    this.count("log trimmed by retention");
    this.check(() => this.oracle(topicId, partition).trimmed(shadow));
  }

  /** A process has read what its disk gave back. */
  recovered(shadow: ReplicaShadow): void {
    const { topicId, partition } = shadow.log.id;
    this.count("log recovered");
    if (this.damaged.has(`${shadow.nodeId} ${shadow.key}`)) shadow.isDamaged = true;
    this.check(() => {
      const oracle = this.oracle(topicId, partition);
      for (const batch of shadow.batches) oracle.saw(shadow.nodeId, batch);
      // A process may die between what its retention did and our hearing of it.
      if (!shadow.isDamaged) oracle.trimmed(shadow);
    });
  }

  // ---- what the controller does

  #partitionChanged(key: string, before: Partition | undefined, after: Partition | undefined): void {
    // Who has not heard yet goes on with it: the oracle stays.
    if (after === undefined) return this.count("metadata partition removed");
    this.trace.fact(after.partitionEpoch);
    this.trace.fact(after.leader);
    this.count(after.leaderEpoch === before?.leaderEpoch ? "metadata ISR or configuration" : "metadata leader epoch");
    if (after.uncleanEpoch > (before?.uncleanEpoch ?? -1)) {
      this.count("metadata election with loss");
      holds(
        this.profile.isReckless || this.oracle(after.topicId, after.partition).end === 0,
        "ID9",
        () => `${key}: an election with loss, and nothing was lost beyond the promise`,
      );
    }
    this.oracle(after.topicId, after.partition).changed(before, after);
    this.#changed.add(key);
    const { leader, leaderEpoch, partitionEpoch, isr, elr, minIsr, flush, uncleanEpoch } = after;
    const shown = { leader, leaderEpoch, partitionEpoch, isr, elr, minIsr, flush, uncleanEpoch };
    this.tell(0, `committed ${after.topicId.slice(0, 6)}/${after.partition}`, shown);
  }

  #batchCommitted(image: ControllerImage): void {
    this.trace.fact(image.offset);
    this.count("metadata batch");
    for (const key of this.#changed) this.partitions.get(key)?.checkEligible();
    this.#changed.clear();
  }

  #sweep(): void {
    this.check(() => {
      const withShapes = this.time.happenings % shapesEvery === 0;
      for (const { process, id } of this.machines) {
        if (process === undefined) continue;
        for (const shadow of process.shadows.values()) {
          const { topicId, partition } = shadow.log.id;
          const oracle = this.partitions.get(shadow.key);
          if (oracle === undefined) continue;
          const leading = process.topics?.partition(topicId, partition)?.leading;
          if (leading !== undefined) {
            oracle.began(id, leading.state.leaderEpoch, leading.state.startOffset);
            oracle.checkLeader(id);
          }
          if (withShapes) shadow.checkShape();
        }
      }
      if (withShapes) for (const oracle of this.partitions.values()) oracle.checkEligible();
    });
  }

  // ---- the network

  /** Who `asker` finds at an address of the metadata group: whichever disk that node has now. */
  whoIsAt(asker: number, address: string): Promise<ReturnType<typeof answerOf>> {
    const id = Number(address.slice(0, address.indexOf("@")));
    return new Promise((resolve, reject) => {
      this.time.after(this.network.delayMs(asker, id), () => {
        const answering = this.machine(id).process;
        const gate = this.machine(asker).process?.gate;
        const passes = this.network.passes("control", asker, id) && this.network.passes("control", id, asker);
        if (!passes || answering?.whoAmI === undefined) gate?.enter(() => reject(new Error("nobody answers there")));
        else {
          answering.gate.enter(() => {
            const answer = answering.whoAmI?.();
            if (answer !== undefined) gate?.enter(() => resolve(answer));
          });
        }
      });
    });
  }

  /** A replication stream from a follower to a leader. */
  connect(from: Machine, leader: number): LeaderStream | undefined {
    const to = this.machine(leader);
    const follower = from.process;
    const serving = to.process;
    if (follower === undefined || serving?.replication === undefined) return undefined;
    const isOpen = (): boolean =>
      this.network.passes("bulk", from.id, to.id) &&
      this.network.passes("bulk", to.id, from.id) &&
      from.process === follower &&
      to.process === serving;
    if (!isOpen()) return undefined;
    const wire: MemoryWire = {
      time: this.time,
      delayMs: () => this.network.delayMs(from.id, to.id),
      isOpen,
      enter: { follower: (run) => follower.gate.enter(run), leader: (run) => serving.gate.enter(run) },
    };
    const streams = memoryStreams(wire);
    const close = (): void => {
      if (!isOpen()) streams.cut();
    };
    follower.onCut.push(close);
    serving.onCut.push(close);
    serving.gate.enter(() => serving.replication?.accept(from.id, streams.leader));
    return streams.follower;
  }

  /** After links were cut: what runs over them hears of it. */
  breakStreams(): void {
    for (const { process } of this.machines) for (const cut of process?.onCut ?? []) cut();
  }

  #hop(from: number, to: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const arrive = (): void => {
        const gates = [from, to].map((id) => this.machines[id - 1]?.process?.gate);
        if (!this.network.passes("raft", from, to) || gates.includes(undefined)) reject(new Error("the stream broke"));
        else if (gates.some((gate) => gate?.isPaused === true)) this.time.after(20, arrive);
        else resolve();
      };
      this.time.after(this.network.delayMs(from, to), arrive);
    });
  }
}
