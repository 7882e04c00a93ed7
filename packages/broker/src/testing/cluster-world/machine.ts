/**
 * One machine of a cluster world: a disk for records, a disk for the metadata group, and the process that runs on them now, made of
 * the real parts in the order in which a broker starts them.
 *
 *   MemoryStorage ─ RaftNode ─ RaftMetadataLog ─ Controller ─ ControllerDuty        SimulatedDisk ─ LogStore ─ Topics ─ Replication
 *                                    └── image ──> Topics.apply ──────────────────────────────────────┘
 *   Registration ─ Heartbeats ─ ClusterController ──> whoever decides, over the control lane
 *
 * Invariant: what a process leaves behind is on the disks; `crash` ends everything else of it.
 */
import { loadServices } from "@varve/api";
import { type ControllerImage, brokerOf, isActive } from "@varve/cluster";
import { FileSystemError, LogError, LogStore, type PartitionLog } from "@varve/log";
import { SimulatedDisk } from "@varve/log/testing";
import type { answerOf } from "raft-ts";
import { MemoryDisk } from "raft-ts/testing";
import { ClusterController } from "../../drivers/controller-client.ts";
import { ControllerDuty } from "../../drivers/controller-duty.ts";
import { Controller } from "../../drivers/controller.ts";
import { DiskWatch } from "../../drivers/disk-watch.ts";
import type { LocalPartition } from "../../drivers/partition.ts";
import { PartitionRecovery } from "../../drivers/partition-recovery.ts";
import type { RaftMetadataLog } from "../../drivers/raft-metadata-log.ts";
import { ReplicaReports } from "../../drivers/replication/replica-reports.ts";
import { Replication } from "../../drivers/replication/replication.ts";
import { TimingWheel } from "../../drivers/timing-wheel.ts";
import { Topics, logDefaults } from "../../drivers/topics.ts";
import { BrokerError } from "../../errors.ts";
import type { Logger } from "../../logger.ts";
import { controllerService } from "../../peer/controller-service.ts";
import { MetadataFeed } from "../../peer/metadata-feed.ts";
import type { PeerClients } from "../../ports/peers.ts";
import { Registration } from "../../registration.ts";
import { startRetention } from "../../retention-loop.ts";
import type { ClusterWorld } from "./cluster-world.ts";
import type { CalledBy, PeerMachine, PeerProcess, Tell } from "./memory-peers.ts";
import { openMetadataLog } from "./metadata-group.ts";
import { GatedFileSystem, ProcessGate } from "./process-gate.ts";
import { worldTimes } from "./profile.ts";
import { ReplicaShadow, keyOf, observe } from "./replica-shadow.ts";

const dayMs = 86_400_000;
const services = loadServices();

export class SimulatedProcess implements PeerProcess {
  readonly gate: ProcessGate;
  handlers: PeerProcess["handlers"] = {};
  /** Of a controller. */
  raft: RaftMetadataLog | undefined;
  /** Who it says that it is, to whoever makes it a member of the group. */
  whoAmI: (() => ReturnType<typeof answerOf>) | undefined;
  controller: Controller | undefined;
  control: ClusterController | undefined;
  duty: ControllerDuty | undefined;
  disk: DiskWatch | undefined;
  store: LogStore | undefined;
  topics: Topics | undefined;
  replication: Replication | undefined;
  registration: Registration | undefined;
  readonly wheel: TimingWheel;
  readonly shadows = new Map<string, ReplicaShadow>();
  readonly onCut: (() => void)[] = [];
  /** Serves: registered, caught up, let in once. */
  isReady = false;
  isShuttingDown = false;
  /** What was held back from the partitions. */
  isHeld = false;

  constructor(gate: ProcessGate) {
    this.gate = gate;
    this.wheel = new TimingWheel(gate);
  }
}

export class Machine implements PeerMachine {
  readonly id: number;
  readonly #world: ClusterWorld;
  raftDisk: MemoryDisk;
  disk: SimulatedDisk;
  process: SimulatedProcess | undefined;
  #directoryId: string;
  #bootId = 1;
  /** Its first disk for the metadata group is gone: it was not there when the group was formed. */
  #joins = false;

  constructor(world: ClusterWorld, id: number) {
    this.#world = world;
    this.id = id;
    this.#directoryId = world.uuid();
    this.disk = this.#newDisk();
    this.raftDisk = this.#newRaftDisk();
  }

  /** A controller; else a broker alone. */
  get isVoter(): boolean {
    return this.id <= this.#world.profile.machines;
  }

  get directoryId(): string {
    return this.#directoryId;
  }

  local(topicId: string, partition: number): LocalPartition | undefined {
    return this.process?.topics?.partition(topicId, partition);
  }

  /** A process begins; it goes on by itself. */
  start(): void {
    if (this.process !== undefined) return;
    const process = new SimulatedProcess(new ProcessGate(this.#world.time));
    this.process = process;
    this.#run(process).catch((error: unknown) => this.#ended(process, error));
  }

  /** The process is gone; with the power, what was not synced is too. */
  crash(kind: "kill" | "power"): void {
    const { process } = this;
    if (process === undefined) return;
    this.#end(process);
    const { random } = this.#world;
    this.raftDisk.crash(random.below(this.raftDisk.unsyncedCount + 1));
    if (kind === "kill") this.disk.kill(random.seed());
    else {
      this.disk.powerCut(random.seed());
      this.#bootId++;
    }
  }

  /** Another, empty disk for records. The process on it must be gone. */
  wipe(): void {
    this.#directoryId = this.#world.uuid();
    this.disk = this.#newDisk();
  }

  /** Another, empty disk for the metadata group (M11). The process on it must be gone. */
  loseGroup(): void {
    this.raftDisk = this.#newRaftDisk();
    this.#joins = true;
  }

  /** B-7, then the process ends as one that closes its store. */
  async shutDown(): Promise<void> {
    const { process } = this;
    if (process?.registration === undefined || process.isShuttingDown) return;
    process.isShuttingDown = true;
    await process.registration.shutDown(4 * worldTimes.sessionMs);
    if (this.process !== process) return;
    this.#world.count("operator controlled shutdown done");
    process.topics?.close({ reason: "SHUTTING_DOWN", message: "stopping", metadata: {} });
    process.replication?.close();
    await process.topics?.idle();
    try {
      await process.store?.close();
    } catch (error) {
      // On a full disk it ends as one that was killed.
      if (!isShortOfRoom(error)) throw error;
    }
    if (this.process !== process) return;
    this.crash("kill");
  }

  /** Processes end by themselves for want of room, or of a place in the cluster; whoever looks after them starts them again. */
  #ended(process: SimulatedProcess, error: unknown): void {
    // What a dead process still says is of no interest.
    if (this.process !== process) return;
    if (!(error instanceof BrokerError || isShortOfRoom(error))) return this.#world.fail(error);
    this.#world.count("role start given up");
    this.#world.tell(this.id, "ends by itself", { error: String(error) });
    this.crash("kill");
  }

  #end(process: SimulatedProcess): void {
    process.gate.stop();
    const { network } = this.#world.raft;
    const plugged = network.at(this.raftDisk.peerId);
    if (plugged !== undefined) network.unplug(plugged);
    this.process = undefined;
    for (const cut of process.onCut) cut();
    this.#world.peers.break(this.id);
  }

  #newRaftDisk(): MemoryDisk {
    return new MemoryDisk({
      nodeId: String(this.id),
      dirId: this.#world.uuid(),
      pace: {
        sync: (run) => void this.#world.time.after(this.#world.random.next() * 3 + 0.05, run),
        tell: (run) => {
          const { process } = this;
          this.#world.time.after(0.02, () => process?.gate.enter(run));
        },
      },
    });
  }

  #newDisk(): SimulatedDisk {
    return new SimulatedDisk({ time: this.#world.time, seed: this.#world.random.seed() });
  }

  async #run(process: SimulatedProcess): Promise<void> {
    const { gate } = process;
    const world = this.#world;
    const isMine = (): boolean => this.process === process;
    const peers = world.peers.clientsOf(this.id, process);
    const controller = await this.#startController(process, peers);
    const { logger } = this;
    const duty = new ControllerDuty({
      controller,
      clock: gate,
      logger,
      endpoint: "grpc",
      isRefused: (_host, port, tell) => this.#probe(process, port, tell),
      balanceMs: worldTimes.balanceMs,
      heartbeatMs: worldTimes.heartbeatMs,
      sessionMs: worldTimes.sessionMs,
    });
    const control = new ClusterController({
      controller,
      peers,
      definition: services.peer,
      clock: gate,
      timeoutMs: 3_000,
    });
    process.controller = controller;
    process.control = control;
    process.duty = duty;
    if (this.isVoter) this.#offerController(process, controller, duty);
    const store = await this.#openStore(process);
    const topics = this.#assemble(process, store, controller);
    this.#recoverPartitions(process, controller, peers);
    const registration = await Registration.open({
      identity: {
        brokerId: this.id,
        incarnationId: world.uuid(),
        endpoints: [{ name: "grpc", host: "node", port: this.id }],
        rack: "",
        dirs: [this.#directoryId],
        lossy: store.recovery.partitions
          .filter(({ isRetained }) => !isRetained)
          .map(({ id: { topicId, partition } }) => ({ topicId, partition })),
      },
      controller,
      duty,
      control: { submit: (command) => this.#submit(process, command) },
      peers,
      view: controller,
      definition: services.peer,
      clock: gate,
      logger,
      heartbeatMs: worldTimes.heartbeatMs,
      sessionMs: worldTimes.sessionMs,
      appliedOffset: () => topics.appliedOffset,
      isDiskHanging: () => isHanging(process),
      onWaiting: () => undefined,
      isShortOfRoom: () => process.replication?.isShortOfRoom ?? false,
      signal: new AbortController().signal,
      onLost: (error) => this.#ended(process, error),
    });
    process.registration = registration;
    await topics.start(controller.image);
    store.confirmRecovery();
    controller.subscribe((image) => {
      if (!process.isHeld) this.#apply(process, image);
    });
    await registration.ready();
    await registration.startEpochs();
    await topics.apply(controller.image);
    startRetention(store, gate, logger, worldTimes.retentionMs);
    process.isReady = isMine();
    world.count("role broker ready");
  }

  /** What other nodes ask of a controller. */
  #offerController(process: SimulatedProcess, controller: Controller, duty: ControllerDuty): void {
    const { heartbeatMs } = worldTimes;
    const membership = { members: () => [], replaceDirectory: () => Promise.reject(new Error("not in this world")) };
    const feed = new MetadataFeed({ nodeId: this.id, controller, clock: process.gate, heartbeatMs });
    const served = controllerService(services.peer, { controller, duty, membership, feed });
    process.handlers = served.implementation((call) => (call as unknown as CalledBy).caller);
  }

  /** 6.11 */
  #recoverPartitions(process: SimulatedProcess, controller: Controller, peers: PeerClients): void {
    const { gate } = process;
    const reports = new ReplicaReports({
      nodeId: this.id,
      brokerEpoch: () => process.registration?.brokerEpoch ?? -1,
      partition: (topicId, partition) => process.topics?.partition(topicId, partition),
      client: (nodeId) => peers.client(nodeId, "control"),
      method: services.replication["DescribeReplicas"] as ConstructorParameters<typeof ReplicaReports>[0]["method"],
      clock: gate,
    });
    const describe = (call: { request: Parameters<ReplicaReports["describe"]>[0] }, tell: Tell): void => {
      tell(null, reports.describe(call.request));
    };
    process.handlers = { ...process.handlers, DescribeReplicas: describe as never };
    const recovery = new PartitionRecovery({
      controller,
      ask: (brokerId, replicas) => reports.ask(brokerId, replicas),
      clock: gate,
      logger: this.logger,
      tickMs: worldTimes.heartbeatMs,
    });
    // It ends with the process.
    void recovery;
  }

  /** B-9: whether `node` is a machine that runs, and nobody listens there. */
  #probe(process: SimulatedProcess, node: number, tell: (refused: boolean) => void): void {
    const { network, time, profile } = this.#world;
    time.after(2 * network.delayMs(this.id, node), () => {
      const passes = network.passes("control", this.id, node) && network.passes("control", node, this.id);
      const isRefused = profile.refusesConnections && passes && this.#world.machine(node).process === undefined;
      if (isRefused) this.#world.count("role nobody listens");
      process.gate.enter(() => tell(isRefused));
    });
  }

  /** Metadata that were held back take effect. */
  release(): void {
    const { process } = this;
    if (process === undefined) return;
    process.isHeld = false;
    if (process.registration !== undefined && process.controller !== undefined) {
      this.#apply(process, process.controller.image);
    }
  }

  #apply(process: SimulatedProcess, image: ControllerImage): void {
    process.topics?.apply(image).catch((error: unknown) => {
      if (this.process === process) this.#world.fail(error);
    });
  }

  async #startController(process: SimulatedProcess, peers: PeerClients): Promise<Controller> {
    const world = this.#world;
    const { gate } = process;
    const log = await openMetadataLog(world, {
      id: this.id,
      raftDisk: this.isVoter ? this.raftDisk : undefined,
      joins: this.#joins,
      process,
      gate,
      peers,
      image: () => process.controller?.image,
    });
    const controller = await Controller.start(
      { spreadRecordsMax: world.profile.spreadRecordsMax },
      {
        log,
        clock: gate,
        newUuid: () => world.uuid(),
        onFatal: (error) => {
          if (this.process === process) world.fail(error);
        },
      },
    );
    controller.watchRole((role) => {
      if (role.kind === "leader") world.count("role active controller");
    });
    return controller;
  }

  async #openStore(process: SimulatedProcess): Promise<LogStore> {
    const world = this.#world;
    const { gate } = process;
    const { fs } = (process.disk = new DiskWatch(new GatedFileSystem(this.disk.fileSystem(), gate), {
      monotonicMs: () => gate.monotonicMs(),
      isGroupCommit: (path) => path.startsWith("/data/journal"),
    }));
    await fs.mkdir("/data");
    await fs.syncDirectory("/");
    const store = await LogStore.open(
      {
        directory: "/data",
        bootId: String(this.#bootId),
        defaults: logDefaults(dayMs),
        journalFileBytes: world.profile.journalFileBytes,
        checkpointIntervalMs: world.profile.checkpointMs,
        directModeBytes: world.profile.directModeBytes,
        tailCacheBytes: world.profile.tailCacheBytes,
        freeBytesMin: 1 << 16,
        scrubBytesPerSecond: world.profile.scrubBytesPerSecond,
      },
      {
        fs,
        clock: gate,
        onFatal: (error) => {
          if (this.process === process) world.fail(error);
        },
      },
    );
    process.store = store;
    for (const log of store.partitions()) {
      const shadow = this.#watch(process, log);
      await shadow.read();
      world.recovered(shadow);
    }
    const create = store.create.bind(store);
    store.create = async (id, config) => {
      const log = await create(id, config);
      this.#watch(process, log);
      return log;
    };
    return store;
  }

  #watch(process: SimulatedProcess, log: PartitionLog): ReplicaShadow {
    const shadow = new ReplicaShadow(this.id, log);
    process.shadows.set(keyOf(log.id.topicId, log.id.partition), shadow);
    observe(shadow, this.#world);
    return shadow;
  }

  get logger(): Logger {
    const tell = (fields: object, event: string): void => this.#world.tell(this.id, event, fields);
    return { debug: () => undefined, info: tell, warn: tell, error: tell };
  }

  #submit: SimulatedSubmit = (process, command) => {
    this.#world.metadata.asked(command);
    if (process.control === undefined) throw new Error("nothing is submitted before there is somebody to submit to");
    return process.control.submit(command);
  };

  #assemble(process: SimulatedProcess, store: LogStore, controller: Controller): Topics {
    const world = this.#world;
    const { gate, wheel } = process;
    const { id: nodeId } = this;
    const tell = (fields: object, event: string): void => world.tell(nodeId, event, fields);
    const session = (): Registration | undefined => process.registration;
    const confirmFlush: ConstructorParameters<typeof Topics>[0]["confirmFlush"] = (placement) => {
      void session()?.confirmFlush(placement);
    };
    const topicsHere = (): Topics => topics;
    const replication = new Replication(
      {
        lagMaxMs: worldTimes.lagMaxMs,
        sessionMs: worldTimes.sessionMs,
        tickMs: worldTimes.replicationTickMs,
      },
      {
        nodeId,
        clock: gate,
        wheel,
        random: () => world.random.next(),
        brokerEpoch: () => session()?.brokerEpoch ?? -1,
        hearsController: () => session()?.hearsController ?? false,
        factsOf: (brokerId) => {
          const broker = brokerOf(controller.image, brokerId);
          return broker && { brokerEpoch: broker.brokerEpoch, isActive: isActive(broker) };
        },
        addressOf: (id) => `node:${id}`,
        submit: (command) => this.#submit(process, command),
        openStream: (leader) => (this.process === process ? world.connect(this, leader) : undefined),
        partition: (topicId, partition) => topicsHere().partition(topicId, partition),
        partitions: () => topicsHere().partitions(),
        admit: (bytes) => store.admit(bytes),
        isWithoutRoom: () => store.whySpaceRefused() !== undefined,
        confirmFlush,
        tell,
      },
    );
    const topics = new Topics({
      store,
      nodeId,
      replicas: replication,
      wheel,
      nowMs: () => gate.nowMs(),
      monotonicMs: () => gate.monotonicMs(),
      producerExpiryMs: dayMs,
      countRefusal: ({ reason }) => world.count(`refusal ${reason}`),
      whySpaceRefused: () => store.whySpaceRefused(),
      log: tell,
      requestEpoch: ({ log }, begun) =>
        session()?.newLeaderEpoch(log.id.topicId, log.id.partition, begun) ??
        Promise.reject(new Error("this node is not registered yet")),
      confirmFlush,
    });
    process.topics = topics;
    process.replication = replication;
    return topics;
  }
}

/** B-10, as a broker sees it. */
function isHanging({ disk }: SimulatedProcess): boolean {
  const { sessionMs } = worldTimes;
  return disk !== undefined && (disk.groupCommitMs > sessionMs || disk.othersMs > 10 * sessionMs);
}

function isShortOfRoom(error: unknown): boolean {
  return (error instanceof FileSystemError || error instanceof LogError) && error.code === "NO_SPACE";
}

type SimulatedSubmit = <C extends Parameters<ClusterController["submit"]>[0]>(
  process: SimulatedProcess,
  command: C,
) => ReturnType<typeof ClusterController.prototype.submit<C>>;

/** For damage: where the closed segments of a partition are. */
export function closedSegments(disk: SimulatedDisk, topic: string, partition: number): string[] {
  const files = disk
    .files()
    .filter(
      ({ path, sizeBytes }) => path.includes(`/topics/${topic}-${partition}`) && path.endsWith(".log") && sizeBytes > 0,
    )
    .map(({ path }) => path);
  return files.slice(0, -1);
}
