import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Placed, TestBroker, bytes, text, until } from "./testing/test-broker.ts";
import { TestCluster } from "./testing/test-cluster.ts";

/** What is not of the log store, and outlives the power cut as it is. */
const others = new Set(["raft", "lock", "meta.json"]);

/**
 * As after a power cut of all machines at once: each log store is what it was while it ran, under a kernel that is gone. What was only
 * handed to that kernel may be lost, and nobody can tell (J-13, B-4).
 */
async function everybodyLosesPower(cluster: TestCluster): Promise<void> {
  const images = await mkdtemp(join(tmpdir(), "varve-power-"));
  try {
    for (const { dataDir, broker } of cluster.nodes) {
      for (const name of await readdir(dataDir)) {
        if (!others.has(name))
          await cp(join(dataDir, name), join(images, `${broker.nodeId}`, name), { recursive: true });
      }
    }
    await Promise.all(cluster.nodes.map(({ broker }) => broker.close()));
    for (const { dataDir, broker } of cluster.nodes) {
      for (const name of await readdir(dataDir)) {
        if (!others.has(name)) await rm(join(dataDir, name), { recursive: true });
      }
      await cp(join(images, `${broker.nodeId}`), dataDir, { recursive: true });
      await rm(join(dataDir, "boot-id"));
    }
  } finally {
    await rm(images, { recursive: true, force: true });
  }
  await Promise.all(cluster.nodes.map((node) => node.restart()));
}

async function fill(node: TestBroker, topic: string, count: number): Promise<void> {
  for (let at = 0; at < count; at++) {
    await node.produce({ topic, partition: 0, acks: "all", records: [{ value: bytes(`${topic}-${at}`) }] });
  }
}

async function replay(node: TestBroker, topic: string): Promise<(string | null)[]> {
  const messages = await node.consumeAll({ topic, start: { kind: "earliest" }, end: { kind: "latest-at-start" } });
  return messages.flatMap(({ records }) => records.map(({ value }) => text(value)));
}

test("everybody loses power: who has most leads again without hands, marked; the others follow (6.11, W11)", async () => {
  await using cluster = await TestCluster.start(3);
  const [one] = cluster.nodes as [TestBroker];
  await one.call("CreateTopic", { topic: "os", partitions: 1, replicationFactor: 3, configs: { flush: "os" } });
  // With flush=sync nothing of it is in doubt: nobody is asked, and nothing is marked.
  await one.call("CreateTopic", { topic: "sync", partitions: 1, replicationFactor: 3 });
  await fill(one, "os", 20);
  await fill(one, "sync", 5);
  await everybodyLosesPower(cluster);
  for (const topic of ["os", "sync"]) {
    await until(`all replicas of "${topic}" are in sync again`, async () => {
      const [placed] = await one.placements(topic);
      return placed?.inSyncReplicas.length === 3 && placed.leader.nodeId > 0;
    });
  }
  for (const node of cluster.nodes) {
    expect(await replay(node, "os")).toEqual(Array.from({ length: 20 }, (_, at) => `os-${at}`));
    expect(await replay(node, "sync")).toEqual(Array.from({ length: 5 }, (_, at) => `sync-${at}`));
  }
  await fill(one, "os", 1);
  // It is counted, on whatever node one looks.
  for (const { broker } of cluster.nodes) {
    const counted = await broker.metrics.getSingleMetricAsString("varve_unclean_elections_total");
    expect(counted).toMatch(/^varve_unclean_elections_total 1$/m);
  }
}, 60_000);

test("a topic whose recovery is manual waits for an operator, who is told what an election would do (6.11)", async () => {
  await using cluster = await TestCluster.start(3);
  const [one, two] = cluster.nodes as [TestBroker, TestBroker];
  const configs = { flush: "os", "unclean.recovery.strategy": "manual" };
  await one.call("CreateTopic", { topic: "m", partitions: 1, replicationFactor: 3, configs });
  // Recovered without hands: when it is, the other one has had its chance.
  await one.call("CreateTopic", { topic: "b", partitions: 1, replicationFactor: 3, configs: { flush: "os" } });
  await fill(one, "m", 7);
  await fill(one, "b", 7);
  await everybodyLosesPower(cluster);
  await until("the other topic has a leader", async () => ((await two.placements("b"))[0]?.leader.nodeId ?? -1) > 0);
  expect((await two.placements("m"))[0]).toMatchObject({ leader: { nodeId: -1 }, inSyncReplicas: [] });
  const preferred = await two.call("ElectLeaders", { topic: "m", mode: "ELECTION_MODE_PREFERRED" });
  expect(preferred).toMatchObject({ partitions: [{ leader: { nodeId: -1 }, changed: false }] });
  const dry = { topic: "m", mode: "ELECTION_MODE_UNCLEAN", validateOnly: true };
  const planned = await two.call("ElectLeaders", dry);
  expect(planned).toMatchObject({ partitions: [{ partition: 0, changed: true, unclean: true }] });
  expect((await two.placements("m"))[0]).toMatchObject({ leader: { nodeId: -1 } });
  const elected = await two.call("ElectLeaders", { ...dry, validateOnly: false });
  expect(elected).toMatchObject({ partitions: [{ partition: 0, changed: true, unclean: true }] });
  const leaderOf = (answer: Record<string, unknown>): number =>
    (answer as { partitions: Placed[] }).partitions[0]?.leader.nodeId ?? -1;
  expect(leaderOf(elected)).toBe(leaderOf(planned));
  await until("all replicas are in sync again", async () => {
    const [placed] = await two.placements("m");
    return placed?.inSyncReplicas.length === 3;
  });
  expect(await replay(one, "m")).toEqual(Array.from({ length: 7 }, (_, at) => `m-${at}`));
  // There is nobody to elect any more.
  const again = await one.call("ElectLeaders", { ...dry, validateOnly: false });
  expect(again).toMatchObject({ partitions: [{ changed: false, unclean: false }] });
}, 60_000);

test("leaders go back to the preferred replicas on request, and to nobody who is not in sync (6.10)", async () => {
  await using cluster = await TestCluster.start(3, { cluster: { peers: [], balanceMs: 600_000 } });
  const [one] = cluster.nodes as [TestBroker];
  await one.call("CreateTopic", { topic: "t", partitions: 3, replicationFactor: 3 });
  const before = (await one.placements("t")).map(({ leader }) => leader.nodeId);
  expect(new Set(before)).toEqual(new Set([1, 2, 3]));
  const third = cluster.nodes[2] as TestBroker;
  await third.broker.close();
  await until("node 3 leads nothing", async () =>
    (await one.placements("t")).every(({ leader }) => leader.nodeId > 0 && leader.nodeId !== 3),
  );
  const tooEarly = (await one.call("ElectLeaders", { topic: "t" })) as { partitions: { changed: boolean }[] };
  expect(tooEarly.partitions.map(({ changed }) => changed)).toEqual([false, false, false]);
  await third.restart();
  await until("it is in sync again", async () =>
    (await one.placements("t")).every(({ inSyncReplicas }) => inSyncReplicas.length === 3),
  );
  // Of one partition alone, which is another one's: nothing.
  const other = before.findIndex((leader) => leader !== 3);
  await one.call("ElectLeaders", { topic: "t", partitions: [other] });
  expect((await one.placements("t"))[before.indexOf(3)]?.leader.nodeId).not.toBe(3);
  const elected = (await one.call("ElectLeaders", { topic: "t" })) as {
    partitions: (Placed & { changed: boolean; unclean: boolean })[];
  };
  expect(elected.partitions.map(({ leader }) => leader.nodeId)).toEqual(before);
  expect(elected.partitions.map(({ changed }) => changed)).toEqual(before.map((leader) => leader === 3));
  expect(elected.partitions.every(({ unclean }) => !unclean)).toBe(true);
}, 60_000);

test("what is no topic or partition is refused, and nobody is elected", async () => {
  await using node = await TestBroker.start();
  await node.createTopic("t");
  await expect(node.call("ElectLeaders", { topic: "nobody" })).rejects.toMatchObject({ reason: "UNKNOWN_TOPIC" });
  await expect(node.call("ElectLeaders", { topic: "t", partitions: [0, 7] })).rejects.toMatchObject({
    reason: "UNKNOWN_PARTITION",
  });
});
