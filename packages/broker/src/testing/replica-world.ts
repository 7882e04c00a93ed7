/**
 * Some brokers without doors in one process, on virtual time: real partitions on real logs on simulated disks, joined by
 * streams in memory, and the real controller's decisions, committed at once and heard of when they arrive.
 *
 *     test ── command ──> image ── late, in order ──> node: Topics ─ Replication ─ LogStore
 *          └─ produce ──> the leader ──> an acknowledgement, remembered for ever
 *
 * What was acknowledged is compared with what the logs hold: `lost` says what is missing or another than it was.
 */
import {
  type Command,
  type ControllerImage,
  type Outcome,
  type ReplyOf,
  brokerOf,
  decide,
  emptyImage,
  isActive,
  partitionOf,
  replayAll,
} from "@varve/cluster";
import { batchSizeBytes, buildBatch, readPlainRecords } from "@varve/format";
import { LogStore, type PartitionLog } from "@varve/log";
import { Random, SimulatedClock, SimulatedDisk, SimulatedTime } from "@varve/log/testing";
import { PendingProduce } from "../drivers/pending-produce.ts";
import { TimingWheel } from "../drivers/timing-wheel.ts";
import { Topics, logDefaults } from "../drivers/topics.ts";
import { Replication } from "../drivers/replication/replication.ts";
import type { Refusal } from "../refusal.ts";
import { type MemoryWire, memoryStreams } from "./memory-stream.ts";

export interface Acknowledged {
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
  readonly leaderEpoch: number;
  readonly durableReplicas: number;
}

export interface ProduceOptions {
  readonly acks?: "all" | "leader";
  readonly producer?: { readonly id: number; readonly sequence: number };
  readonly expectedOffset?: number;
  readonly timeoutMs?: number;
  /** @default one that was not used before */
  readonly value?: string;
  /** @default none */
  readonly key?: string;
  /** In the batch, all the same. @default 1 */
  readonly records?: number;
}

export class ReplicaWorld {
  readonly time = new SimulatedTime();
  readonly random: Random;
  readonly nodes: readonly ReplicaNode[];
  /** With acks=all. */
  readonly acknowledged: Acknowledged[] = [];
  /** Pairs of nodes that do not hear each other, as "1-2". */
  readonly cuts = new Set<string>();
  image: ControllerImage = emptyImage;
  /** Of metadata and messages, at most. */
  delayMsMax = 2;
  readonly lines: string[] = [];
  #values = 0;

  constructor(seed: number, count = 3) {
    this.random = new Random(seed);
    this.nodes = Array.from({ length: count }, (_, index) => new ReplicaNode(this, index + 1));
  }

  node(id: number): ReplicaNode {
    const node = this.nodes[id - 1];
    if (node === undefined) throw new Error(`There is no node ${id}`);
    return node;
  }

  uuid(): string {
    return Array.from({ length: 32 }, () => this.random.below(16).toString(16)).join("");
  }

  /** The controller decides and commits at once; nodes hear of it. */
  command<C extends Command>(command: C): Outcome<ReplyOf<C>> {
    const context = { nowMs: Math.floor(this.time.nowMs), newUuid: () => this.uuid() };
    const decision = decide(this.image, command, context);
    if ("refusal" in decision) return { kind: "refused", refusal: decision.refusal };
    if (decision.records.length > 0) {
      this.image = replayAll(this.image, decision.records);
      for (const node of this.nodes) node.hear(this.image);
    }
    return { kind: "done", reply: decision.reply };
  }

  async createTopic(name: string, configs: Record<string, string> = {}): Promise<string> {
    const outcome = this.command({ kind: "createTopic", name, replicationFactor: this.nodes.length, configs });
    if (outcome.kind === "refused") throw new Error(outcome.refusal.message);
    const { topicId } = outcome.reply;
    const isEverywhere = (): boolean => this.nodes.every((node) => node.topics?.partition(topicId, 0) !== undefined);
    await this.time.until(isEverywhere, `topic ${name} on all nodes`);
    return topicId;
  }

  placement(topicId: string, partition = 0) {
    const found = partitionOf(this.image, topicId, partition);
    if (found === undefined) throw new Error(`There is no partition ${partition} of ${topicId}`);
    return found;
  }

  isCut(a: number, b: number): boolean {
    return this.cuts.has(`${Math.min(a, b)}-${Math.max(a, b)}`);
  }

  cut(a: number, b: number): void {
    this.cuts.add(`${Math.min(a, b)}-${Math.max(a, b)}`);
    for (const node of this.nodes) node.cutStreams();
  }

  /** A stream from a follower to a leader. */
  connect(from: ReplicaNode, to: ReplicaNode) {
    const isOpen = (): boolean => !this.isCut(from.id, to.id) && from.isRunning && to.isRunning;
    if (!isOpen() || to.replication === undefined) return undefined;
    const wire: MemoryWire = { time: this.time, delayMs: () => this.random.next() * this.delayMsMax, isOpen };
    const streams = memoryStreams(wire);
    const close = (): void => {
      if (!isOpen()) streams.cut();
    };
    from.onCut(close);
    to.onCut(close);
    to.replication.accept(from.id, streams.leader);
    return streams.follower;
  }

  /** One record to the node, by its answer. What is acknowledged with acks=all is remembered. */
  produce(node: ReplicaNode, topicId: string, options: ProduceOptions = {}): Promise<PendingProduce> {
    const { acks = "all", producer, expectedOffset, timeoutMs = 2_000, records = 1 } = options;
    const value = options.value ?? `v${this.#values++}`;
    const key = options.key === undefined ? null : Buffer.from(options.key);
    const record = { key, value: Buffer.from(value), timestampMs: node.clock.nowMs() };
    const sequence = producer && { producerId: producer.id, producerEpoch: 0, baseSequence: producer.sequence };
    const batch = buildBatch(
      Array.from({ length: records }, () => record),
      sequence ?? {},
    );
    return new Promise((resolve, reject) => {
      const sink = {
        produceSettled: (pending: PendingProduce): void => {
          if (pending.refusal === undefined && acks === "all" && !pending.duplicate) {
            const { baseOffset: offset, leaderEpoch, durableReplicas } = pending;
            this.acknowledged.push({ topicId, partition: 0, offset, value, leaderEpoch, durableReplicas });
          }
          resolve(pending);
        },
      };
      const pending = new PendingProduce(sink, 0, acks, this.time.nowMs, undefined);
      const partition = node.topics?.partition(topicId, 0);
      if (partition === undefined) reject(new Error(`Node ${node.id} has no such partition`));
      else partition.produce(pending, batch, { expectedOffset, timeoutMs });
    });
  }

  /** What `log` lacks of everything that was acknowledged, or has changed. */
  async lost(log: PartitionLog, until = log.highWatermark): Promise<string[]> {
    const values = await valuesOf(this.time, log);
    return this.acknowledged
      .filter(
        ({ topicId, offset, value }) => topicId === log.id.topicId && (offset >= until || values.get(offset) !== value),
      )
      .map(({ offset, value }) => `${value} at ${offset}, found ${values.get(offset)}`);
  }

  async close(): Promise<void> {
    for (const node of this.nodes) node.stop();
  }
}

export class ReplicaNode {
  readonly id: number;
  readonly #world: ReplicaWorld;
  readonly #disk: SimulatedDisk;
  readonly #directory: string;
  #bootId = 1;
  #onCut: (() => void)[] = [];
  #heardMs = 0;
  #image: ControllerImage = emptyImage;
  clock: SimulatedClock;
  wheel: TimingWheel;
  store: LogStore | undefined;
  topics: Topics | undefined;
  replication: Replication | undefined;
  brokerEpoch = -1;
  /** What the partitions told the operator. */
  readonly told: string[] = [];
  /** Messages of the controller that do not arrive. */
  isDeaf = false;

  constructor(world: ReplicaWorld, id: number) {
    this.id = id;
    this.#world = world;
    this.#disk = new SimulatedDisk({ time: world.time, seed: id + 1_000 * world.random.below(1_000) });
    this.#directory = world.uuid();
    this.clock = new SimulatedClock(world.time);
    this.wheel = new TimingWheel(this.clock);
  }

  get isRunning(): boolean {
    return this.store !== undefined;
  }

  /** Leaves so much room on the disk from now on; `Infinity`: as much as is wanted. */
  leaveRoom(freeBytes: number): void {
    if (freeBytes === Infinity) this.#disk.quotaBytes = Infinity;
    else this.#disk.limitFreeBytes(freeBytes);
  }

  /** The next write to a file of that name fails. */
  failWrite(path: RegExp): void {
    this.#disk.inject({ operation: "write", path, effect: "fail" });
  }

  log(topicId: string, partition = 0): PartitionLog {
    const found = this.topics?.partition(topicId, partition)?.log;
    if (found === undefined) throw new Error(`Node ${this.id} has no such partition`);
    return found;
  }

  /** A process starts: recovery, registration, its part in the metadata as they are then. */
  async start(): Promise<void> {
    const world = this.#world;
    this.clock = new SimulatedClock(world.time);
    this.wheel = new TimingWheel(this.clock);
    const fs = this.#disk.fileSystem();
    await world.time.result(fs.mkdir("/data"), "the directory");
    await world.time.result(fs.syncDirectory("/"), "its name to be durable");
    const store = await world.time.result(
      LogStore.open(
        {
          directory: "/data",
          bootId: String(this.#bootId),
          defaults: logDefaults(86_400_000),
          journalFileBytes: 1 << 20,
          scrubBytesPerSecond: 0,
        },
        {
          fs,
          clock: this.clock,
          onFatal: (error) => {
            throw error;
          },
        },
      ),
      `the store of node ${this.id}`,
    );
    const lossy = store.recovery.partitions.filter(({ isRetained }) => !isRetained).map(({ id }) => id);
    this.#register(lossy.map(({ topicId, partition }) => ({ topicId, partition })));
    store.confirmRecovery();
    this.#assemble(store);
    this.hear(world.image);
    await world.time.until(() => this.#image.offset >= this.brokerEpoch, `node ${this.id} to see its registration`);
    this.unfence();
  }

  /** As another incarnation, while the process goes on. */
  async registerAgain(): Promise<void> {
    this.#register([]);
    await this.#world.time.until(
      () => this.#image.offset >= this.brokerEpoch,
      `node ${this.id} to see its registration`,
    );
    this.unfence();
  }

  #register(lossy: readonly { readonly topicId: string; readonly partition: number }[]): void {
    const world = this.#world;
    const registered = world.command({
      kind: "registerBroker",
      brokerId: this.id,
      incarnationId: world.uuid(),
      endpoints: [{ name: "grpc", host: "node", port: this.id }],
      dirs: [this.#directory],
      lossy,
    });
    if (registered.kind === "refused") throw new Error(registered.refusal.message);
    this.brokerEpoch = registered.reply.brokerEpoch;
  }

  unfence(): void {
    const { brokerEpoch } = this;
    const metadataOffset = this.#image.offset;
    this.#world.command({ kind: "unfenceBroker", brokerId: this.id, brokerEpoch, metadataOffset });
  }

  fence(): void {
    this.#world.command({ kind: "fenceBroker", brokerId: this.id, brokerEpoch: this.brokerEpoch });
  }

  /** The metadata arrive, after a while and in order; several may be seen as one. */
  hear(image: ControllerImage): void {
    const { time, random, delayMsMax } = this.#world;
    const { clock } = this;
    this.#heardMs = Math.max(this.#heardMs, time.nowMs + random.next() * delayMsMax);
    time.after(this.#heardMs - time.nowMs, () => {
      if (this.isDeaf || clock !== this.clock || image.offset <= this.#image.offset || this.topics === undefined)
        return;
      this.#image = image;
      if (image.offset >= this.brokerEpoch) void this.topics.apply(image);
    });
  }

  /** What was held back arrives. */
  listenAgain(): void {
    this.isDeaf = false;
    this.hear(this.#world.image);
  }

  onCut(run: () => void): void {
    this.#onCut.push(run);
  }

  cutStreams(): void {
    for (const run of this.#onCut) run();
  }

  /** The process is gone; with the power, what was not synced is too. */
  crash(kind: "kill" | "power"): void {
    if (this.store === undefined) return;
    this.stop();
    const seed = this.#world.random.below(1 << 30);
    if (kind === "kill") this.#disk.kill(seed);
    else {
      this.#disk.powerCut(seed);
      this.#bootId++;
    }
  }

  /** Nothing of the process happens any more. */
  stop(): void {
    this.clock.stop();
    this.store = undefined;
    this.topics = undefined;
    this.replication = undefined;
    this.#image = emptyImage;
    this.cutStreams();
    this.#onCut = [];
  }

  #assemble(store: LogStore): void {
    const world = this.#world;
    const { clock, wheel, id: nodeId } = this;
    const tell = (fields: object, event: string): void => {
      this.told.push(event);
      world.lines.push(`${world.time.nowMs.toFixed(1)} node ${nodeId}: ${event} ${JSON.stringify(fields)}`);
    };
    const topicsHere = (): Topics => topics;
    const isMine = (): boolean => clock === this.clock && this.store !== undefined;
    const replication = new Replication(
      {},
      {
        nodeId,
        clock,
        wheel,
        random: () => world.random.next(),
        brokerEpoch: () => this.brokerEpoch,
        hearsController: () => !this.isDeaf,
        factsOf: (brokerId) => {
          const broker = brokerOf(this.#image, brokerId);
          return broker === undefined ? undefined : { brokerEpoch: broker.brokerEpoch, isActive: isActive(broker) };
        },
        addressOf: (id) => `node:${id}`,
        submit: (command) => this.#submit(command),
        openStream: (leader) => (isMine() ? world.connect(this, world.node(leader)) : undefined),
        partition: (topicId, partition) => topicsHere().partition(topicId, partition),
        partitions: () => topicsHere().partitions(),
        admit: (bytes) => store.admit(bytes),
        isWithoutRoom: () => store.whySpaceRefused() !== undefined,
        confirmFlush: () => {},
        tell,
      },
    );
    const topics = new Topics({
      store,
      nodeId,
      replicas: replication,
      wheel,
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      producerExpiryMs: 86_400_000,
      countRefusal: (_refusal: Refusal) => {},
      whySpaceRefused: () => store.whySpaceRefused(),
      log: tell,
      requestEpoch: async ({ log }, begun) => {
        const { topicId, partition } = log.id;
        const me = { brokerId: nodeId, brokerEpoch: this.brokerEpoch };
        const outcome = await this.#submit({
          kind: "newLeaderEpoch",
          ...me,
          topicId,
          partition,
          leaderEpoch: begun,
        });
        if (outcome.kind === "refused") throw new Error(outcome.refusal.message);
        return outcome.reply.leaderEpoch;
      },
      confirmFlush: () => {},
    });
    this.store = store;
    this.topics = topics;
    this.replication = replication;
  }

  /** To the controller and back, each of which takes a while; nothing of it arrives at a node that is cut off. */
  #submit<C extends Command>(command: C): Promise<Outcome<ReplyOf<C>>> {
    const world = this.#world;
    const { clock } = this;
    return new Promise((resolve) => {
      world.time.after(world.random.next() * world.delayMsMax, () => {
        const refusal = { reason: "NOT_CONTROLLER", message: "It is not to be reached.", metadata: {} } as const;
        const outcome: Outcome<ReplyOf<C>> = this.isDeaf ? { kind: "refused", refusal } : world.command(command);
        world.time.after(world.random.next() * world.delayMsMax, () => {
          if (clock === this.clock) resolve(outcome);
        });
      });
    });
  }
}

/** Every record below `end` by its offset. */
export async function valuesOf(
  time: SimulatedTime,
  log: PartitionLog,
  end = log.logEndOffset,
): Promise<Map<number, string>> {
  const values = new Map<number, string>();
  for (let offset = log.logStartOffset; offset < end;) {
    const read = log.read({ offset, maxBytes: 1 << 20, limit: end });
    const result = await time.result(read, "a read");
    if (result.kind !== "batches") throw new Error(`Cannot read at ${offset}: ${JSON.stringify(result)}`);
    for (let at = 0; at < result.bytes.length; at += batchSizeBytes(result.bytes, at)) {
      for (const record of readPlainRecords(result.bytes.subarray(at))) {
        values.set(record.offset, Buffer.from(record.value ?? []).toString());
      }
    }
    offset = result.nextOffset;
  }
  return values;
}
