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
