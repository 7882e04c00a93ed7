// Groups on three nodes: any node answers, and a coordinator that dies takes no committed offset with it.
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestBroker, bytes, until } from "./testing/test-broker.ts";
import { TestCluster } from "./testing/test-cluster.ts";
import { TestMember } from "./testing/test-member.ts";

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await TestCluster.start(3, { groups: { partitions: 3 } });
}, 60_000);
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

const at = (topic: string, partition: number, offset: number) => ({
  topic,
  partition,
  offset,
  leaderEpoch: -1,
  metadata: "",
});

/** The node that keeps the group, and those that do not. */
async function nodesOf(group: string): Promise<{ coordinator: TestBroker; others: TestBroker[] }> {
  const [asked] = cluster.nodes;
  if (asked === undefined) throw new Error("There are no nodes");
  const { coordinator } = await asked.group("DescribeGroup", { group });
  const isIt = ({ broker }: TestBroker): boolean => broker.nodeId === coordinator?.nodeId;
  const found = cluster.nodes.find(isIt);
  if (found === undefined) throw new Error(`No node is the coordinator ${coordinator?.nodeId}`);
  return { coordinator: found, others: cluster.nodes.filter((node) => !isIt(node)) };
}

test("members join through any node, and every node knows the same", { timeout: 60_000 }, async () => {
  const [first] = cluster.nodes as [TestBroker];
  await first.createTopic("t", { partitions: 6 });
  for (let partition = 0; partition < 6; partition++) {
    await first.produce({ topic: "t", partition, records: [{ value: bytes("v") }] });
  }
  const subscription = { group: "everywhere", topics: ["t"], start: { earliest: true } };
  const members = await Promise.all(cluster.nodes.map((node) => TestMember.join(node, subscription)));
  await until("everybody has two", () => members.every(({ held }) => held.size === 2));
  expect(new Set(members.flatMap(({ held }) => [...held.keys()])).size).toBe(6);
  for (const member of members) {
    const [mine] = member.held.keys();
    const result = await member.commit([at("t", Number(mine?.split("/")[1]), 1)]);
    expect(result).toMatchObject({ error: null, offsets: [{ offset: 1, error: null }] });
  }
  const { others } = await nodesOf("everywhere");
  for (const node of [...others, first]) {
    const { offsets } = await node.group("FetchOffsets", { group: "everywhere", partitions: [] });
    expect(offsets.map(({ offset }) => offset).sort((a, b) => a - b)).toEqual([0, 0, 0, 1, 1, 1]);
    const { groups, errors } = await node.group("ListGroups", {});
    expect({ groups, errors }).toEqual({
      groups: [{ group: "everywhere", state: "GROUP_STATE_STABLE", memberCount: 3 }],
      errors: [],
    });
  }
  await Promise.all(members.map((member) => member.leave()));
});

test("reset, fork and rate are in effect whichever node is asked", { timeout: 60_000 }, async () => {
  const [first, second, third] = cluster.nodes as [TestBroker, TestBroker, TestBroker];
  await first.createTopic("asked", { partitions: 3 });
  for (let partition = 0; partition < 3; partition++) {
    for (let at = 0; at < 4; at++) await first.produce({ topic: "asked", partition, records: [{ value: bytes("v") }] });
  }
  const members = await Promise.all(
    cluster.nodes.map((node) => TestMember.join(node, { group: "asks", topics: ["asked"], start: { latest: true } })),
  );
  await until("everybody has one", () => members.every(({ held }) => held.size === 1));
  const { moves } = await second.group("ResetOffsets", { group: "asks", position: { earliest: true } });
  expect(moves.map(({ fromOffset, toOffset, seenAgain }) => [fromOffset, toOffset, seenAgain])).toEqual([
    [4, 0, 4],
    [4, 0, 4],
    [4, 0, 4],
  ]);
  await until("everybody is moved", () =>
    members.every(({ held }) => [...held.values()].every((offset) => offset === 0)),
  );
  const forked = await third.group("ForkGroup", {
    group: "asks",
    newGroup: "asks-again",
    end: { latestAtStart: true },
  });
  expect(forked.partitions.map(({ offset, endOffset }) => [offset, endOffset])).toEqual([
    [0, 4],
    [0, 4],
    [0, 4],
  ]);
  await second.group("ConfigureGroup", { group: "asks", rate: { bytesPerSecond: 1 } });
  const read = (node: TestBroker) =>
    node.fetch({ topic: "asked", partition: 0, start: { kind: "earliest" }, format: "records", group: "asks" });
  await until("the leader knows the rate", async () => (await read(first)).records.length === 0);
  // Through each of them it is the leader that holds back.
  for (const node of cluster.nodes) expect((await read(node)).records).toHaveLength(0);
  for (const node of cluster.nodes) {
    await until("every node knows the rate", async () => {
      const { rate } = await node.group("DescribeGroup", { group: "asks" });
      return rate?.bytesPerSecond === 1;
    });
  }
  await Promise.all(members.map((member) => member.leave()));
});

test("a session that is cut off at the node that passes it on ends at the coordinator too", async () => {
  const [first] = cluster.nodes as [TestBroker];
  const { coordinator, others } = await nodesOf("everywhere");
  const [near] = others as [TestBroker];
  const sessions = async (): Promise<number> =>
    Number(/^varve_group_sessions (\d+)$/m.exec(await coordinator.broker.metrics.metrics())?.[1]);
  await until("nobody is there", async () => (await sessions()) === 0);
  // Without heartbeats its connection is its sign of life.
  const member = await TestMember.join(near, { group: "everywhere", topics: ["t"], start: { earliest: true } }, 6);
  expect(await sessions()).toBe(1);
  const metadata = "x".repeat(4_000);
  const offsets = Array.from({ length: 200 }, () => ({ ...at("t", 0, 1), metadata }));
  member.say({ commit: { requestId: 1, generation: member.generation, offsets } });
  await until("the session has ended", () => member.ended !== undefined);
  expect(member.ended?.error).toMatchObject({ reason: "INVALID_REQUEST" });
  await until("it has ended there", async () => (await sessions()) === 0);
  const again = await TestMember.join(first, { group: "everywhere", topics: ["t"], memberId: member.memberId }, 6);
  await again.leave();
});

test(
  "a coordinator that goes takes no committed offset with it, and a zombie's commit is refused (O-1, O-3)",
  { timeout: 90_000 },
  async () => {
    const [first] = cluster.nodes as [TestBroker];
    await first.createTopic("moving", { partitions: 2 });
    const group = "moves";
    await first.group("CommitOffsets", { group, offsets: [at("moving", 0, 0)] });
    const { coordinator, others } = await nodesOf(group);
    const [near] = others as [TestBroker];
    const subscription = { group, topics: ["moving"], start: { earliest: true } };
    const member = await TestMember.join(near, subscription, 2);
    let acknowledged = 0;
    let isStopping = false;
    const endMs = performance.now() + 60_000;
    const committing = (async () => {
      while (member.ended === undefined) {
        if (performance.now() > endMs)
          throw new Error("Waited 60 s in vain for the session of a coordinator that goes to end");
        const { offsets, error } = await member.commit([at("moving", 0, acknowledged + 1)]).catch(() => ({
          offsets: [],
          error: { reason: "LOST" },
        }));
        if (offsets[0]?.error === null) acknowledged++;
        else if (error !== null) break;
        if (acknowledged === 20 && !isStopping) {
          isStopping = true;
          void coordinator.broker.close();
        }
      }
    })();
    await committing;
    await until("the session has ended", () => member.ended !== undefined);
    expect(member.ended?.error).toMatchObject({ retriable: true });
    expect(acknowledged).toBeGreaterThanOrEqual(20);
    const owned = [0, 1].map((partition) => ({ topic: "moving", partition }));
    let again: TestMember | undefined;
    await until("it is back in its group", async () => {
      try {
        again = await TestMember.join(near, { ...subscription, memberId: member.memberId, owned }, 2);
        return true;
      } catch {
        return false;
      }
    });
    expect(again?.memberId).toBe(member.memberId);
    const committed = again?.held.get("moving/0") ?? -1;
    // What was on its way when the coordinator went may have landed.
    expect(committed - acknowledged).toBeGreaterThanOrEqual(0);
    expect(committed - acknowledged).toBeLessThanOrEqual(1);
    const zombie = await again?.commit([at("moving", 0, 0)], 0);
    expect(zombie?.error?.reason).toBe("STALE_MEMBER_EPOCH");
    await coordinator.restart();
  },
);
