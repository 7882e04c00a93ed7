// SPDX-License-Identifier: Apache-2.0
// Three nodes of one cluster in this process. A thin client knows the address of one of them, and that one does not lead.

import { Broker, silentLogger } from "@varve/broker";
import { connect } from "@varve/client";
import { until } from "@varve/test-e2e/clean-up";
import { freePort } from "@varve/test-e2e/free-port";
import { join } from "node:path";

export class ThreeNodes {
  readonly #brokers: readonly Broker[];

  private constructor(brokers: readonly Broker[]) {
    this.#brokers = brokers;
  }

  /** Their data go below `directory`, which the caller removes. */
  static async start(directory: string): Promise<ThreeNodes> {
    const peers: { nodeId: number; host: string; port: number }[] = [];
    for (const nodeId of [1, 2, 3]) peers.push({ nodeId, host: "127.0.0.1", port: await freePort() });
    const starting = peers.map(({ nodeId }) =>
      Broker.start({
        dataDir: join(directory, `data-${nodeId}`),
        nodeId,
        listeners: { grpc: { port: 0 }, http: false },
        cluster: { peers, reserveBytes: 0, ballastBytes: 0 },
        logger: silentLogger(),
      }),
    );
    const started = await Promise.allSettled(starting);
    const brokers = started.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
    const nodes = new ThreeNodes(brokers);
    const failed = started.find((start) => start.status === "rejected");
    if (failed === undefined) return nodes;
    await nodes.close();
    throw failed.reason;
  }

  /**
   * Makes a topic of one partition on all three.
   * @returns the address of a node that knows it and does not lead it
   */
  async topicLedElsewhere(topic: string): Promise<string> {
    await using first = await this.#clientOf(this.#brokers[0]);
    const made = await first.admin.createTopic({ topic, partitions: 1, replicationFactor: 3 });
    const leader = made.partitions[0]?.leader?.nodeId;
    const other = this.#brokers.find(({ nodeId }) => nodeId !== leader);
    await using client = await this.#clientOf(other);
    await until("the other node knows the topic", async () => {
      const [known] = await client.admin.listTopics({ prefix: topic });
      return known !== undefined;
    });
    return other?.addresses.grpc ?? "";
  }

  async close(): Promise<void> {
    await Promise.all(this.#brokers.map((broker) => broker.close()));
  }

  #clientOf(broker: Broker | undefined): ReturnType<typeof connect> {
    return connect({ addresses: [broker?.addresses.grpc ?? ""] });
  }
}
