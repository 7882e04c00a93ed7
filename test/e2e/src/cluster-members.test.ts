// `varve serve` as operators run it: three controllers and a broker that is none, and three machines that lose power at once.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { connect, type Client } from "@varve/client";
import { describe, expect, it } from "vitest";
import { afterThisTest, newDirectory, until } from "./clean-up.ts";
import { freePort } from "./free-port.ts";
import { VarveNode, varve, varveOk } from "./varve-process.ts";

const secret = { VARVE_CLUSTER_SECRET: "known to all nodes of this test" };
const times = [
  "--election-timeout",
  "500ms",
  "--heartbeat-interval",
  "200ms",
  "--session-timeout",
  "2s",
  "--allow-tmpfs",
];

interface Plan {
  readonly dataDir: string;
  readonly address: string;
  readonly flags: readonly string[];
}

async function planThree(): Promise<{ readonly peers: string; readonly plans: Plan[] }> {
  const ids = [1, 2, 3];
  const ports: number[] = [];
  for (const _ of ids) ports.push(await freePort());
  const peers = ids.map((id, at) => `${id}@127.0.0.1:${ports[at]}`).join(",");
  const plans: Plan[] = [];
  for (const id of ids) {
    const flags = ["--node-id", String(id), "--peers", peers, ...times];
    plans.push({ dataDir: await newDirectory(), address: `127.0.0.1:${await freePort()}`, flags });
  }
  return { peers, plans };
}

const start = (plan: Plan): Promise<VarveNode> => VarveNode.start({ ...plan, env: secret });

async function clientOf({ address }: VarveNode): Promise<Client> {
  const client = await connect({ address });
  afterThisTest(() => client.close());
  return client;
}

async function allInSync(topic: string, replicas: number, { admin }: Client): Promise<boolean> {
  const { partitions } = await admin.describeTopic({ topic });
  return partitions.every(
    ({ inSyncReplicas, leader }) => inSyncReplicas.length === replicas && (leader?.nodeId ?? -1) > 0,
  );
}

async function nodeState(nodeId: number, { admin }: Client): Promise<string | undefined> {
  const { brokers } = await admin.describeCluster();
  return brokers.find((broker) => broker.nodeId === nodeId)?.state;
}

describe("varve serve --roles broker", () => {
  it("joins three controllers, keeps replicas, survives kill -9, and is told what it cannot be", async () => {
    const { peers, plans } = await planThree();
    const three = await Promise.all(plans.map(start));
    const [one] = three as [VarveNode];
    const flags = ["--node-id", "4", "--roles", "broker", "--peers", peers, "--peer", `127.0.0.1:${await freePort()}`];
    const plan = {
      dataDir: await newDirectory(),
      address: `127.0.0.1:${await freePort()}`,
      flags: [...flags, ...times],
    };
    const fourth = await start(plan);
    await varveOk(["topic", "create", "four", "--partitions", "4", "--replication-factor", "4"], {
      address: one.address,
    });
    const lines = Array.from({ length: 40 }, (_, at) => `key-${at}:value-${at}`);
    const input = Buffer.from(`${lines.join("\n")}\n`);
    await varveOk(["produce", "four", "--key-delimiter", ":"], { address: fourth.address, input });
    const client = await clientOf(one);
    await until("all four have everything", () => allInSync("four", 4, client));
    await fourth.kill();
    await until("node 4 is fenced", async () => (await nodeState(4, client)) === "BROKER_STATE_FENCED");
    const consumed = await varveOk(["consume", "four"], { address: one.address });
    expect(consumed.toString().trim().split("\n").sort()).toEqual(lines.map((line) => line.replace(/^.*:/, "")).sort());
    const back = await start(plan);
    await until("all four have everything again", () => allInSync("four", 4, client));
    // Its directory votes for nothing, and cannot be made to.
    await back.kill();
    const asController = await varve(
      ["serve", "--data-dir", plan.dataDir, "--node-id", "4", "--peers", peers, "--http", "off", ...times],
      { env: secret },
    );
    expect([asController.code, asController.stderr]).toEqual([
      expect.any(Number),
      expect.stringContaining("Cannot start"),
    ]);
    expect(asController.code).not.toBe(0);
  }, 120_000);
});

describe("a power cut of all machines", () => {
  it("leaves topics with flush=os leaders that have most, without hands (6.11, W11)", async () => {
    const { plans } = await planThree();
    const nodes = await Promise.all(plans.map(start));
    const [{ address }] = nodes as [VarveNode];
    await varveOk(["topic", "create", "os", "--partitions", "2", "--replication-factor", "3", "--config", "flush=os"], {
      address,
    });
    const lines = Array.from({ length: 50 }, (_, at) => `value-${at}`);
    await varveOk(["produce", "os"], { address, input: Buffer.from(`${lines.join("\n")}\n`) });
    for (const node of nodes) await node.kill();
    // Another kernel, as far as the nodes can tell: what was only handed to the one before may be gone.
    for (const { dataDir } of plans) await rm(join(dataDir, "boot-id"));
    const again = await Promise.all(plans.map(start));
    const client = await clientOf(again[0] as VarveNode);
    await until("all replicas are in sync again", () => allInSync("os", 3, client), 60_000);
    const consumed = await varveOk(["consume", "os"], { address });
    expect(consumed.toString().trim().split("\n").sort()).toEqual([...lines].sort());
    expect(again.some(({ output }) => output.includes("who has most of a partition leads it now"))).toBe(true);
  }, 120_000);
});
