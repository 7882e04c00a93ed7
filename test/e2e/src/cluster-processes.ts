// Three nodes as processes of one cluster, and a load on them that knows every acknowledgement.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Metadata, credentials } from "@grpc/grpc-js";
import type { ServiceError } from "@grpc/grpc-js";
import { channelOptions, errorFromStatus, loadServices } from "@varve/api";
import type { AdminClient, ConsumeResponse, LogClient, ProduceRequestFields, ProduceResponse } from "@varve/api";
import { afterThisTest, newDirectory, until } from "./clean-up.ts";
import { freePort } from "./free-port.ts";

const services = loadServices();
const script = fileURLToPath(new URL("./cluster-node-script.ts", import.meta.url));
/** Short enough for tests, long enough for a busy machine. */
const timing = { electionMs: 500, heartbeatMs: 200, sessionMs: 2_000, reserveBytes: 0, ballastBytes: 0 };

export class ClusterProcess {
  readonly nodeId: number;
  readonly address: string;
  readonly log: LogClient;
  readonly admin: AdminClient;
  readonly #options: object;
  #child: ChildProcess | undefined;
  output = "";

  constructor(nodeId: number, address: string, options: object) {
    this.nodeId = nodeId;
    this.address = address;
    this.#options = options;
    const insecure = credentials.createInsecure();
    this.log = services.openLogClient(address, insecure, channelOptions);
    this.admin = services.openAdminClient(address, insecure, channelOptions);
    afterThisTest(async () => {
      this.log.close();
      this.admin.close();
      await this.kill();
    });
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  spawn(): void {
    const args = ["--conditions=source", "--import", "tsx", script, JSON.stringify(this.#options)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    const take = (chunk: Buffer): void => {
      this.output = (this.output + chunk.toString()).slice(-20_000);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    this.#child = child;
  }

  ready(): Promise<void> {
    return until(`node ${this.nodeId} is ready`, () => this.output.includes("ready "), 60_000).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}\n${this.output}`);
      },
    );
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    this.output = "";
    const gone = once(child, "close");
    child.kill("SIGKILL");
    await gone;
  }

  produce(request: ProduceRequestFields, deadlineMs: number): Promise<ProduceResponse> {
    const options = { deadline: Date.now() + deadlineMs };
    return new Promise((resolve, reject) => {
      this.log.Produce(request, new Metadata(), options, (error, response) => {
        if (error === null && response !== undefined) resolve(response);
        else reject(errorFromStatus(error as ServiceError));
      });
    });
  }

  /** A call of the Admin service. */
  call<T>(name: "CreateTopic" | "DescribeTopic", request: object): Promise<T> {
    const options = { deadline: Date.now() + 5_000 };
    return new Promise((resolve, reject) => {
      const method = this.admin[name].bind(this.admin) as unknown as (
        request: object,
        metadata: Metadata,
        options: object,
        callback: (error: ServiceError | null, response?: T) => void,
      ) => void;
      method(request, new Metadata(), options, (error, response) => {
        if (error === null) resolve(response as T);
        else reject(errorFromStatus(error));
      });
    });
  }

  /** Everything of one partition, from its beginning to its end of this moment. */
  replay(topic: string, partition: number): Promise<ConsumeResponse[]> {
    return new Promise((resolve, reject) => {
      const messages: ConsumeResponse[] = [];
      const request = {
        topic,
        partitions: [{ partition }],
        start: { kind: "earliest" },
        end: { kind: "latest-at-start" },
      } as const;
      const call = this.log.Consume(request, new Metadata(), {});
      call.on("data", (message: ConsumeResponse) => messages.push(message));
      call.on("error", (error: ServiceError) => reject(errorFromStatus(error)));
      call.on("end", () => resolve(messages));
    });
  }
}

/** Three combined nodes that have formed a cluster. */
export async function startCluster(): Promise<ClusterProcess[]> {
  const peers = [];
  for (const nodeId of [1, 2, 3]) peers.push({ nodeId, host: "127.0.0.1", port: await freePort() });
  const nodes: ClusterProcess[] = [];
  for (const { nodeId } of peers) {
    const port = await freePort();
    const options = {
      dataDir: await newDirectory(),
      allowTmpfs: true,
      nodeId,
      listeners: { grpc: { port }, http: false },
      cluster: { ...timing, peers },
    };
    const node = new ClusterProcess(nodeId, `127.0.0.1:${port}`, options);
    node.spawn();
    nodes.push(node);
  }
  await Promise.all(nodes.map((node) => node.ready()));
  return nodes;
}

interface Acknowledged {
  readonly offset: number;
  readonly value: string;
}

/**
 * A steady load of idempotent producers, one for each partition, that go to the leader as the metadata of any living node have it.
 * Each sends a record until it is acknowledged, with the same sequence; what was acknowledged is remembered.
 */
export class Load {
  readonly #nodes: readonly ClusterProcess[];
  readonly #topic: string;
  readonly acknowledged: Acknowledged[][];
  readonly #leaders = new Map<number, number>();
  readonly #running: Promise<void>[];
  #isStopped = false;

  constructor(nodes: readonly ClusterProcess[], topic: string, partitions: number) {
    this.#nodes = nodes;
    this.#topic = topic;
    this.acknowledged = Array.from({ length: partitions }, () => []);
    this.#running = this.acknowledged.map((_, partition) => this.#run(partition));
  }

  /** Until every partition has `count` acknowledgements more than now. */
  async more(count: number): Promise<void> {
    const wanted = this.acknowledged.map((of) => of.length + count);
    await until(
      `${count} more acknowledgements of each partition`,
      () => this.acknowledged.every((of, partition) => of.length >= (wanted[partition] ?? 0)),
      60_000,
    );
  }

  /** What was under way is acknowledged first. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#running);
  }

  leaderOf(partition: number): ClusterProcess | undefined {
    return this.#nodes.find(({ nodeId }) => nodeId === this.#leaders.get(partition));
  }

  async #run(partition: number): Promise<void> {
    const mine = this.acknowledged[partition] as Acknowledged[];
    for (let sequence = 0; !this.#isStopped; sequence++) {
      const value = `${partition}-${sequence}`;
      const offset = await this.#send(partition, sequence, value);
      mine.push({ offset, value });
    }
  }

  async #send(partition: number, baseSequence: number, value: string): Promise<number> {
    for (;;) {
      try {
        const leader = this.leaderOf(partition) ?? (await this.#findLeader(partition));
        const response = await leader.produce(
          {
            topic: this.#topic,
            partition,
            records: [{ value: Buffer.from(value) }],
            producerId: 1_000_000 + partition,
            producerEpoch: 0,
            baseSequence,
          },
          3_000,
        );
        const result = response.results[0];
        if (result?.error === undefined && result !== undefined) return result.baseOffset;
      } catch {
        // Refused, or nobody knows: the same record again, to whoever leads then.
      }
      this.#leaders.delete(partition);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async #findLeader(partition: number): Promise<ClusterProcess> {
    for (const node of this.#nodes) {
      if (!node.isRunning) continue;
      const described = await node
        .call<{ topic: { partitions: { leader: { nodeId: number } }[] } }>("DescribeTopic", { topic: this.#topic })
        .catch(() => undefined);
      const leader = described?.topic.partitions[partition]?.leader.nodeId ?? -1;
      const found = this.#nodes.find(({ nodeId, isRunning }) => nodeId === leader && isRunning);
      if (found === undefined) continue;
      this.#leaders.set(partition, leader);
      return found;
    }
    throw new Error(`Nobody leads partition ${partition} now`);
  }
}
