// Three real nodes under an idempotent load, and kill -9 of the one that leads: nothing acknowledged is missing, changed or there
// twice, and the order of each partition is kept.

import { describe, expect, it } from "vitest";
import { until } from "./clean-up.ts";
import { type ClusterProcess, Load, startCluster } from "./cluster-processes.ts";

/** `npm run soak` asks for more. */
const kills = Number(process.env["VARVE_CLUSTER_KILLS"] ?? 2);
const partitions = 3;

interface Described {
  readonly topic: { readonly partitions: { readonly inSyncReplicas: number[]; readonly leader: { nodeId: number } }[] };
}

async function described(nodes: readonly ClusterProcess[], topic: string): Promise<Described["topic"]["partitions"]> {
  const node = nodes.find(({ isRunning }) => isRunning) as ClusterProcess;
  return (await node.call<Described>("DescribeTopic", { topic })).topic.partitions;
}

async function expectAllOf(load: Load, nodes: readonly ClusterProcess[], topic: string): Promise<void> {
  const placed = await described(nodes, topic);
  for (const [partition, acknowledged] of load.acknowledged.entries()) {
    const leader = nodes.find(({ nodeId }) => nodeId === placed[partition]?.leader.nodeId) as ClusterProcess;
    const found = new Map<number, string>();
    for (const { records } of await leader.replay(topic, partition)) {
      for (const { offset, value } of records) found.set(offset, Buffer.from(value ?? []).toString());
    }
    for (const { offset, value } of acknowledged) expect(found.get(offset), `partition ${partition}`).toBe(value);
    expect([...found.values()]).toEqual(acknowledged.map(({ value }) => value));
  }
}

describe("kill -9 of the leader of three nodes", () => {
  it("loses nothing acknowledged, stores nothing twice, keeps the order, and the node comes back in sync", async () => {
    const nodes = await startCluster();
    await (nodes[0] as ClusterProcess).call("CreateTopic", { topic: "ledger", partitions, replicationFactor: 3 });
    const load = new Load(nodes, "ledger", partitions);
    await load.more(50);
    for (let kill = 0; kill < kills; kill++) {
      const victim = load.leaderOf(kill % partitions) ?? nodes[kill % nodes.length]!;
      await victim.kill();
      await load.more(50);
      victim.spawn();
      await victim.ready();
      await until(
        "all replicas are in sync again",
        async () => (await described(nodes, "ledger")).every(({ inSyncReplicas }) => inSyncReplicas.length === 3),
        60_000,
      );
      await load.more(20);
    }
    await load.stop();
    await expectAllOf(load, nodes, "ledger");
  }, 180_000);
});
