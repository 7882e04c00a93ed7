// A consumer group of processes on three nodes under a load of keyed records, while members, the coordinator and leaders are killed:
//
//     round: half of its records ──> fault ──> the other half ──> everything is acknowledged, handled and committed
//
// Knows nothing of tests: group-chaos.test.ts runs it.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, type Client, type Producer } from "@varve/client";
import { RandomStream } from "raft-ts/testing";
import { type ClusterProcess, ProcessCluster } from "./cluster-process.ts";
import { HandledRecords } from "./handled-records.ts";
import { until } from "./until.ts";
import { cleanEnvironment } from "./varve-command.ts";

export const groupFaults = ["kill-member", "stop-member", "kill-coordinator", "kill-leader"] as const;
export type GroupFault = (typeof groupFaults)[number];

export interface GroupChaosOptions {
  /** For data; everything in it is the caller's to remove. */
  readonly directory: string;
  /** Whom a fault meets. */
  readonly seed: number;
  readonly members: number;
  readonly partitions: number;
  /** Real lines: the first word is the key. */
  readonly lines: readonly string[];
}

interface Member {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
}

const topic = "requests";
const group = "workers";
const program = fileURLToPath(new URL("../dist/group-member.js", import.meta.url));
const waitMs = 120_000;

export class GroupChaos {
  readonly handled = new HandledRecords();
  /** How many records of each key there are. */
  readonly numbers = new Map<string, number>();
  readonly faultsNs: bigint[] = [];
  readonly #options: GroupChaosOptions;
  readonly #cluster: ProcessCluster;
  readonly #client: Client;
  readonly #producer: Producer;
  readonly #random: RandomStream;
  readonly #members: Member[] = [];
  #lives = 0;
  #sent = 0;

  private constructor(options: GroupChaosOptions, cluster: ProcessCluster, client: Client) {
    this.#options = options;
    this.#cluster = cluster;
    this.#client = client;
    this.#producer = client.producer({ acks: "all", idempotent: true, batchBytes: 16_384 });
    this.#random = new RandomStream(options.seed, "group-chaos");
  }

  static async start(options: GroupChaosOptions): Promise<GroupChaos> {
    const cluster = await ProcessCluster.start({ directory: options.directory });
    try {
      const client = await connect({ addresses: cluster.nodes.map(({ address }) => address) });
      await client.admin.createTopic({ topic, partitions: options.partitions, replicationFactor: 3 });
      const chaos = new GroupChaos(options, cluster, client);
      for (let member = 0; member < options.members; member += 1) chaos.#startMember();
      return chaos;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  /** Sends so many records with a fault in the middle, and waits until all of them are handled. */
  async round(fault: GroupFault, records: number): Promise<void> {
    const before = this.handled.count();
    const sent = [this.#send(records >> 1)];
    // In the middle of it.
    await until("members are at work", () => this.handled.count() > before + (records >> 3), waitMs);
    await this.#commit(fault);
    sent.push(this.#send(records - (records >> 1)));
    await Promise.all(sent);
    await this.#caughtUp();
  }

  /** Ends the members in order, and looks at what they did. */
  async finish(): Promise<string[]> {
    const { lags } = await this.#client.groups.describe({ group });
    const violations: string[] = [];
    for (const { partition, lag } of lags) {
      if (lag !== 0) violations.push(`partition ${partition} has a lag of ${lag}`);
    }
    for (const { child, ended } of this.#members.splice(0)) {
      child.kill("SIGTERM");
      await ended;
      if (child.exitCode !== 0) violations.push(`a member ended with ${child.exitCode ?? child.signalCode}`);
    }
    this.handled.count();
    return [...violations, ...this.handled.violations(this.numbers, this.faultsNs)];
  }

  /** Leaves no process behind, whatever the state. */
  async close(): Promise<void> {
    for (const { child } of this.#members) child.kill("SIGKILL");
    await Promise.all(this.#members.map(({ ended }) => ended));
    this.#client.destroy();
    await this.#cluster.close();
  }

  async #send(count: number): Promise<void> {
    const { lines } = this.#options;
    const appended: Promise<unknown>[] = [];
    for (let index = 0; index < count; index += 1) {
      const line = lines[this.#sent % lines.length] ?? "";
      this.#sent += 1;
      const key = line.slice(0, line.indexOf(" "));
      const number = this.numbers.get(key) ?? 0;
      this.numbers.set(key, number + 1);
      const value = Buffer.alloc(4 + Buffer.byteLength(line));
      value.writeUInt32BE(number);
      value.write(line, 4);
      appended.push(this.#producer.send({ topic, key, value }));
      if (appended.length >= 500) await Promise.all(appended.splice(0));
    }
    await Promise.all(appended);
  }

  async #caughtUp(): Promise<void> {
    await until(`${this.#sent} records are handled`, () => this.handled.count() >= this.#sent, waitMs).catch(
      async (error: unknown) => {
        const told = await this.#client.groups.describe({ group }).catch(String);
        const wrong = this.handled.violations(this.numbers, this.faultsNs).slice(0, 20);
        throw new Error(`${String(error)}: ${this.handled.count()} are\n${JSON.stringify(told)}\n${wrong.join("\n")}`);
      },
    );
    await until(
      "everything is committed",
      async () => {
        const described = await this.#client.groups.describe({ group }).catch(() => undefined);
        return described !== undefined && described.lags.every(({ lag }) => lag === 0);
      },
      waitMs,
    );
  }

  async #commit(fault: GroupFault): Promise<void> {
    switch (fault) {
      case "kill-member": {
        const [victim] = this.#members.splice(this.#random.below(this.#members.length), 1);
        this.#note();
        victim?.child.kill("SIGKILL");
        await victim?.ended;
        this.#startMember();
        return;
      }
      case "stop-member": {
        const { child } = this.#random.pick(this.#members);
        let before: string[] = [];
        await until(
          "every member is there",
          async () => (before = await this.#memberIds()).length === this.#members.length,
          waitMs,
        );
        this.#note();
        child.kill("SIGSTOP");
        try {
          await until(
            "a member that stands still is given up",
            async () => {
              const now = new Set(await this.#memberIds());
              return before.some((memberId) => !now.has(memberId));
            },
            waitMs,
          );
        } finally {
          this.#note();
          child.kill("SIGCONT");
        }
        return;
      }
      case "kill-coordinator": {
        const { coordinator } = await this.#client.groups.describe({ group });
        await this.#killNode(this.#cluster.node(coordinator?.nodeId ?? -1));
        return;
      }
      case "kill-leader": {
        const { partitions } = await this.#client.admin.describeTopic({ topic });
        await this.#killNode(this.#cluster.node(this.#random.pick(partitions).leader?.nodeId ?? 1));
        return;
      }
    }
  }

  async #killNode(node: ClusterProcess): Promise<void> {
    this.#note();
    await node.kill();
    node.spawn();
    await node.ready();
    this.#note();
  }

  async #memberIds(): Promise<string[]> {
    const described = await this.#client.groups.describe({ group }).catch(() => undefined);
    return described?.members.map(({ memberId }) => memberId) ?? [];
  }

  #note(): void {
    this.faultsNs.push(process.hrtime.bigint());
  }

  #startMember(): void {
    this.#lives += 1;
    const journal = join(this.#options.directory, `member-${this.#lives}.txt`);
    closeSync(openSync(journal, "a"));
    this.handled.follow(journal);
    const addresses = this.#cluster.nodes.map(({ address }) => address).join(",");
    const child = spawn(process.execPath, [program, group, topic, journal, addresses], {
      env: cleanEnvironment({}),
      stdio: ["ignore", "inherit", "inherit"],
    });
    this.#members.push({ child, ended: once(child, "exit") });
  }
}
