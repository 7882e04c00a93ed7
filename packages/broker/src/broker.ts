/**
 * One broker in this process: `const broker = await Broker.start({ dataDir })`. It is the real one, on the real code path.
 *
 *     directory, lock, meta ─> HTTP ─> controller (metadata log) ─> store (recovery) ─> gRPC ─> registered, new epochs ─> ready
 *
 * `close()` goes the same way back: no new requests, answers for what is under way within a bound, a clean store. A start
 * that fails closes what it had opened. Afterwards no handle is left in the process, and the directory can be opened again.
 */
import { randomBytes } from "node:crypto";
import { join, resolve } from "node:path";
import { type Clock, LogStore, type RecoveryReport, nodeFileSystem, systemClock } from "@varve/log";
import type { Registry } from "prom-client";
import { assembleNode } from "./assemble.ts";
import { NodeCounters } from "./counters.ts";
import {
  type DirectoryMeta,
  adoptCluster,
  checkMetadataIsThere,
  openMeta,
  prepareDataDirectory,
} from "./data-directory.ts";
import { segmentLanesFor } from "./config/segment-lanes.ts";
import { type FileBudget, filesMaxOfProcess, openFilesMaxDefault, shareOutFiles } from "./file-budget.ts";
import { Controller } from "./drivers/controller.ts";
import { openRaftGroup } from "./drivers/raft-group.ts";
import { RaftMetadataLog } from "./drivers/raft-metadata-log.ts";
import { lockDirectory } from "./drivers/directory-lock.ts";
import { hostPort } from "./grpc/admin-service.ts";
import { GrpcServer } from "./grpc/server.ts";
import { HttpServer } from "./http/server.ts";
import { defaultLimits } from "./limits.ts";
import { loopback, warnWhenExposed } from "./listeners.ts";
import { type Logger, defaultLogger } from "./logger.ts";
import { BrokerMetrics } from "./metrics/broker-metrics.ts";
import { brokerMetricsSource } from "./metrics/broker-source.ts";
import type { BrokerNode } from "./node.ts";
import type { BrokerOptions } from "./options.ts";
import type { MetadataLog } from "./ports/metadata-log.ts";
import { type Refusal, refuse } from "./refusal.ts";
import { Registration, applyTopicDefaults } from "./registration.ts";
import { startRetention } from "./retention-loop.ts";
import { type BrokerStats, statsOf } from "./stats.ts";
import { logDefaults } from "./drivers/topics.ts";

const defaultGrpcPort = 9094;
const defaultHttpPort = 8080;
const dayMs = 86_400_000;

/** A group of one has nobody who could lead in its place: it writes as long as the disk takes it (D-9). */
const aloneOptions = { reserveBytes: 0, snapshots: { everyEntries: 10_000 } };

export class Broker {
  readonly nodeId: number;
  readonly clusterId: string;
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
  #files: FileBudget = shareOutFiles(undefined, openFilesMaxDefault);
  #node: BrokerNode | undefined;
  #registration: Registration | undefined;
  #grpc: GrpcServer | undefined;
  #http: HttpServer | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: BrokerOptions, meta: DirectoryMeta) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock();
    this.nodeId = meta.nodeId;
    this.clusterId = meta.clusterId ?? "";
    this.#logger = options.logger ?? defaultLogger();
    this.#metrics = new BrokerMetrics(
      brokerMetricsSource(
        () => this.#node,
        this.#counters,
        () => this.#grpc?.heldBytes ?? 0,
      ),
    );
  }

  /** @throws BrokerError, LogError, MetadataLogError; nothing is left open then. */
  static async start(options: BrokerOptions): Promise<Broker> {
    const dataDir = resolve(options.dataDir);
    const allowTmpfs = options.allowTmpfs ?? false;
    await prepareDataDirectory(dataDir, { allowTmpfs });
    const lock = await lockDirectory(dataDir, join(dataDir, "lock"));
    let broker: Broker | undefined;
    try {
      const { nodeId, clusterId } = options;
      const meta = await openMeta({ dataDir, nodeId, clusterId, hasPeers: false });
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
    }
  }

  /** Where the listeners are, with the ports that were found. */
  get addresses(): { readonly grpc: string; readonly http: string | undefined } {
    const grpc = this.#grpc?.address;
    const http = this.#http?.address;
    return {
      grpc: grpc === undefined ? "" : hostPort(grpc.host, grpc.port),
      http: http === undefined ? undefined : hostPort(http.host, http.port),
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
    const controller = await this.#openController(dataDir, meta);
    const store = await this.#openStore(dataDir, bootId);
    const node = this.#buildNode(controller, store);
    this.#node = node;
    const server = await this.#openGrpc(node);
    this.#notReady = "it is registering with the cluster";
    this.#registration = await Registration.open(controller, {
      nodeId: this.nodeId,
      directoryId: meta.directoryId,
      incarnationId: randomBytes(16).toString("hex"),
      host: this.#options.advertised?.host ?? server.address.host,
      port: this.#options.advertised?.port ?? server.address.port,
      rack: this.#options.rack ?? "",
    });
    await applyTopicDefaults(controller, this.#options.topicDefaults ?? {});
    await node.topics.setAsideStrays(controller.image);
    await node.topics.apply(controller.image);
    // J-13: this node is the only one to know, and has logged it.
    store.confirmRecovery();
    this.#followImage(controller, node);
    this.#closers.push(startRetention(store, this.#clock, this.#logger, this.#options.retentionIntervalMs ?? 60_000));
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

  async #openController(dataDir: string, meta: DirectoryMeta): Promise<Controller> {
    this.#notReady = "it is reading the metadata log";
    const log = this.#options.metadataLog ?? (await this.#openMetadataLog(dataDir, meta));
    const controller = await Controller.start(
      {},
      {
        log,
        clock: this.#clock,
        newUuid: () => randomBytes(16).toString("hex"),
        onFatal: (error) => this.#fail(error),
      },
    );
    this.#closers.push(() => controller.close());
    return controller;
  }

  async #openMetadataLog(dataDir: string, meta: DirectoryMeta): Promise<MetadataLog> {
    await checkMetadataIsThere(dataDir);
    const { nodeId, clusterId } = meta;
    const group = await openRaftGroup({ directory: join(dataDir, "raft"), nodeId, clusterId, several: undefined });
    await adoptCluster(dataDir, meta, group.clusterId);
    return new RaftMetadataLog({ group, transport: undefined, raft: aloneOptions });
  }

  async #openStore(dataDir: string, bootId: string): Promise<LogStore> {
    const { onProgress, storage } = this.#options;
    this.#notReady = "it is recovering its partitions";
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
        fs: this.#options.fs ?? nodeFileSystem(),
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

  #buildNode(controller: Controller, store: LogStore): BrokerNode {
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
      store,
      producerExpiryMs: producerExpiryMs ?? dayMs,
      autoCreateTopics: this.#options.autoCreateTopics ?? false,
      registration: () => this.#registration,
      address: () => {
        const bound = this.#grpc?.address;
        return bound === undefined ? "" : hostPort(advertised?.host ?? bound.host, advertised?.port ?? bound.port);
      },
      stoppedBy: () => this.#stoppedBy(),
    });
    this.#closers.push(async () => {
      node.topics.close(refuse("SHUTTING_DOWN", "The broker is stopping; whether this was done is not known"));
      node.replication.close();
      await node.topics.idle();
      node.wheel.close();
    });
    return node;
  }

  async #openGrpc(node: BrokerNode): Promise<GrpcServer> {
    const { grpc = {} } = this.#options.listeners ?? {};
    const server = await GrpcServer.open(
      { host: grpc.host ?? loopback, port: grpc.port ?? defaultGrpcPort, files: this.#files },
      node,
    );
    this.#grpc = server;
    this.#closers.push(() => server.close(this.#options.shutdownTimeoutMs ?? 10_000));
    return server;
  }

  /** What the controller decides takes effect here, whoever asked for it. */
  #followImage(controller: Controller, node: BrokerNode): void {
    const unsubscribe = controller.subscribe((image) => {
      node.topics.apply(image).catch((error: unknown) => {
        this.#fail(error instanceof Error ? error : new Error(String(error)));
      });
    });
    this.#closers.push(() => {
      unsubscribe();
    });
  }

  #whyNotReady(): string | undefined {
    return this.#notReady === undefined ? undefined : `not ready: ${this.#notReady}`;
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
