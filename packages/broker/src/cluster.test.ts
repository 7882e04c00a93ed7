import { rm } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestCluster } from "./testing/test-cluster.ts";
import { TestBroker, bytes, text, until } from "./testing/test-broker.ts";

/** One for all tests: each has topics of its own, and leaves three nodes that serve. */
let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.start(3);
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

test("three fresh nodes form one cluster by themselves, and any of them takes commands (M9, C-1)", async () => {
  const described = await Promise.all(cluster.nodes.map((node) => node.call("DescribeCluster", {})));
  expect(new Set(described.map(({ clusterId }) => clusterId)).size).toBe(1);
  await cluster.controller();
  for (const [at, node] of cluster.nodes.entries()) {
    const topic = `made-by-${at + 1}`;
    await node.call("CreateTopic", { topic, partitions: 3, replicationFactor: 3 });
    // Whoever made it knows of it at once.
    const { topic: described } = await node.call("DescribeTopic", { topic });
    expect(described).toMatchObject({ topic, replicationFactor: 3 });
  }
  for (const node of cluster.nodes) {
    await until("all nodes know all topics", async () => {
      const { topics } = await node.call("ListTopics", { prefix: "made-by-" });
      return (topics as unknown[]).length === 3;
    });
  }
});

test("a topic of three replicas takes records with acks=all through its leader", async () => {
  const node = cluster.nodes[0] as TestBroker;
  await node.call("CreateTopic", { topic: "all", partitions: 1, replicationFactor: 3 });
  const { topic } = (await node.call("DescribeTopic", { topic: "all" })) as {
    topic: { partitions: { leader: { nodeId: number } }[] };
  };
  const leader = cluster.nodes.find(({ broker }) => broker.nodeId === topic.partitions[0]?.leader.nodeId) as TestBroker;
  await until("the leader leads", async () => {
    const { partitions } = await leader.call("DescribePartitions", { topic: "all" });
    return (partitions as { state: string }[])[0]?.state === "PARTITION_STATE_ONLINE";
  });
  const produced = await leader.produce({ topic: "all", partition: 0, records: [{ value: bytes("v") }] });
  expect(produced.results).toMatchObject([{ baseOffset: 0, ack: { level: "all", durableReplicas: 3 } }]);
  // A follower takes no records of clients; that is no fault of the partition.
  for (const any of cluster.nodes) {
    const { partitions } = await any.call("DescribePartitions", { topic: "all" });
    expect(partitions).toMatchObject([{ state: "PARTITION_STATE_ONLINE", stateDetail: "" }]);
  }
});

test("any node takes and gives records of partitions that others lead; the answer says who does", async () => {
  const one = cluster.nodes[0] as TestBroker;
  await one.call("CreateTopic", { topic: "any", partitions: 6, replicationFactor: 2 });
  const led = new Set<number>();
  for (const node of cluster.nodes) {
    await until("the topic is known", async () => {
      const { topics } = await node.call("ListTopics", { prefix: "any" });
      return (topics as unknown[]).length === 1;
    });
  }
  for (let partition = 0; partition < 6; partition++) {
    for (const [at, node] of cluster.nodes.entries()) {
      const records = [{ value: bytes(`${partition}-${at}`) }];
      const { results } = await node.produce({ topic: "any", partition, records });
      expect(results).toMatchObject([{ partition, baseOffset: at, ack: { level: "all", durableReplicas: 2 } }]);
      led.add(results[0]?.leader?.nodeId ?? -1);
      const fetched = await node.fetch({ topic: "any", partition, start: { kind: "offset", offset: at } });
      expect(text(fetched.records[0]?.value ?? null)).toBe(`${partition}-${at}`);
    }
  }
  expect(led).toEqual(new Set([1, 2, 3]));
  for (const node of cluster.nodes) {
    const { partitions } = await node.listOffsets({ topic: "any", position: { latest: true } });
    expect(partitions.map(({ partition, offset }) => [partition, offset])).toEqual(
      [0, 1, 2, 3, 4, 5].map((partition) => [partition, 3]),
    );
  }
  for (const node of cluster.nodes) {
    const messages = await node.consumeAll({
      topic: "any",
      start: { kind: "earliest" },
      end: { kind: "latest-at-start" },
    });
    const read = messages.flatMap(({ records }) => records);
    expect(read).toHaveLength(18);
    for (let partition = 0; partition < 6; partition++) {
      const values = read.filter((record) => record.partition === partition).map(({ value }) => text(value));
      expect(values).toEqual([0, 1, 2].map((at) => `${partition}-${at}`));
    }
  }
});

test("a leader knows how many records each replica lacks, and every node says so", async () => {
  const [one, two, three] = cluster.nodes as [TestBroker, TestBroker, TestBroker];
  await one.call("CreateTopic", { topic: "lags", replicationFactor: 3 });
  const lags = async (node: TestBroker): Promise<Record<number, number>> => {
    const { partitions } = (await node.call("DescribePartitions", { topic: "lags" })) as {
      partitions: { replicas: number[]; replicaLags: number[] }[];
    };
    const { replicas = [], replicaLags = [] } = partitions[0] ?? {};
    return Object.fromEntries(replicas.map((id, at) => [id, replicaLags[at] ?? Number.NaN]));
  };
  const records = (count: number): { value: Uint8Array }[] =>
    Array.from({ length: count }, () => ({ value: bytes("v") }));
  await one.produce({ topic: "lags", partition: 0, records: records(4) });
  for (const node of cluster.nodes) {
    await until("nobody lacks any", async () => JSON.stringify(await lags(node)) === '{"1":0,"2":0,"3":0}');
  }
  await three.broker.close();
  await until("another leads", async () => ((await one.placements("lags"))[0]?.leader.nodeId ?? 3) !== 3);
  await one.produce({ topic: "lags", partition: 0, records: records(5) });
  await until("two have it", async () => Object.values(await lags(two)).filter((lag) => lag === 0).length === 2);
  // What has not fetched since the leader began is not known.
  expect([5, -1]).toContain((await lags(two))[3]);
  await three.restart();
});

test("when the active controller stops, another one takes over, and commands go on", async () => {
  const first = await cluster.controller();
  const others = cluster.nodes.filter((node) => node !== first);
  const one = others[0] as TestBroker;
  await one.call("CreateTopic", { topic: "change-1", replicationFactor: 3 });
  await first.broker.close();
  await cluster.controller(others);
  await one.call("CreateTopic", { topic: "change-2", replicationFactor: 2 });
  await until("the stopped broker is fenced", async () => {
    const { brokers } = (await one.call("DescribeCluster", {})) as { brokers: { nodeId: number; state: string }[] };
    return brokers.some(({ nodeId, state }) => nodeId === first.broker.nodeId && state === "BROKER_STATE_FENCED");
  });
  await first.restart();
  const { topics } = await first.call("ListTopics", { prefix: "change-" });
  expect(topics).toMatchObject([{ topic: "change-1" }, { topic: "change-2" }]);
});

test("a node whose disk is lost comes back with an empty one, by one command, and fills up again (M11)", async () => {
  const [one, , third] = cluster.nodes as [TestBroker, TestBroker, TestBroker];
  await one.call("CreateTopic", { topic: "lost", partitions: 3, replicationFactor: 3 });
  const controllersBefore = ((await one.call("DescribeCluster", {})) as { controllers: { directoryId: string }[] })
    .controllers;
  await third.broker.close();
  await rm(third.dataDir, { recursive: true });
  const back = TestBroker.start({ ...cluster.optionsOf(3) });
  await cluster.controller([one, cluster.nodes[1] as TestBroker]);
  let replaced: Record<string, unknown> = {};
  await until("the command goes through", async () => {
    // Until the fresh node answers at its address there is nobody to take in.
    replaced = await one.call("ReplaceController", { nodeId: 3 }).catch(() => ({}));
    return "newDirectoryId" in replaced;
  });
  cluster.nodes[2] = await back;
  expect(replaced).toMatchObject({ oldDirectoryId: controllersBefore[2]?.directoryId });
  const { controllers, brokers } = (await one.call("DescribeCluster", {})) as {
    controllers: { nodeId: number; directoryId: string; voter: boolean }[];
    brokers: { nodeId: number; state: string }[];
  };
  expect(controllers.map(({ nodeId, voter }) => [nodeId, voter])).toEqual([
    [1, true],
    [2, true],
    [3, true],
  ]);
  expect(controllers[2]?.directoryId).toBe(replaced["newDirectoryId"]);
  expect(brokers.every(({ state }) => state === "BROKER_STATE_ACTIVE")).toBe(true);
  // Asked again it is done already.
  expect(await one.call("ReplaceController", { nodeId: 3 })).toMatchObject({ oldDirectoryId: "" });
  await until("its replicas are in sync again", async () => {
    const { topic } = (await one.call("DescribeTopic", { topic: "lost" })) as {
      topic: { partitions: { inSyncReplicas: number[] }[] };
    };
    return topic.partitions.every(({ inSyncReplicas }) => inSyncReplicas.length === 3);
  });
}, 60_000);
