import { nodeFileSystem } from "@varve/log";
import { expect, test } from "vitest";
import { type Placed, type TestBroker, bytes, until } from "./testing/test-broker.ts";
import { TestCluster } from "./testing/test-cluster.ts";
import { troubledFileSystem } from "./testing/troubled-file-system.ts";

async function placement(node: TestBroker): Promise<Placed | undefined> {
  return (await node.placements("t"))[0];
}

test("a node whose disk hangs gives up what it leads though it answers, and comes back with its disk (B-10)", async () => {
  await using cluster = await TestCluster.start(3);
  const [one] = cluster.nodes as [TestBroker];
  await one.call("CreateTopic", { topic: "t", partitions: 1, replicationFactor: 3 });
  const leader = (await placement(one))?.leader.nodeId ?? -1;
  const gray = cluster.nodes[leader - 1] as TestBroker;
  const healthy = cluster.nodes.find((node) => node !== gray) as TestBroker;
  const { fs, troubles } = troubledFileSystem(nodeFileSystem());
  await gray.restart({ ...cluster.optionsOf(leader), fs });
  await until("all are in sync", async () => (await placement(healthy))?.inSyncReplicas.length === 3);
  await healthy.call("ElectLeaders", { topic: "t" });
  expect((await placement(healthy))?.leader.nodeId).toBe(leader);

  let release: () => void = () => undefined;
  troubles.holdSync = { on: /./, until: new Promise((resolve) => (release = resolve)) };
  const hanging = gray.produce({ topic: "t", partition: 0, records: [{ value: bytes("lost in a hanging disk") }] });
  const outcome = hanging.then(
    () => "acknowledged",
    (error: { reason?: string }) => error.reason,
  );
  try {
    await until("another node leads", async () => {
      const placed = await placement(healthy);
      return placed !== undefined && placed.leader.nodeId > 0 && placed.leader.nodeId !== leader;
    });
    const ready = await fetch(`http://${gray.broker.addresses.http}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining("its disk has not answered")]);
    expect(await outcome).toBe("NOT_LEADER");
    const { results } = await healthy.produce({ topic: "t", partition: 0, records: [{ value: bytes("goes on") }] });
    expect(results).toMatchObject([{ ack: { level: "all" } }]);
  } finally {
    troubles.holdSync = undefined;
    release();
  }
  await until("it is in sync again", async () => (await placement(healthy))?.inSyncReplicas.length === 3);
  expect((await fetch(`http://${gray.broker.addresses.http}/readyz`)).status).toBe(200);
}, 60_000);
