/** A real broker in a directory of its own, and clients for it: what the tests of this package share. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CallOptions, Metadata, type ServiceError, credentials, type requestCallback } from "@grpc/grpc-js";
import {
  type AdminClient,
  type ConsumeRequestFields,
  type ConsumeResponse,
  type EpochEndResponseOutput,
  type FetchRequestFields,
  type FetchResponse,
  type GroupsClient,
  type ListOffsetsResponseOutput,
  type LogClient,
  type ProduceRequestFields,
  type ProduceResponse,
  channelOptions,
  errorFromStatus,
  loadServices,
} from "@varve/api";
import { Broker } from "../broker.ts";
import { silentLogger } from "../logger.ts";
import type { BrokerOptions } from "../options.ts";

const services = loadServices();

type AdminCall =
  | "CreateTopic"
  | "DeleteTopic"
  | "DescribeTopic"
  | "ListTopics"
  | "AddPartitions"
  | "AlterTopicConfig"
  | "DescribeTopicConfig"
  | "DescribeCluster"
  | "DescribePartitions"
  | "DeleteRecords"
  | "AcceptLoss"
  | "ElectLeaders"
  | "ReplaceController";

type GroupCall =
  | "CommitOffsets"
  | "FetchOffsets"
  | "ListGroups"
  | "DescribeGroup"
  | "ResetOffsets"
  | "ForkGroup"
  | "ConfigureGroup"
  | "DeleteGroup";
type GroupRequest<Name extends GroupCall> = Parameters<GroupsClient[Name]>[0];
type GroupAnswer<Name extends GroupCall> =
  Parameters<GroupsClient[Name]>[3] extends requestCallback<infer Answer> ? Answer : never;

/** Where a partition is. */
export interface Placed {
  readonly leader: { readonly nodeId: number };
  readonly replicas: readonly number[];
  readonly inSyncReplicas: readonly number[];
}

export class TestBroker {
  broker: Broker;
  log: LogClient;
  admin: AdminClient;
  groups: GroupsClient;
  readonly dataDir: string;
  readonly #options: Partial<BrokerOptions>;

  private constructor(dataDir: string, options: Partial<BrokerOptions>, broker: Broker) {
    this.dataDir = dataDir;
    this.#options = options;
    this.broker = broker;
    [this.log, this.admin, this.groups] = connect(broker);
  }

  static async start(options: Partial<BrokerOptions> = {}): Promise<TestBroker> {
    const dataDir = await mkdtemp(join(tmpdir(), "varve-broker-"));
    return new TestBroker(dataDir, options, await startIn(dataDir, options));
  }

  /** Closes and starts again on the same directory. */
  async restart(options: Partial<BrokerOptions> = this.#options): Promise<void> {
    await this.#disconnect();
    await this.broker.close();
    this.broker = await startIn(this.dataDir, options);
    [this.log, this.admin, this.groups] = connect(this.broker);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disconnect();
    await this.broker.close();
    await rm(this.dataDir, { recursive: true, force: true });
  }

  /** Another connection. The caller closes it. */
  connect(): LogClient {
    return connect(this.broker)[0];
  }

  async createTopic(
    topic: string,
    options: { partitions?: number; configs?: Record<string, string> } = {},
  ): Promise<void> {
    await this.call("CreateTopic", { topic, ...options });
  }

  /** Where the partitions of a topic are, as this node knows it. */
  async placements(topic: string): Promise<Placed[]> {
    const described = (await this.call("DescribeTopic", { topic })) as { topic: { partitions: Placed[] } };
    return described.topic.partitions;
  }

  /** A call of the Admin service. */
  call(name: AdminCall, request: object): Promise<Record<string, unknown>> {
    const method = this.admin[name].bind(this.admin) as unknown as (
      request: object,
      callback: (error: ServiceError | null, response?: Record<string, unknown>) => void,
    ) => void;
    return unary((callback) => method(request, callback));
  }

  /** A call of the Groups service. */
  group<Name extends GroupCall>(name: Name, request: GroupRequest<Name>): Promise<GroupAnswer<Name>> {
    const method = this.groups[name].bind(this.groups) as unknown as (
      request: object,
      callback: (error: ServiceError | null, response?: GroupAnswer<Name>) => void,
    ) => void;
    return unary((callback) => method(request, callback));
  }

  produce(request: ProduceRequestFields, options: CallOptions = {}): Promise<ProduceResponse> {
    return unary((callback) => this.log.Produce(request, new Metadata(), options, callback));
  }

  fetch(request: FetchRequestFields, options: CallOptions = {}): Promise<FetchResponse> {
    return unary((callback) => this.log.Fetch(request, new Metadata(), options, callback));
  }

  listOffsets(request: Parameters<LogClient["ListOffsets"]>[0]): Promise<ListOffsetsResponseOutput> {
    return unary((callback) => this.log.ListOffsets(request, new Metadata(), {}, callback));
  }

  epochEnd(request: Parameters<LogClient["EpochEnd"]>[0]): Promise<EpochEndResponseOutput> {
    return unary((callback) => this.log.EpochEnd(request, new Metadata(), {}, callback));
  }

  initProducer(
    request: Parameters<LogClient["InitProducer"]>[0] = {},
  ): Promise<{ producerId: number; producerEpoch: number }> {
    return unary((callback) => this.log.InitProducer(request, new Metadata(), {}, callback));
  }

  /** Reads until the call ends by itself. */
  consumeAll(request: ConsumeRequestFields): Promise<ConsumeResponse[]> {
    return new Promise((resolve, reject) => {
      const messages: ConsumeResponse[] = [];
      const call = this.log.Consume(request, new Metadata(), {});
      call.on("data", (message: ConsumeResponse) => messages.push(message));
      call.on("error", (error: ServiceError) => reject(errorFromStatus(error)));
      call.on("end", () => resolve(messages));
    });
  }

  async #disconnect(): Promise<void> {
    this.log.close();
    this.admin.close();
    this.groups.close();
  }
}

function startIn(dataDir: string, options: Partial<BrokerOptions>): Promise<Broker> {
  return Broker.start({
    dataDir,
    listeners: { grpc: { port: 0 }, http: { port: 0 } },
    logger: silentLogger(),
    shutdownTimeoutMs: 2_000,
    ...options,
  });
}

function connect(broker: Broker): [LogClient, AdminClient, GroupsClient] {
  const { grpc } = broker.addresses;
  const insecure = credentials.createInsecure();
  return [
    services.openLogClient(grpc, insecure, channelOptions),
    services.openAdminClient(grpc, insecure, channelOptions),
    services.openGroupsClient(grpc, insecure, channelOptions),
  ];
}

function unary<T>(start: (callback: (error: ServiceError | null, value?: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error !== null) reject(errorFromStatus(error));
      else resolve(value as T);
    });
  });
}

/** Until `condition` holds; fails after `patienceMs` with what was waited for. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patienceMs = 30_000,
): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Waited ${patienceMs} ms in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const bytes = (text: string): Uint8Array => Buffer.from(text);
export const text = (value: Uint8Array | null): string | null =>
  value === null ? null : Buffer.from(value).toString();
