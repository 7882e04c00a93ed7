// SPDX-License-Identifier: Apache-2.0
// Three `varve serve` that are one cluster, on loopback: started, described, stopped, killed. Nothing of them is left afterwards.

import { createServer } from "node:net";
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { ServeProcess } from "./serve-process.ts";

/** Where a partition is. */
export interface Placed {
  readonly partition: number;
  readonly leader: { readonly nodeId: number; readonly address: string };
  readonly replicas: readonly number[];
  readonly inSyncReplicas: readonly number[];
}

export interface TopicOptions {
  readonly partitions: number;
  readonly replicationFactor?: number;
  readonly configs?: Readonly<Record<string, string>>;
}

/** So that what was written goes soon, and its pages are used again. */
export const retentionFlags = ["--retention-interval", "250ms"];
export const shortRetention = { "retention.bytes": "268435456", "segment.bytes": "67108864" };

export class Nodes {
  readonly all: readonly ServeProcess[];

  private constructor(all: readonly ServeProcess[]) {
    this.all = all;
  }

  /** Three combined nodes with a fresh directory each; or one alone. */
  static async start(directory: string, count: 1 | 3, flags: readonly string[] = []): Promise<Nodes> {
    const ids = Array.from({ length: count }, (_, index) => index + 1);
    const peers = await Promise.all(ids.map(async (id) => `${id}@127.0.0.1:${await freePort()}`));
    const more = count === 1 ? [] : ["--peers", peers.join(",")];
    const all: ServeProcess[] = [];
    for (const nodeId of ids) {
      const address = `127.0.0.1:${await freePort()}`;
      all.push(
        new ServeProcess({ nodeId, dataDir: join(directory, `node-${nodeId}`), address, flags: [...more, ...flags] }),
      );
    }
    const nodes = new Nodes(all);
    try {
      await nodes.startAll();
      return nodes;
    } catch (error) {
      await nodes.end();
      throw error;
    }
  }

  get running(): readonly ServeProcess[] {
    return this.all.filter(({ isRunning }) => isRunning);
  }

  get addresses(): string[] {
    return this.all.map(({ address }) => address);
  }

  node(nodeId: number): ServeProcess {
    const found = this.all.find((node) => node.nodeId === nodeId);
    if (found === undefined) throw new Error(`There is no node ${nodeId}`);
    return found;
  }

  /** Whoever does not run. Resolves with the milliseconds that the slowest took. */
  async startAll(): Promise<number> {
    const took = await Promise.all(this.all.filter(({ isRunning }) => !isRunning).map((node) => node.start()));
    return Math.max(0, ...took);
  }

  async createTopic(topic: string, { partitions, replicationFactor, configs = {} }: TopicOptions): Promise<void> {
    await this.all[0]?.call("CreateTopic", {
      topic,
      partitions,
      configs,
      replicationFactor: replicationFactor ?? this.all.length,
    });
    await this.inSync(topic);
  }

  async describe(topic: string, at: ServeProcess | undefined = this.running[0]): Promise<readonly Placed[]> {
    const described = await at?.call<{ topic: { partitions: Placed[] } }>("DescribeTopic", { topic });
    return described?.topic.partitions ?? [];
  }

  /** Node id of the active controller as a node knows it; -1: none. */
  async controller(at: ServeProcess | undefined = this.running[0]): Promise<number> {
    return (await at?.call<{ controllerId: number }>("DescribeCluster", {}))?.controllerId ?? -1;
  }

  /** Until every replica is in sync and every partition has a leader, as all running nodes know it. */
  async inSync(topic: string, patienceMs = 120_000): Promise<void> {
    const untilMs = performance.now() + patienceMs;
    for (;;) {
      const whole = await Promise.all(
        this.running.map(async (node) => {
          const placed = await this.describe(topic, node).catch(() => []);
          return (
            placed.length > 0 &&
            placed.every(
              ({ leader, replicas, inSyncReplicas }) => leader.nodeId >= 0 && inSyncReplicas.length === replicas.length,
            )
          );
        }),
      );
      if (whole.length === this.all.length && whole.every(Boolean)) return;
      if (performance.now() > untilMs) throw new Error(`Topic "${topic}" is not in sync after ${patienceMs} ms`);
      await pause(100);
    }
  }

  get cpuSeconds(): number {
    return this.running.reduce((sum, node) => sum + node.cpuSeconds, 0);
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.running.map((node) => node.stop()));
  }

  async killAll(): Promise<void> {
    await Promise.all(this.running.map((node) => node.kill()));
  }

  /** Whatever state they are in. */
  end(): Promise<void> {
    return this.killAll();
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The kernel gives ports above 32767 to whoever connects: a node that comes back could find its own taken. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    const isFree = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}
