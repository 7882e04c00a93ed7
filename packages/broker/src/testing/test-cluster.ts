/** Several real brokers in this process, one cluster: what tests of more than one node share. */
import { createServer, type AddressInfo } from "node:net";
import type { BrokerOptions, ClusterOptions, ClusterPeer } from "../options.ts";
import { TestBroker, until } from "./test-broker.ts";

/** Short enough for tests, long enough for a busy machine. */
export const quickCluster: Omit<ClusterOptions, "peers"> = {
  electionMs: 500,
  heartbeatMs: 100,
  sessionMs: 1_500,
  reserveBytes: 0,
  ballastBytes: 0,
};

export class TestCluster {
  readonly peers: readonly ClusterPeer[];
  readonly nodes: TestBroker[];
  readonly #options: Partial<BrokerOptions>;

  private constructor(peers: readonly ClusterPeer[], options: Partial<BrokerOptions>, nodes: TestBroker[]) {
    this.peers = peers;
    this.#options = options;
    this.nodes = nodes;
  }

  /** Nodes 1 to `count`, formed and all of them let in. */
  static async start(count: number, options: Partial<BrokerOptions> = {}): Promise<TestCluster> {
    const peers = await freePeers(count);
    const starting = peers.map(({ nodeId }) => TestBroker.start(nodeOptions(peers, nodeId, options)));
    const started = await Promise.allSettled(starting);
    const failed = started.find((start) => start.status === "rejected");
    const nodes = started.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
    if (failed !== undefined) {
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
      throw failed.reason as Error;
    }
    return new TestCluster(peers, options, nodes);
  }

  /** Options of one node, for starting it in another way. */
  optionsOf(nodeId: number): Partial<BrokerOptions> & { readonly cluster: ClusterOptions } {
    return nodeOptions(this.peers, nodeId, this.#options);
  }

  /** Until one node is the active controller. @returns its index */
  async controller(among: readonly TestBroker[] = this.nodes): Promise<TestBroker> {
    let found: TestBroker | undefined;
    await until("there is an active controller", async () => {
      for (const node of among) {
        const { controllerId } = await node.call("DescribeCluster", {});
        if (controllerId === node.broker.nodeId) found = node;
      }
      return found !== undefined;
    });
    return found as TestBroker;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
  }
}

export async function freePeers(count: number): Promise<ClusterPeer[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const peers = servers.map((server, at) => ({
    nodeId: at + 1,
    host: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
  }));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return peers;
}

function nodeOptions(
  peers: readonly ClusterPeer[],
  nodeId: number,
  options: Partial<BrokerOptions>,
): Partial<BrokerOptions> & { readonly cluster: ClusterOptions } {
  // The last one to stop has nobody to hand over to, and finds out by a session that ends: no test waits for that.
  return { shutdownTimeoutMs: 500, ...options, nodeId, cluster: { ...quickCluster, ...options.cluster, peers } };
}
