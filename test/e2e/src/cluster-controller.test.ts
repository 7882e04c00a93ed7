// Three real nodes: the metadata survive whoever is in charge of them, and what is wrong is refused with what to do.

import { connect, type Client } from "@varve/client";
import { describe, expect, it } from "vitest";
import { afterThisTest, newDirectory, until } from "./clean-up.ts";
import { freePort } from "./free-port.ts";
import { VarveNode, varveOk } from "./varve-process.ts";

interface Cluster {
  readonly nodes: VarveNode[];
  readonly flagsOf: (nodeId: number) => string[];
}

const timers = ["--session-timeout", "1500ms", "--heartbeat-interval", "200ms", "--election-timeout", "500ms"];
const secret = "a secret of sixteen characters or more";

async function threeNodes(): Promise<Cluster> {
  const ports = [await freePort(), await freePort(), await freePort()];
  const peers = ports.map((port, at) => `${at + 1}@127.0.0.1:${port}`).join(",");
  const flagsOf = (nodeId: number): string[] => ["--node-id", String(nodeId), "--peers", peers, ...timers];
  const starting = ports.map(async (_, at) =>
    VarveNode.start({
      dataDir: await newDirectory(),
      flags: flagsOf(at + 1),
      env: { VARVE_CLUSTER_SECRET: secret },
    }),
  );
  return { nodes: await Promise.all(starting), flagsOf };
}

async function clientOf(node: VarveNode): Promise<Client> {
  const client = await connect({ address: node.address });
  afterThisTest(() => client.close());
  return client;
}

describe("a cluster of three processes", () => {
  it("goes on deciding, and forgets nothing, when the active controller is killed (kill -9), and takes it back", async () => {
    const { nodes, flagsOf } = await threeNodes();
    const clients = await Promise.all(nodes.map(clientOf));
    const [first] = clients;
    const { controllerId } = (await first?.admin.describeCluster()) ?? { controllerId: -1 };
    const victim = controllerId - 1;
    const survivors = clients.filter((_, at) => at !== victim);
    const done: string[] = [];
    let next = 0;
    const stopped = new AbortController();
    const asking = survivors.map(async (client, who) => {
      while (!stopped.signal.aborted) {
        const topic = `t-${who}-${next++}`;
        await client.admin.createTopic({ topic, partitions: 1, replicationFactor: 2 }).then(
          () => done.push(topic),
          // Not acknowledged: it may be there or not.
          () => undefined,
        );
      }
    });
    await until("topics are made", () => done.length >= 5);
    await nodes[victim]?.kill();
    const atKill = done.length;
    await until("topics are made by the next controller", () => done.length >= atKill + 5);
    stopped.abort();
    await Promise.all(asking);
    for (const client of survivors) {
      const known = new Set((await client.admin.listTopics()).map(({ topic }) => topic));
      expect(done.filter((topic) => !known.has(topic))).toEqual([]);
      const { brokers, controllerId: now } = await client.admin.describeCluster();
      expect(now).not.toBe(controllerId);
      expect(brokers.find(({ nodeId }) => nodeId === controllerId)?.state).toBe("BROKER_STATE_FENCED");
    }
    const back = await VarveNode.start({
      dataDir: nodes[victim]?.dataDir ?? "",
      flags: flagsOf(controllerId),
      env: { VARVE_CLUSTER_SECRET: secret },
    });
    const known = new Set((await (await clientOf(back)).admin.listTopics()).map(({ topic }) => topic));
    expect(done.filter((topic) => !known.has(topic))).toEqual([]);
    const status = (await varveOk(["cluster", "status"], { address: back.address })).toString();
    expect(status).toMatch(/^Cluster [0-9a-f]{32}: node [123] decides; node [123] answers/);
    for (const { address } of [...nodes.filter((_, at) => at !== victim), back]) expect(status).toContain(address);
    expect(status.match(/ (active|standby) /g)).toHaveLength(6);
    const alreadyIs = await varveOk(["cluster", "replace", "2", "--yes"], { address: back.address });
    expect(alreadyIs.toString()).toContain("already");
  });

  it("fences a node that is silent for a session (SIGSTOP), lets it in again when it speaks, and stops in order", async () => {
    const { nodes } = await threeNodes();
    const client = await clientOf(nodes[0] as VarveNode);
    const { controllerId } = await client.admin.describeCluster();
    // Neither the one that is asked nor the one that decides.
    const silent = [3, 2].find((nodeId) => nodeId !== controllerId) ?? 2;
    const stateOf = async (): Promise<string | undefined> => {
      const { brokers } = await client.admin.describeCluster();
      return brokers.find(({ nodeId }) => nodeId === silent)?.state;
    };
    expect(await stateOf()).toBe("BROKER_STATE_ACTIVE");
    nodes[silent - 1]?.signal("SIGSTOP");
    await until("it is fenced", async () => (await stateOf()) === "BROKER_STATE_FENCED");
    nodes[silent - 1]?.signal("SIGCONT");
    await until("it is let in again", async () => (await stateOf()) === "BROKER_STATE_ACTIVE");
    // In order one after the other, also the last one alone (B-7).
    for (const node of nodes) expect(await node.stop()).toBe(0);
  });
});
