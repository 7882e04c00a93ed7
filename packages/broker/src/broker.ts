/**
 * One broker in this process: `const broker = await Broker.start({ dataDir })`. It is the real one, on the real code path.
 *
 *     directory, lock, meta ─> HTTP ─> cluster (peers, metadata) ─> store (recovery) ─> gRPC ─> registered ─> let in ─> ready
 *
 * `close()` goes the same way back: no new requests, answers for what is under way within a bound, a clean store. A start
 * that fails closes what it had opened. Afterwards no handle is left in the process, and the directory can be opened again.
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { type Services, loadServices } from "@varve/api";
import { brokerOf } from "@varve/cluster";
import { type Clock, type FileSystem, LogStore, type RecoveryReport, nodeFileSystem, systemClock } from "@varve/log";
import type { Registry } from "prom-client";
import { assembleNode } from "./assemble.ts";
import { NodeCounters } from "./counters.ts";
import { startCompaction } from "./compaction-loop.ts";
import { timesOf } from "./cluster-configuration.ts";
import { ClusterNode, peerEndpoint } from "./cluster-node.ts";
import { type DirectoryMeta, openMeta, prepareDataDirectory } from "./data-directory.ts";
import { segmentLanesFor } from "./config/segment-lanes.ts";
import { type FileBudget, filesMaxOfProcess, openFilesMaxDefault, shareOutFiles } from "./file-budget.ts";
import type { Controller } from "./drivers/controller.ts";
import { DiskWatch } from "./drivers/disk-watch.ts";
import { PartitionRecovery } from "./drivers/partition-recovery.ts";
import { lockDirectory } from "./drivers/directory-lock.ts";
import { hostPort } from "./grpc/admin-service.ts";
import { GrpcServer } from "./grpc/server.ts";
import { type Address, HttpServer } from "./http/server.ts";
import { Calm } from "./calm.ts";
import { BrokerError } from "./errors.ts";
import { defaultLimits } from "./limits.ts";
import { isAnyAddress, loopback, warnWhenExposed } from "./listeners.ts";
import { type Logger, defaultLogger } from "./logger.ts";
import { BrokerMetrics } from "./metrics/broker-metrics.ts";
import { brokerMetricsSource } from "./metrics/broker-source.ts";
import type { BrokerNode } from "./node.ts";
import type { BrokerOptions } from "./options.ts";
import { type Refusal, refuse } from "./refusal.ts";
import { oncePerText } from "./peer/operator-notes.ts";
import { Registration, type RegistrationOptions, applyTopicDefaults } from "./registration.ts";
import { startRetention } from "./retention-loop.ts";
import { type BrokerStats, statsOf } from "./stats.ts";
import { logDefaults } from "./drivers/topics.ts";

const defaultGrpcPort = 9094;
const defaultHttpPort = 8080;
const dayMs = 86_400_000;
/** A disk may write out large files for so many sessions before it counts as hanging. */
const othersSessions = 10;
/** H-13: how long after a write that failed for want of room a disk counts as full, in ms; longer than between two looks at it. */
const fullDiskMs = 1_500;

export class Broker {
  readonly nodeId: number;
  readonly #options: BrokerOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #counters = new NodeCounters();
  readonly #metrics: BrokerMetrics;
  /** In the order of opening; closed from the end. */
  readonly #closers: (() => Promise<void> | void)[] = [];
  /** What keeps it from serving; undefined when it is ready. */
  #notReady: string | undefined = "it is starting";
  #stopped = false;
  #hasFailed = false;
  /** Aborted when this broker ends: whoever waits for others gives up. */
  readonly #ending = new AbortController();
  #files: FileBudget = shareOutFiles(undefined, openFilesMaxDefault);
  #disk: DiskWatch | undefined;
  #wasDiskHanging = false;
  #cluster: ClusterNode | undefined;
  #node: BrokerNode | undefined;
  #calm: Calm | undefined;
  #registration: Registration | undefined;
  #grpc: GrpcServer | undefined;
  #http: HttpServer | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: BrokerOptions, meta: DirectoryMeta) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock();
    this.nodeId = meta.nodeId;
    this.#logger = options.logger ?? defaultLogger();
    this.#metrics = new BrokerMetrics(
      brokerMetricsSource(
        () => this.#node,
        this.#counters,
        () => this.#grpc?.heldBytes ?? 0,
        () => ({ node: this.#cluster, session: this.#registration }),
      ),
    );
  }

  /** Known once the cluster is formed, which `start` waits for. */
  get clusterId(): string {
    return this.#cluster?.clusterId ?? "";
  }

  /** @throws BrokerError, LogError, MetadataLogError; nothing is left open then. */
  static async start(options: BrokerOptions): Promise<Broker> {
    const dataDir = resolve(options.dataDir);
    const allowTmpfs = options.allowTmpfs ?? false;
    await prepareDataDirectory(dataDir, { allowTmpfs });
    const lock = await lockDirectory(dataDir, join(dataDir, "lock"));
    let broker: Broker | undefined;
    const abort = (): void => {
      if (broker !== undefined) broker.#ending.abort(options.signal?.reason);
    };
    options.signal?.addEventListener("abort", abort);
    try {
      options.signal?.throwIfAborted();
      const { nodeId, clusterId } = options;
      const meta = await openMeta({ dataDir, nodeId, clusterId, hasPeers: options.cluster !== undefined });
      const opened = new Broker(options, meta);
      broker = opened;
      opened.#closers.push(
        () => lock.release(),
        () => opened.#metrics.close(),
      );
      await opened.#open(dataDir, lock.bootId, meta);
      return opened;
    } catch (error) {
      await (broker === undefined ? lock.release() : broker.close());
      throw error;
    } finally {
      options.signal?.removeEventListener("abort", abort);
    }
  }

  /** Where the listeners are, with the ports that were found. */
  get addresses(): { readonly grpc: string; readonly http: string | undefined; readonly peer: string | undefined } {
    const grpc = this.#grpc?.address;
    const http = this.#http?.address;
    return {
      grpc: grpc === undefined ? "" : hostPort(grpc.host, grpc.port),
      http: http === undefined ? undefined : hostPort(http.host, http.port),
      peer: this.#cluster?.peerAddress,
    };
  }

  /** prom-client registry of this broker alone. */
  get metrics(): Registry {
    return this.#metrics.registry;
  }

  /** What recovery found, per partition. */
  get recovery(): RecoveryReport | undefined {
    return this.#node?.store.recovery;
  }

  /** Counters and levels of this moment; cheap enough to be asked often. */
  stats(): BrokerStats {
    return statsOf(this.#node, this.#counters, this.#grpc?.heldBytes ?? 0);
  }

  /** For how long nothing has been elected, loaded or caught up with, as far as this node sees, in ms; 0 while something is. */
  get calmMs(): number {
    return this.#notReady === undefined && !this.#stopped ? (this.#calm?.forMs ?? 0) : 0;
  }

  /** Stops serving, answers what is under way within `shutdownTimeoutMs`, closes everything. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #open(dataDir: string, bootId: string, meta: DirectoryMeta): Promise<void> {
    const startedMs = this.#clock.monotonicMs();
    const wanted = this.#options.storage?.openFilesMax ?? openFilesMaxDefault;
    this.#files = shareOutFiles(await filesMaxOfProcess(), wanted);
    if (this.#files.openFilesMax < wanted) {
      this.#logger.warn({ ...this.#files, wanted }, "few open files are allowed: raise the limit (ulimit -n)");
    }
    await this.#openHttp();
    const services = loadServices();
    const cluster = await this.#openCluster(dataDir, meta, services);
    const store = await this.#openStore(dataDir, bootId);
    const node = this.#buildNode(cluster, store);
    this.#node = node;
    const server = await this.#openGrpc(node, services);
    for (const service of node.peerServices) cluster.add(service);
    this.#recoverPartitions(cluster, node);
    await this.#takePart(cluster, node, this.#registrationOptions(cluster, store, meta, server.address, services));
    this.#closers.push(startRetention(store, this.#clock, this.#logger, this.#options.retentionIntervalMs ?? 60_000));
    this.#closers.push(startCompaction(store, this.#clock, this.#logger, this.#options.compactionIntervalMs ?? 15_000));
    this.#notReady = undefined;
    server.serve();
    this.#logger.info(
      {
        nodeId: this.nodeId,
        clusterId: this.clusterId,
        ...this.addresses,
        dataDir,
        partitions: store.partitions().length,
        startMs: Math.round(this.#clock.monotonicMs() - startedMs),
      },
      "broker is ready",
    );
  }

  async #openHttp(): Promise<void> {
    warnWhenExposed(this.#options, this.#logger);
    const { http = {} } = this.#options.listeners ?? {};
    if (http === false) return;
    const server = await HttpServer.open(
      { host: http.host ?? loopback, port: http.port ?? defaultHttpPort },
      { registry: this.metrics, whyNotReady: () => this.#whyNotReady() },
    );
    this.#http = server;
    this.#closers.push(() => server.close());
  }

  /** Registers, catches up, brings the partitions in line, and is let in: in this order, so that nothing is led by an old state. */
  async #takePart(cluster: ClusterNode, node: BrokerNode, options: RegistrationOptions): Promise<void> {
    const { controller } = cluster;
    this.#notReady = "it is registering with the cluster";
    const registration = await Registration.open(options);
    this.#registration = registration;
    await applyTopicDefaults(controller, cluster.control, this.#options.topicDefaults ?? {});
    await node.topics.start(controller.image);
    // J-13: the controller has what was lost in its log.
    node.store.confirmRecovery();
    this.#followImage(controller, node);
    this.#notReady = "it is waiting to be let into the cluster";
    await registration.ready();
    await registration.startEpochs();
    await node.topics.apply(controller.image);
    node.groups.coordinators.look();
  }

  #registrationOptions(
    cluster: ClusterNode,
    store: LogStore,
    meta: DirectoryMeta,
    bound: Address,
    services: Services,
  ): RegistrationOptions {
    const { advertised, rack } = this.#options;
    const { controller, duty, control, peers } = cluster;
    const tellOnce = oncePerText();
    const endpoints = [{ name: "grpc", host: this.#hostFor(bound), port: advertised?.port ?? bound.port }];
    if (cluster.reachedAt !== undefined) {
      const { host, port } = cluster.reachedAt;
      endpoints.push({ name: peerEndpoint, host, port });
    }
    // B-4. Alone there is nobody who could have more: what is here is all there is.
    const lossy =
      peers === undefined
        ? []
        : store.recovery.partitions
            .filter(({ isRetained }) => !isRetained)
            .map(({ id }) => ({ topicId: id.topicId, partition: id.partition }));
    return {
      identity: {
        brokerId: this.nodeId,
        incarnationId: randomBytes(16).toString("hex"),
        endpoints,
        rack: rack ?? "",
        dirs: [meta.directoryId],
        lossy,
      },
      controller,
      duty,
      control,
      peers,
      view: controller,
      definition: services.peer,
      clock: this.#clock,
      logger: this.#logger,
      ...timesOf(this.#options.cluster ?? { peers: [] }),
      appliedOffset: () => this.#node?.topics.appliedOffset ?? 0,
      isDiskHanging: () => this.#isDiskHanging(),
      onWaiting: (why) => {
        tellOnce(why, () => this.#logger.warn({ why }, "this node waits for its registration with the cluster"));
        this.#waits(`it is registering with the cluster: ${why}`);
      },
      isShortOfRoom: () => this.#node?.replication.isShortOfRoom ?? false,
      signal: this.#ending.signal,
      onLost: (error) => this.#fail(error),
    };
  }

  /** B-7: it serves until somebody else does. Of a cluster of one there is nobody to hand over to. */
  async #handOver(): Promise<void> {
    if (this.#cluster?.peers === undefined || this.#hasFailed || this.#notReady !== undefined) return;
    await this.#registration?.shutDown(this.#options.shutdownTimeoutMs ?? 10_000);
  }

  async #openCluster(dataDir: string, meta: DirectoryMeta, services: Services): Promise<ClusterNode> {
    this.#notReady = "it is reading the metadata log";
    const cluster = await ClusterNode.open({
      dataDir,
      meta,
      cluster: this.#options.cluster,
      listener: this.#options.listeners?.peer ?? {},
      advertised: this.#options.peerAdvertised,
      services,
      clock: this.#clock,
      logger: this.#logger,
      signal: this.#ending.signal,
      metadataLog: this.#options.metadataLog,
      brokerEpoch: () => this.#registration?.brokerEpoch ?? -1,
      onWaiting: (why) => this.#waits(`it is waiting for its cluster: ${why}`),
      onFatal: (error) => this.#fail(error),
    });
    this.#cluster = cluster;
    const calm = new Calm(cluster.controller, this.nodeId, this.#clock);
    this.#calm = calm;
    this.#closers.push(
      () => cluster.close(),
      () => calm.close(),
      () => this.#registration?.close(),
    );
    return cluster;
  }

  async #openStore(dataDir: string, bootId: string): Promise<LogStore> {
    const { onProgress, storage } = this.#options;
    this.#notReady = "it is recovering its partitions";
    // Alone there is nobody who could lead in its place.
    if (this.#options.cluster !== undefined) {
      const journal = join(dataDir, "journal");
      this.#disk = new DiskWatch(this.#fileSystem, {
        monotonicMs: () => this.#clock.monotonicMs(),
        isGroupCommit: (path) => path.startsWith(journal),
      });
    }
    const store = await LogStore.open(
      {
        segmentLanes: segmentLanesFor(process.env["UV_THREADPOOL_SIZE"]),
        ...storage,
        openFilesMax: this.#files.openFilesMax,
        directory: dataDir,
        bootId,
        defaults: logDefaults(this.#options.producerExpiryMs ?? dayMs),
      },
      {
        fs: this.#disk?.fs ?? this.#fileSystem,
        clock: this.#clock,
        onFatal: (error) => this.#fail(error),
        onCommit: ({ ms, bytes }) => {
          this.#counters.commitLatency.observe(ms / 1000);
          this.#counters.commitBytes.observe(bytes);
        },
        onProgress: (done, total, what) => {
          this.#notReady = `it is recovering its partitions: ${done} of ${total} done`;
          onProgress?.(done, total, what);
        },
      },
    );
    this.#closers.push(() => store.close());
    // Whoever reads only the log learns of damage too: nobody may ask these partitions for records for long.
    for (const { id, state } of store.recovery.partitions) {
      if (state.kind !== "quarantined") continue;
      const { file, offset, end, why } = state;
      const where = { topic: id.topic, partition: id.partition, file, offset, end, why };
      this.#logger.warn(where, "partition is quarantined");
    }
    for (const directory of store.recovery.setAside) {
      this.#logger.warn({ directory }, "directory of no partition, or a copy of one: it was renamed to .stray");
    }
    return store;
  }

  #buildNode(cluster: ClusterNode, store: LogStore): BrokerNode {
    const { controller, control, membership, peers } = cluster;
    const { advertised, limits, producerExpiryMs, version } = this.#options;
    const node = assembleNode({
      nodeId: this.nodeId,
      clusterId: this.clusterId,
      version: version ?? "",
      clock: this.#clock,
      logger: this.#logger,
      limits: { ...defaultLimits, ...limits },
      counters: this.#counters,
      controller,
      control,
      membership,
      ...(peers === undefined
        ? {}
        : {
            peers,
            hasFailedForRoom: () => (this.#disk?.sinceFullMs ?? Infinity) < fullDiskMs,
            hearsController: () => this.#registration?.hearsController ?? false,
            replication: this.#replicationOptions,
          }),
      store,
      producerExpiryMs: producerExpiryMs ?? dayMs,
      autoCreateTopics: this.#options.autoCreateTopics ?? false,
      groups: { partitions: 16, offsetsRetentionMs: 7 * dayMs, ...this.#options.groups },
      registration: () => this.#registration,
      address: () => {
        const bound = this.#grpc?.address;
        return bound === undefined ? "" : hostPort(this.#hostFor(bound), advertised?.port ?? bound.port);
      },
      stoppedBy: () => this.#stoppedBy(),
    });
    this.#closers.push(async () => {
      node.groups.coordinators.close(refuse("SHUTTING_DOWN", "The broker is stopping; join again at another one"));
      node.topics.close(refuse("SHUTTING_DOWN", "The broker is stopping; whether this was done is not known"));
      node.replication.close();
      node.forwarding?.close();
      await node.topics.idle();
      node.wheel.close();
    });
    return node;
  }

  /** Where clients reach a listener: every address of this machine is none. */
  #hostFor({ host }: Address): string {
    return this.#options.advertised?.host ?? (isAnyAddress(host) ? hostname() : host);
  }

  get #replicationOptions(): { sessionMs: number } {
    return { sessionMs: timesOf(this.#options.cluster ?? { peers: [] }).sessionMs };
  }

  async #openGrpc(node: BrokerNode, services: Services): Promise<GrpcServer> {
    const { grpc = {} } = this.#options.listeners ?? {};
    const server = await GrpcServer.open(
      { host: grpc.host ?? loopback, port: grpc.port ?? defaultGrpcPort, files: this.#files, services },
      node,
    );
    this.#grpc = server;
    this.#closers.push(() => server.close(this.#options.shutdownTimeoutMs ?? 10_000));
    return server;
  }

  /** 6.11. A node that is alone has all there is. */
  #recoverPartitions({ controller, peers }: ClusterNode, node: BrokerNode): void {
    if (peers === undefined) return;
    const recovery = new PartitionRecovery({
      controller,
      ask: (brokerId, replicas) => node.replicaReports.ask(brokerId, replicas),
      clock: this.#clock,
      logger: this.#logger,
      tickMs: timesOf(this.#options.cluster ?? { peers: [] }).heartbeatMs,
    });
    this.#closers.push(() => recovery.close());
  }

  /** What the controller decides takes effect here, whoever asked for it. */
  #followImage(controller: Controller, node: BrokerNode): void {
    const unsubscribe = controller.subscribe((image) => {
      node.forwarding?.giveUp((nodeId) => brokerOf(image, nodeId)?.fenced === true);
      node.topics.apply(image).then(
        () => node.groups.coordinators.look(),
        (error: unknown) => this.#fail(error instanceof Error ? error : new Error(String(error))),
      );
    });
    this.#closers.push(() => {
      unsubscribe();
    });
  }

  get #fileSystem(): FileSystem {
    return this.#options.fs ?? nodeFileSystem();
  }

  /** B-10: a group commit has taken longer than a session, or anything else far longer. */
  #isDiskHanging(): boolean {
    const { groupCommitMs = 0, othersMs = 0 } = this.#disk ?? {};
    const { sessionMs } = timesOf(this.#options.cluster ?? { peers: [] });
    const isHanging = groupCommitMs > sessionMs || othersMs > othersSessions * sessionMs;
    if (isHanging !== this.#wasDiskHanging) {
      if (isHanging) {
        const owes = { groupCommitMs: Math.round(groupCommitMs), othersMs: Math.round(othersMs) };
        this.#logger.error(owes, "the disk does not answer: this node leads nothing");
      } else this.#logger.warn({}, "the disk answers again");
    }
    this.#wasDiskHanging = isHanging;
    return isHanging;
  }

  /** A node that serves goes on serving, whatever it waits for; one that stops or has failed says that. */
  #waits(why: string): void {
    if (this.#notReady === undefined || this.#stopped) return;
    this.#notReady = why;
  }

  #whyNotReady(): string | undefined {
    const hanging = this.#isDiskHanging() ? "its disk has not answered for longer than a session" : undefined;
    const why = this.#notReady ?? hanging;
    return why === undefined ? undefined : `not ready: ${why}`;
  }

  #stoppedBy(): Refusal | undefined {
    if (this.#notReady === undefined) return undefined;
    return this.#stopped
      ? refuse("SHUTTING_DOWN", `Cannot take the request: the broker is stopping`)
      : refuse("LEADER_NOT_AVAILABLE", `Cannot take the request yet: ${this.#notReady}; try again`);
  }

  /** J-14: nothing more may be promised. Stops serving; the owner of the process should end it. */
  #fail(error: Error): void {
    this.#logger.error({ error: error.stack ?? error.message }, "the broker cannot go on");
    this.#stopped = true;
    this.#hasFailed = true;
    this.#notReady = `it has failed: ${error.message}`;
    const { onFatal } = this.#options;
    if (onFatal === undefined) void this.#closeQuietly();
    else onFatal(error);
  }

  async #closeQuietly(): Promise<void> {
    try {
      await this.close();
    } catch {
      // What did not close cleanly has been logged, and nobody waits for this promise.
    }
  }

  async #close(): Promise<void> {
    await this.#handOver();
    this.#ending.abort(new BrokerError("CLOSED", "The broker was closed"));
    this.#stopped = true;
    this.#notReady ??= "it is stopping";
    let failure: Error | undefined;
    for (const close of this.#closers.toReversed()) {
      try {
        await close();
      } catch (error) {
        // The rest is closed all the same: a lock that stays held would be worse.
        failure ??= error instanceof Error ? error : new Error(String(error));
        this.#logger.error({ error: String(error) }, "a part of the broker did not close cleanly");
      }
    }
    this.#logger.info({ nodeId: this.nodeId }, "broker is closed");
    if (failure !== undefined) throw failure;
  }
}
