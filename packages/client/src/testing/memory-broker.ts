// SPDX-License-Identifier: Apache-2.0
// A broker in memory, behind a real gRPC server on loopback, for the client's own tests: partitions are arrays, sequences are
// checked as the real one does, and faults can be asked for. Several of them can be one cluster: they share the partitions, and
// differ in who leads them. It proves nothing about the broker.

import type { Socket } from "node:net";
import { Server, ServerCredentials, type ServerDuplexStream, type ServerWritableStream } from "@grpc/grpc-js";
import {
  ConsumeEncoder,
  errorFromFields,
  errorToFields,
  loadServices,
  positionFromMessage,
  serverOptions,
  statusFromError,
  tuneServer,
  VarveError,
  type ConsumeRequest,
  type End,
  type ErrorFields,
  type LeaderHint,
  type LogHandlers,
  type Position,
  type ProduceOutcome,
  type ProduceRequest,
} from "@varve/api";
import {
  assignOffsets,
  buildBatch,
  decompressRecords,
  int32Max,
  plainBytesMaxDefault,
  readBatchHeader,
  recordsOf,
  type BatchHeader,
  type ReadRecord,
} from "@varve/format";
import { MemoryGroups } from "./memory-groups.ts";

interface StoredBatch {
  readonly header: BatchHeader;
  readonly plain: Uint8Array;
}

interface Partition {
  readonly batches: StoredBatch[];
  readonly producers: Map<number, { nextSequence: number; recent: { baseSequence: number; baseOffset: number }[] }>;
  logStart: number;
  logEnd: number;
  leader: number;
  leaderEpoch: number;
}

/** What happens to the next produce requests, one each. */
export type ProduceFault =
  | { readonly kind: "refuse"; readonly error: VarveError }
  /** The stream breaks before the batch is appended. */
  | { readonly kind: "break-before" }
  /** The batch is appended, the answer is lost with the stream. */
  | { readonly kind: "break-after" }
  /** The batch is appended, the answer says that time ran out. */
  | { readonly kind: "time-out" }
  /** The batch is appended, the answer says that this broker leads no more. */
  | { readonly kind: "depose" }
  | { readonly kind: "none" };

const services = loadServices();

/** What the brokers of one cluster share. */
export class MemoryCluster {
  readonly topics = new Map<string, Partition[]>();
  readonly brokers: MemoryBroker[] = [];
  readonly changed = new Set<() => void>();
  readonly groups = new MemoryGroups({
    partitionsOf: (topic) => this.topics.get(topic)?.length ?? 0,
    resolve: (topic, partition, position) => this.resolve(topic, partition, position),
  });
  clusterId = "memory";
  nextProducerId = 1000;

  /** Gives a partition another leader, in a new epoch. */
  elect(topic: string, partition: number, nodeId: number): void {
    const log = this.topics.get(topic)![partition]!;
    log.leader = nodeId;
    log.leaderEpoch += 1;
    for (const wake of this.changed) wake();
  }

  resolve(topic: string, partition: number, position: Position): number {
    const log = this.topics.get(topic)![partition]!;
    switch (position.kind) {
      case "earliest":
        return log.logStart;
      case "latest":
        return log.logEnd;
      case "offset":
        return position.offset;
      case "last":
        return Math.max(log.logStart, log.logEnd - position.count);
      case "ago":
      case "time": {
        const timeMs = position.kind === "time" ? position.timeMs : Date.now() - position.durationMs;
        return recordsIn(log).find((record) => record.timestampMs >= timeMs)?.offset ?? log.logEnd;
      }
    }
  }

  hintOf({ leader, leaderEpoch }: Partition): LeaderHint {
    const address = this.brokers.find(({ nodeId }) => nodeId === leader)?.advertised ?? "";
    return { nodeId: leader, address, leaderEpoch };
  }
}

export interface MemoryBrokerOptions {
  readonly nodeId?: number;
  /** @default one of its own */
  readonly cluster?: MemoryCluster;
}

export class MemoryBroker {
  readonly nodeId: number;
  readonly cluster: MemoryCluster;
  /** As the cluster names it; empty: its own address. */
  advertisedAs = "";
  /** What others lead is done for them; false: it is refused. */
  forwards = true;
  /** Nothing is answered any more, nor refused: as a stopped process. */
  silent = false;
  /** Questions about topics are not answered, others are. */
  slowTopics = false;
  /** Produce requests that arrived here and were another's. */
  forwarded = 0;
  /** Faults of the produce requests to come, in order. */
  readonly faults: ProduceFault[] = [];
  /** Refusals of the ListOffsets requests to come, one each. */
  readonly offsetFaults: VarveError[] = [];
  /** ListOffsets knows high watermarks late by so much, as a new leader does. */
  watermarksBehind = 0;
  /** Refusals of the Consume calls to come, one each. */
  readonly consumeRefusals: VarveError[] = [];
  /** After this many messages a Consume stream breaks, once for each entry. */
  readonly consumeBreaks: number[] = [];
  /** Bytes of a Consume message, softly. */
  consumeMessageBytes = 4096;
  /** While set, produce requests are not answered. */
  held: (() => void)[] | undefined;
  requests = 0;
  consumeStreams = 0;
  listOffsetsCalls = 0;
  describeClusterCalls = 0;
  describeTopicCalls = 0;
  #server: Server;
  #port = 0;
  readonly #sockets = new Set<Socket>();
  readonly #streams = new Set<ServerDuplexStream<ProduceRequest, readonly ProduceOutcome[]>>();

  private constructor({ nodeId = 0, cluster = new MemoryCluster() }: MemoryBrokerOptions) {
    this.nodeId = nodeId;
    this.cluster = cluster;
    cluster.brokers.push(this);
    this.#server = this.#newServer();
  }

  static async start(options: MemoryBrokerOptions = {}): Promise<MemoryBroker> {
    const broker = new MemoryBroker(options);
    await broker.#bind();
    return broker;
  }

  get topics(): Map<string, Partition[]> {
    return this.cluster.topics;
  }

  get advertised(): string {
    return this.advertisedAs === "" ? this.address : this.advertisedAs;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  createTopic(name: string, partitions: number): void {
    this.topics.set(
      name,
      Array.from({ length: partitions }, () => emptyPartition(this.nodeId)),
    );
  }

  addPartition(name: string): void {
    this.topics.get(name)!.push(emptyPartition(this.nodeId));
  }

  /** All records of a partition, in order. */
  records(topic: string, partition: number): ReadRecord[] {
    return recordsIn(this.topics.get(topic)![partition]!);
  }

  async append(topic: string, partition: number, batch: Uint8Array): Promise<number> {
    const log = this.topics.get(topic)![partition]!;
    const baseOffset = log.logEnd;
    assignOffsets(batch, 0, baseOffset, 1);
    const header = readBatchHeader(batch);
    log.batches.push({ header, plain: await decompressRecords(batch, header, plainBytesMaxDefault) });
    log.logEnd += header.lastOffsetDelta + 1;
    for (const wake of this.cluster.changed) wake();
    return baseOffset;
  }

  /** Cuts every connection and listens no more; restart() takes up the same port. */
  stop(): void {
    this.#server.forceShutdown();
    for (const socket of this.#sockets) socket.destroy();
  }

  async restart(): Promise<void> {
    this.#server = this.#newServer();
    await this.#bind();
  }

  #newServer(): Server {
    const server = new Server(serverOptions);
    const warn = (message: string): void => {
      throw new Error(message);
    };
    tuneServer(server, warn, (http2Server) => {
      http2Server.on("connection", (socket: Socket) => {
        this.#sockets.add(socket);
        socket.once("close", () => this.#sockets.delete(socket));
      });
    });
    server.addService(services.log, this.#log());
    server.addService(services.groups, this.cluster.groups.handlers());
    server.addService(services.admin, {
      DescribeCluster: (_call: unknown, callback: (error: null, response: object) => void) => {
        this.describeClusterCalls += 1;
        const brokers = this.cluster.brokers.map(({ nodeId, advertised: address }) => ({ nodeId, address }));
        const { clusterId } = this.cluster;
        if (!this.silent) callback(null, { clusterId, controllerId: 0, brokers, nodeId: this.nodeId });
      },
      DescribeTopic: (
        call: { request: { topic: string } },
        callback: (error: object | null, response?: object) => void,
      ) => {
        this.describeTopicCalls += 1;
        if (this.silent || this.slowTopics) return;
        const { topic } = call.request;
        const partitions = this.topics.get(topic)?.map((log, partition) => ({
          partition,
          leader: this.cluster.hintOf(log),
        }));
        if (partitions === undefined) callback(statusFromError(new VarveError("UNKNOWN_TOPIC", `No topic "${topic}"`)));
        else callback(null, { topic: { topic, partitions } });
      },
    });
    return server;
  }

  async #bind(): Promise<void> {
    this.#port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(this.address, ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
  }

  #log(): LogHandlers {
    return {
      Produce: (call, callback) => {
        const answer = async (): Promise<void> => {
          const outcome = await this.#produce(call.request);
          if (outcome === "break")
            callback(statusFromError(new VarveError("SHUTTING_DOWN", "The test breaks the call")));
          else if (outcome.kind === "response") callback(null, outcome.response);
          else callback(statusFromError(errorFromFields(outcome.error)));
        };
        void answer();
      },
      ProduceStream: (call) => {
        this.#streams.add(call);
        let line = Promise.resolve();
        let broken = false;
        call.on("data", (request: ProduceRequest) => {
          this.requests += 1;
          line = line.then(async () => {
            if (broken || this.silent) return;
            if (this.held !== undefined) await new Promise<void>((resolve) => this.held!.push(resolve));
            const outcome = await this.#produce(request);
            if (outcome === "break") {
              broken = true;
              call.emit("error", statusFromError(new VarveError("SHUTTING_DOWN", "The test breaks the stream")));
            } else call.write([outcome]);
          });
        });
        call.on("end", () => void line.then(() => (broken ? undefined : call.end())));
        call.on("cancelled", () => (broken = true));
      },
      Fetch: (_call, callback) => callback(statusFromError(new VarveError("UNSUPPORTED", "Not here"))),
      Consume: (call) => void this.#consume(call),
      ListOffsets: (call, callback) => {
        if (this.silent) return;
        this.listOffsetsCalls += 1;
        const { topic, partitions } = call.request;
        const logs = this.topics.get(topic);
        if (logs === undefined) {
          callback(
            statusFromError(new VarveError("UNKNOWN_TOPIC", `Cannot list offsets: there is no topic "${topic}"`)),
          );
          return;
        }
        const refusal = this.offsetFaults.shift();
        const position = positionFromMessage(call.request.position, { kind: "latest" });
        const numbers = partitions.length > 0 ? partitions : logs.map((_log, partition) => partition);
        callback(null, {
          partitions: numbers.map((partition) => {
            const log = logs[partition]!;
            const offset = this.cluster.resolve(topic, partition, position);
            return {
              partition,
              offset,
              timestampMs: -1,
              leaderEpoch: 1,
              logStartOffset: log.logStart,
              highWatermark: log.logEnd - this.watermarksBehind,
              logEndOffset: log.logEnd,
              ...(refusal === undefined ? {} : { error: errorToFields(refusal) }),
            };
          }),
        });
      },
      InitProducer: (_call, callback) => {
        if (!this.silent) callback(null, { producerId: this.cluster.nextProducerId++, producerEpoch: 0 });
      },
      EpochEnd: (_call, callback) => callback(statusFromError(new VarveError("UNSUPPORTED", "Not here"))),
    };
  }

  async #produce(request: ProduceRequest): Promise<ProduceOutcome | "break"> {
    const fault = this.faults.shift();
    if (fault?.kind === "break-before") return "break";
    if (fault?.kind === "refuse") return { kind: "error", error: errorToFields(fault.error) };
    const log = this.topics.get(request.topic)?.[request.partition ?? 0];
    if (log === undefined) return failed("UNKNOWN_PARTITION", "No such partition");
    if (log.leader !== this.nodeId) {
      this.forwarded += 1;
      if (!this.forwards) return { kind: "error", error: errorToFields(notLeader(this.cluster.hintOf(log))) };
    }
    const batch = request.batch ?? request.records!.toBatch({ nowMs: 1 });
    const header = readBatchHeader(batch);
    const { producerId, baseSequence, recordCount } = header;
    let duplicate = false;
    let baseOffset: number;
    const state = log.producers.get(producerId) ?? { nextSequence: baseSequence, recent: [] };
    const known = producerId < 0 ? undefined : state.recent.find((entry) => entry.baseSequence === baseSequence);
    if (known !== undefined) {
      duplicate = true;
      baseOffset = known.baseOffset;
    } else if (producerId >= 0 && baseSequence !== state.nextSequence) {
      return failed("OUT_OF_ORDER_SEQUENCE", `Got ${baseSequence}, expected ${state.nextSequence}`);
    } else {
      baseOffset = log.logEnd;
      state.nextSequence = (baseSequence + recordCount) % (int32Max + 1);
      state.recent = [...state.recent.slice(-4), { baseSequence, baseOffset }];
      if (producerId >= 0) log.producers.set(producerId, state);
      await this.append(request.topic, request.partition ?? 0, batch);
    }
    if (fault?.kind === "break-after") return "break";
    if (fault?.kind === "time-out") {
      return { kind: "error", error: errorToFields(new VarveError("REQUEST_TIMED_OUT", "The test takes its time")) };
    }
    if (fault?.kind === "depose") return { kind: "error", error: errorToFields(notLeader(this.cluster.hintOf(log))) };
    const ack = { level: request.acks, leaderEpoch: log.leaderEpoch, durableReplicas: 1 };
    const leader = this.cluster.hintOf(log);
    const lastOffset = baseOffset + recordCount - 1;
    const result = { partition: request.partition ?? 0, baseOffset, lastOffset, ack, duplicate, recordIndexes: [] };
    return { kind: "response", response: { results: [{ ...result, leader, logStartOffset: log.logStart }] } };
  }

  async #consume(call: ServerWritableStream<ConsumeRequest, Uint8Array>): Promise<void> {
    this.consumeStreams += 1;
    const refusal = this.consumeRefusals.shift();
    if (refusal !== undefined) {
      call.emit("error", statusFromError(refusal));
      return;
    }
    let breakAfter = this.consumeBreaks.shift() ?? Number.POSITIVE_INFINITY;
    const stream = { gone: false };
    const woken: (() => void)[] = [];
    const wake = (): void => {
      for (const resume of woken.splice(0)) resume();
    };
    call.on("cancelled", () => {
      stream.gone = true;
      wake();
    });
    call.on("drain", wake);
    this.cluster.changed.add(wake);
    const { topic, fromTimeMs, toTimeMs } = call.request;
    const reads = call.request.partitions.map((range) => ({
      ...range,
      next: this.cluster.resolve(topic, range.partition, range.start),
      left: range.end.kind === "count" ? range.end.count : Number.POSITIVE_INFINITY,
      stop: this.#stopOf(topic, range.partition, range.end),
      ended: false,
    }));
    while (!stream.gone && reads.some((read) => !read.ended)) {
      let wrote = false;
      if (this.silent) return;
      for (const read of reads) {
        if (read.ended || stream.gone) continue;
        const log = this.topics.get(topic)![read.partition]!;
        if (log.leader !== this.nodeId && !this.forwards) {
          call.emit("error", statusFromError(notLeader(this.cluster.hintOf(log))));
          this.cluster.changed.delete(wake);
          return;
        }
        if (read.next < log.logStart || read.next > log.logEnd) {
          const metadata = { logStartOffset: String(log.logStart), highWatermark: String(log.logEnd) };
          call.emit("error", statusFromError(new VarveError("OFFSET_OUT_OF_RANGE", "Not kept", { metadata })));
          this.cluster.changed.delete(wake);
          return;
        }
        const reached = (): boolean => read.next >= read.stop || read.left <= 0;
        if (read.next >= log.logEnd && !reached()) continue;
        const selection = {
          partition: read.partition,
          fromOffset: read.next,
          toOffset: read.stop,
          fromTimeMs,
          toTimeMs,
          maxRecords: read.left,
        };
        const encoder = new ConsumeEncoder(selection, 1024);
        for (const { header, plain } of log.batches) {
          if (header.baseOffset + header.lastOffsetDelta < read.next) continue;
          if (encoder.sizeBytes > this.consumeMessageBytes || encoder.add(header, plain).kind !== "added") break;
        }
        read.next = encoder.nextOffset;
        read.left -= encoder.recordCount;
        read.ended = reached();
        const message = encoder.finish({
          highWatermark: log.logEnd,
          logStartOffset: log.logStart,
          endReached: read.ended,
          leader: this.cluster.hintOf(log),
        });
        wrote = true;
        if (breakAfter-- <= 0) {
          call.emit("error", statusFromError(new VarveError("SHUTTING_DOWN", "The test breaks the stream")));
          this.cluster.changed.delete(wake);
          return;
        }
        if (!call.write(message)) await new Promise<void>((resolve) => woken.push(resolve));
      }
      if (!wrote && !stream.gone) await new Promise<void>((resolve) => woken.push(resolve));
    }
    this.cluster.changed.delete(wake);
    if (!stream.gone) call.end();
  }

  #stopOf(topic: string, partition: number, end: End): number {
    if (end.kind === "offset") return end.offset;
    if (end.kind === "latest-at-start") return this.topics.get(topic)![partition]!.logEnd;
    return Number.MAX_SAFE_INTEGER;
  }
}

function emptyPartition(leader: number): Partition {
  return { batches: [], producers: new Map(), logStart: 0, logEnd: 0, leader, leaderEpoch: 1 };
}

function recordsIn({ batches }: Partition): ReadRecord[] {
  return batches.flatMap(({ plain, header }) => recordsOf(plain, header));
}

function notLeader({ nodeId, address, leaderEpoch }: LeaderHint): VarveError {
  const metadata = { leader: String(nodeId), address, leaderEpoch: String(leaderEpoch) };
  return new VarveError("NOT_LEADER", `Node ${nodeId} leads`, { metadata });
}

function failed(reason: ErrorFields["reason"], message: string): ProduceOutcome {
  return { kind: "error", error: { reason, message, retriable: false, metadata: {} } };
}

/** A batch of records with these values, for MemoryBroker.append(). */
export function batchOf(values: readonly string[], timestampMs = 1000): Uint8Array {
  return buildBatch(values.map((value, index) => ({ value: Buffer.from(value), timestampMs: timestampMs + index })));
}
