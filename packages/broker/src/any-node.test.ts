import { Metadata } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestBroker, bytes, until } from "./testing/test-broker.ts";
import { TestCluster } from "./testing/test-cluster.ts";

/** Led by all three of them, and every node is without a replica of some. */
const partitions = [0, 1, 2, 3, 4, 5];
const records = 3;

let cluster: TestCluster;
/** Of each partition. */
let leaders: number[];

beforeAll(async () => {
  cluster = await TestCluster.start(3);
  const one = cluster.nodes[0] as TestBroker;
  await one.call("CreateTopic", { topic: "t", partitions: partitions.length, replicationFactor: 2 });
  for (const node of cluster.nodes) {
    await until("the topic is known", async () => {
      const { topics } = await node.call("ListTopics", {});
      return (topics as unknown[]).length === 1;
    });
  }
  for (const partition of partitions) {
    const values = Array.from({ length: records }, (_, at) => ({ value: bytes(`${partition}-${at}`) }));
    await one.produce({ topic: "t", partition, records: values });
  }
  const { topic } = (await one.call("DescribeTopic", { topic: "t" })) as {
    topic: { partitions: { leader: { nodeId: number } }[] };
  };
  leaders = topic.partitions.map(({ leader }) => leader.nodeId);
  expect(new Set(leaders)).toEqual(new Set([1, 2, 3]));
}, 60_000);

afterAll(() => cluster[Symbol.asyncDispose]());

const forwarded = async (node: TestBroker, call: string): Promise<number> => {
  const text = await node.broker.metrics.getSingleMetricAsString("varve_forwarded_calls_total");
  return Number(new RegExp(`call="${call}"\\} (\\d+)`).exec(text)?.[1]);
};

test("any node tells where an epoch ended, and who leads", async () => {
  for (const node of cluster.nodes) {
    const asked = partitions.map((partition) => ({ partition, leaderEpoch: 1_000 }));
    const { partitions: ends } = await node.epochEnd({ topic: "t", partitions: asked });
    expect(ends.map(({ partition, endOffset, error }) => [partition, endOffset, error])).toEqual(
      partitions.map((partition) => [partition, records, null]),
    );
    expect(ends.map(({ leader }) => leader?.nodeId)).toEqual(leaders);
    expect(ends.every(({ leaderEpoch }) => leaderEpoch >= 0)).toBe(true);
    // Each of the two other leaders was asked once.
    expect(await forwarded(node, "EpochEnd")).toBe(2);
  }
});

test("any node refuses an epoch that the leader does not know, as the leader does", async () => {
  for (const node of cluster.nodes) {
    const { partitions: ends } = await node.epochEnd({
      topic: "t",
      partitions: [...partitions, 6].map((partition) => ({ partition, leaderEpoch: 0, currentLeaderEpoch: 1_000 })),
    });
    expect(ends.map(({ error }) => error?.reason)).toEqual([
      ...partitions.map(() => "UNKNOWN_LEADER_EPOCH"),
      "UNKNOWN_PARTITION",
    ]);
  }
});

test("any node tells offsets and sizes of all partitions, as their leaders have them, in the order asked for", async () => {
  const wanted = [5, 0, 3, 3, 1];
  for (const node of cluster.nodes) {
    const { partitions: described } = await node.call("DescribePartitions", { topic: "t", partitions: wanted });
    expect(described).toMatchObject(
      wanted.map((partition) => ({
        partition,
        state: "PARTITION_STATE_ONLINE",
        leader: { nodeId: leaders[partition] },
        highWatermark: records,
        logEndOffset: records,
        countedOffset: records,
        error: null,
      })),
    );
    const sizes = (described as { sizeBytes: number }[]).map(({ sizeBytes }) => sizeBytes);
    expect(sizes.every((size) => size > 0)).toBe(true);
  }
});

test("any node lists offsets with the leader's hint", async () => {
  for (const node of cluster.nodes) {
    const { partitions: offsets } = await node.listOffsets({ topic: "t", position: { latest: true } });
    expect(offsets.map(({ offset, leader }) => [offset, leader?.nodeId])).toEqual(
      leaders.map((leader) => [records, leader]),
    );
  }
});

test("any node has records deleted by their leaders; followers learn the new start", async () => {
  for (const [at, node] of cluster.nodes.entries()) {
    const before = { offset: at + 1 };
    const { partitions: deleted } = await node.call("DeleteRecords", {
      topic: "t",
      partitions: partitions.map((partition) => ({ partition, before })),
    });
    expect(deleted).toMatchObject(
      partitions.map((partition) => ({
        partition,
        logStartOffset: at + 1,
        error: null,
        leader: { nodeId: leaders[partition] },
      })),
    );
  }
  const { partitions: offsets } = await (cluster.nodes[1] as TestBroker).listOffsets({
    topic: "t",
    position: { earliest: true },
  });
  expect(offsets.map(({ offset }) => offset)).toEqual(partitions.map(() => 3));
});

test("any node asks the leader what would be lost, and gives its answer", async () => {
  for (const node of cluster.nodes) {
    for (const partition of partitions) {
      const refused = await node.call("AcceptLoss", { topic: "t", partition, validateOnly: true }).catch(String);
      expect(refused).toContain("it is not quarantined");
    }
  }
});

test("a Fetch waits at the leader through any node, however long it may, and counts as one that waits there and here", async () => {
  const partition = leaders.indexOf(1);
  const [leader, asked] = cluster.nodes as [TestBroker, TestBroker];
  const parked = (): number[] => [leader, asked].map(({ broker }) => broker.stats().fetch.parked);
  const request = { topic: "t", partition, start: { kind: "latest" }, maxWaitMs: 2 ** 32 - 1 } as const;
  const waiting = asked.fetch(request);
  await until("both count it", () => parked().every((count) => count === 1));
  await asked.produce({ topic: "t", partition, records: [{ value: bytes("at last") }] });
  expect((await waiting).records).toHaveLength(1);
  const call = asked.log.Fetch(request, new Metadata(), {}, () => undefined);
  await until("both count it", () => parked().every((count) => count === 1));
  call.cancel();
  await until("nobody waits", () => parked().every((count) => count === 0));
});

test("after a node has gone the others answer for what it led", async () => {
  const one = cluster.nodes[0] as TestBroker;
  const partition = leaders.indexOf(3);
  await cluster.nodes[2]?.broker.close();
  await until("another node leads and answers", async () => {
    const { partitions: described } = (await one.call("DescribePartitions", {
      topic: "t",
      partitions: [partition],
    })) as {
      partitions: { state: string; leader: { nodeId: number }; error: unknown }[];
    };
    const [status] = described;
    return status?.error === null && status.leader.nodeId !== 3 && status.state === "PARTITION_STATE_ONLINE";
  });
});
