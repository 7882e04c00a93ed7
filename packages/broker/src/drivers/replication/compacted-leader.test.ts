/** J-21: replicas compact for themselves, and a follower copies from a leader that did. */
import { expect, test } from "vitest";
import { ReplicaWorld, type ReplicaNode, valuesOf } from "../../testing/replica-world.ts";

const configs = { "min.insync.replicas": "2", "cleanup.policy": "compact", "segment.bytes": "16384" };

test("A follower that ends inside a gap of its compacted leader takes the rest of it, and has the same latest values (J-21)", async () => {
  const world = new ReplicaWorld(3);
  for (const node of world.nodes) await node.start();
  const topicId = await world.createTopic("t", { ...configs, "min.cleanable.dirty.ratio": "0" });
  const leader = world.node(world.placement(topicId).leader);
  const behind = world.nodes.find((node) => node !== leader) as ReplicaNode;
  const produce = async (key: string, value: string): Promise<void> => {
    const pending = await world.time.result(
      world.produce(leader, topicId, { key, value, timeoutMs: 60_000 }),
      "an acknowledgement",
    );
    expect(pending.refusal).toBeUndefined();
  };
  const long = "x".repeat(2_000);
  await produce("first", "stays");
  for (let count = 0; count < 5; count++) await produce("a", `${count} ${long}`);
  world.cut(leader.id, behind.id);
  for (let count = 5; count < 40; count++) await produce("a", `${count} ${long}`);
  const end = behind.log(topicId).logEndOffset;
  await compact(world, leader);
  const { segments } = leader.log(topicId);
  expect(end).toBeGreaterThan(1);
  expect(segments[0]?.sizeBytes).toBeLessThan(1_000);
  expect(segments[0]?.endOffset).toBeGreaterThan(end);
  world.cuts.clear();
  const isThere = (): boolean =>
    world.nodes.every((node) => {
      const log = node.log(topicId);
      return log.highWatermark === 41 && log.countedOffset === 41;
    });
  await world.time.until(isThere, "every replica to have everything");
  expect(behind.told.filter((line) => line.includes("begins anew"))).toEqual([]);
  // It had records that the leader has no more, and lets go of them by itself.
  await compact(world, behind);
  for (const node of world.nodes) {
    const values = await valuesOf(world.time, node.log(topicId));
    expect([values.get(0), values.get(40)]).toEqual(["stays", `39 ${long}`]);
  }
  behind.crash("power");
  await behind.start();
  const values = await valuesOf(world.time, behind.log(topicId));
  expect([values.get(0), values.get(1), values.get(40)]).toEqual(["stays", undefined, `39 ${long}`]);
  await world.close();
});

async function compact(world: ReplicaWorld, node: ReplicaNode): Promise<void> {
  const { store } = node;
  if (store === undefined) throw new Error(`Node ${node.id} does not run`);
  await world.time.result(store.checkpoint(), "a checkpoint");
  const reports = await world.time.result(store.runCompaction(), "a compaction");
  expect(reports.map(({ outcome }) => outcome.kind)).toContain("done");
}
