import { FileSystemError } from "@varve/log";
import { expect, it } from "vitest";
import { type ReplicaNode, ReplicaWorld } from "../testing/replica-world.ts";

/** Three brokers with topic "t", and disks that make no directory for another partition before `go` is called. */
async function whilePartitionsAreMade(seed: number) {
  const world = new ReplicaWorld(seed);
  for (const node of world.nodes) await node.start();
  const topicId = await world.createTopic("t", { "min.insync.replicas": "2" });
  const leader = world.node(world.placement(topicId).leader);
  await world.time.result(world.produce(leader, topicId), "an acknowledgement");
  let go = (): void => {};
  const room = new Promise<void>((resolve) => (go = resolve));
  const waiting = new Set<ReplicaNode>();
  for (const node of world.nodes) {
    const { store } = node;
    if (store === undefined) continue;
    const create = store.create.bind(store);
    store.create = async (id, config) => {
      waiting.add(node);
      await room;
      return create(id, config);
    };
  }
  const areWaiting = (): Promise<void> => world.time.until(() => waiting.size === 3, "the creation to begin");
  return { world, topicId, leader, areWaiting, go };
}

const partitionOf = (node: ReplicaNode, topicId: string, partition = 0) => node.topics?.partition(topicId, partition);

it("a failover does not wait for topics that an earlier image asks for", async () => {
  const { world, topicId, leader, areWaiting, go } = await whilePartitionsAreMade(1);
  const made = world.command({ kind: "createTopic", name: "u", partitions: 100, replicationFactor: 3, configs: {} });
  const other = made.kind === "done" ? made.reply.topicId : "";
  await areWaiting();
  leader.crash("kill");
  leader.fence();
  const next = world.node(world.placement(topicId).leader);
  await world.time.until(() => partitionOf(next, topicId)?.leading !== undefined, "the next leader to begin");
  expect((await world.time.result(world.produce(next, topicId), "an answer")).refusal).toBeUndefined();
  expect(partitionOf(next, other)).toBeUndefined();
  go();
  await world.time.until(() => partitionOf(next, other, 99) !== undefined, "the new topic");
  // What was created of the older image is of the newest now.
  await world.time.until(
    () => partitionOf(next, other, 99)?.placement?.partitionEpoch === world.placement(other, 99).partitionEpoch,
    "the new topic to be as the metadata have it",
  );
});

it("what is done of an earlier image does not take a newer role back", async () => {
  const { world, topicId, leader, areWaiting, go } = await whilePartitionsAreMade(2);
  world.command({ kind: "addPartitions", topic: "t", partitions: 40 });
  await areWaiting();
  leader.crash("kill");
  leader.fence();
  const { leaderEpoch, leader: nextId } = world.placement(topicId);
  const next = world.node(nextId);
  await world.time.until(() => partitionOf(next, topicId)?.leading !== undefined, "the next leader to begin");
  // Seen at every moment from here on: what is done of the older image is done now.
  let backwards = 0;
  const look = (): boolean => {
    const isRight = partitionOf(next, topicId)?.leading?.state.leaderEpoch === leaderEpoch;
    if (!isRight || next.topics?.get("t")?.leaderElsewhere(0) !== undefined) backwards++;
    return partitionOf(next, topicId, 39)?.placement !== undefined;
  };
  go();
  await world.time.until(look, "the new partitions");
  expect(backwards).toBe(0);
});

/** Topic "t" of two partitions, of which `node` cannot make the second one before `go` is called; all others have both. */
async function whileOneCannotBeMade(seed: number) {
  const world = new ReplicaWorld(seed);
  for (const node of world.nodes) await node.start();
  const node = world.node(1);
  const { store } = node;
  if (store === undefined) throw new Error("It runs");
  const create = store.create.bind(store);
  let isFull = true;
  let tries = 0;
  store.create = async (id, config) => {
    if (id.partition !== 1 || !isFull) return create(id, config);
    tries++;
    throw new FileSystemError("NO_SPACE", "/data", "No room, says the test");
  };
  const made = world.command({ kind: "createTopic", name: "t", partitions: 2, replicationFactor: 3, configs: {} });
  const topicId = made.kind === "done" ? made.reply.topicId : "";
  await world.time.until(() => tries > 0, "the first try");
  const go = (): void => {
    isFull = false;
  };
  return { world, node, store, topicId, tries: () => tries, go };
}

it("a partition that is there hears of all that changes while another one of its topic cannot be made", async () => {
  const { world, node, topicId, tries, go } = await whileOneCannotBeMade(3);
  await world.time.until(() => partitionOf(node, topicId)?.placement !== undefined, "the first partition");
  const partition = partitionOf(node, topicId);
  // Nobody may use a topic before all of it is there.
  expect(node.topics?.get("t")).toBeUndefined();
  for (const other of world.nodes) if (other !== node) other.fence();
  await world.time.until(() => partition?.leading !== undefined, "it to lead");
  world.command({ kind: "alterTopicConfig", topic: "t", changes: [{ key: "retention.ms", value: "77777" }] });
  await world.time.until(() => partition?.log.config.retentionMs === 77_777, "the config");
  await world.time.until(() => tries() > 3, "some tries");
  go();
  await world.time.until(() => node.topics?.get("t") !== undefined, "the topic");
  expect(partitionOf(node, topicId)).toBe(partition);
  expect(partitionOf(node, topicId, 1)?.log.config.retentionMs).toBe(77_777);
});

it("a topic of which one partition cannot be made leaves nothing behind when it is deleted", async () => {
  const { world, node, store, topicId } = await whileOneCannotBeMade(4);
  await world.time.until(() => store.get(topicId, 0) !== undefined, "the first partition");
  world.command({ kind: "deleteTopic", topicId });
  await world.time.until(() => partitionOf(world.node(2), topicId) === undefined, "the deletion");
  await world.time.until(() => store.get(topicId, 0) === undefined, "the files to go");
  expect(partitionOf(node, topicId)).toBeUndefined();
});

it("a topic that cannot be made is tried once a second, however often the metadata change", async () => {
  const { world, tries } = await whileOneCannotBeMade(5);
  for (let changes = 0; changes < 20; changes++) {
    world.command({ kind: "configureGroup", group: `g${changes}`, recordsPerSecond: 1, bytesPerSecond: 0 });
    const { nowMs } = world.time;
    await world.time.until(() => world.time.nowMs > nowMs + 10, "the metadata to arrive");
  }
  const before = tries();
  const { nowMs } = world.time;
  await world.time.until(() => world.time.nowMs > nowMs + 10_000, "ten seconds");
  expect(tries() - before).toBeLessThan(15);
});

it("a node starts although what was deleted while it was down cannot be removed yet", async () => {
  const world = new ReplicaWorld(7);
  for (const node of world.nodes) await node.start();
  const node = world.node(1);
  const topicId = await world.createTopic("t");
  node.crash("kill");
  world.command({ kind: "deleteTopic", topicId });
  await world.time.result(node.start(), "the start");
  const { store, topics } = node;
  if (store === undefined || topics === undefined) throw new Error("It runs");
  expect(store.get(topicId, 0)).toBeDefined();
  const remove = store.delete.bind(store);
  let isFull = true;
  store.delete = async (id) => {
    if (!isFull) return remove(id);
    throw new FileSystemError("NO_SPACE", "/data", "No room, says the test");
  };
  await world.time.result(topics.start(world.image), "the node to be in line");
  isFull = false;
  await world.time.until(() => store.get(topicId, 0) === undefined, "the files to go");
});

it("a topic is made again although the files of the one before could not be deleted at first", async () => {
  const world = new ReplicaWorld(6);
  for (const node of world.nodes) await node.start();
  const node = world.node(1);
  const { store } = node;
  if (store === undefined) throw new Error("It runs");
  const former = await world.createTopic("t");
  await world.time.until(() => node.topics?.get("t")?.id === former, "the topic");
  const remove = store.delete.bind(store);
  let isFull = true;
  let tries = 0;
  store.delete = async (id) => {
    if (!isFull) return remove(id);
    tries++;
    throw new FileSystemError("NO_SPACE", "/data", "No room, says the test");
  };
  world.command({ kind: "deleteTopic", topicId: former });
  const made = world.command({ kind: "createTopic", name: "t", partitions: 1, replicationFactor: 3, configs: {} });
  const topicId = made.kind === "done" ? made.reply.topicId : "";
  await world.time.until(() => tries > 1, "another try");
  expect(node.topics?.get("t")).toBeUndefined();
  isFull = false;
  await world.time.until(() => node.topics?.get("t")?.id === topicId, "the new topic");
  expect(store.get(former, 0)).toBeUndefined();
});
