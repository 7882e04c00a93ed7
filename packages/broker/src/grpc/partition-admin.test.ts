import { expect, it } from "vitest";
import { defaultLimits } from "../limits.ts";
import type { BrokerNode } from "../node.ts";
import { ReplicaWorld } from "../testing/replica-world.ts";
import { deleteRecords } from "./partition-admin.ts";

it("DeleteRecords says what is deleted at the leader, and that it may come back while a replica in sync has not followed (H-14)", async () => {
  const world = new ReplicaWorld(1);
  for (const node of world.nodes) await node.start();
  const topicId = await world.createTopic("t", { "min.insync.replicas": "2" });
  const leader = world.node(world.placement(topicId).leader);
  for (let count = 0; count < 10; count++)
    await world.time.result(world.produce(leader, topicId), "an acknowledgement");
  const { topics, clock, wheel, id: nodeId } = leader;
  const hint = { nodeId, address: "", leaderEpoch: 0 };
  const node = { nodeId, topics, clock, wheel, limits: defaultLimits, forwarding: undefined, leaderOf: () => hint };
  const ask = (offset: number, validateOnly = false) => {
    const before = { position: "offset" as const, offset };
    const request = { topic: "t", partitions: [{ partition: 0, before }], validateOnly };
    return world.time.result(deleteRecords(node as unknown as BrokerNode, request), "an answer");
  };
  const follower = world.nodes.find((other) => other !== leader);
  world.cut(nodeId, follower?.id ?? 0);
  expect(await ask(6, true)).toEqual({ partitions: [{ partition: 0, logStartOffset: 6, leader: hint }] });
  expect(leader.log(topicId).logStartOffset).toBe(0);
  const askedMs = world.time.nowMs;
  expect(await ask(6)).toMatchObject({
    partitions: [{ logStartOffset: 6, error: { reason: "REQUEST_TIMED_OUT", retriable: true } }],
  });
  expect(world.time.nowMs - askedMs).toBeLessThan(6_000);
  world.cuts.clear();
  await world.time.until(() => follower?.log(topicId).logStartOffset === 6, "it to follow");
  expect(await ask(6)).toEqual({ partitions: [{ partition: 0, logStartOffset: 6, leader: hint }] });
});
