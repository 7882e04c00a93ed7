// H-13 on real logs: nodes whose disks fill up, in virtual time.
import { describe, expect, it } from "vitest";
import { ReplicaWorld } from "../../testing/replica-world.ts";
import type { ReplicaNode } from "../../testing/replica-world.ts";

async function threeNodes(seed: number, minIsr = "2") {
  const world = new ReplicaWorld(seed);
  for (const node of world.nodes) await node.start();
  const topicId = await world.createTopic("t", { "min.insync.replicas": minIsr });
  const placement = () => world.placement(topicId);
  const leader = (): ReplicaNode => world.node(placement().leader);
  await world.time.until(() => placement().isr.length === 3, "all replicas to be in sync");
  /** Until one is acknowledged, as a client does it. */
  const acknowledged = async (): Promise<number> => {
    const fromMs = world.time.nowMs;
    for (let tries = 0; tries < 1_000; tries++) {
      const produced = await world.time.result(world.produce(leader(), topicId, { timeoutMs: 30_000 }), "an answer");
      if (produced.refusal === undefined) return world.time.nowMs - fromMs;
      await world.time.pass(20);
    }
    throw new Error("nothing is acknowledged");
  };
  /** The longest wait for an acknowledgement until something is so; it fails when that takes long. */
  const longestUntil = async (isSo: () => boolean): Promise<number> => {
    let longestMs = 0;
    for (let count = 0; !isSo(); count++) {
      if (count === 200) throw new Error("it does not become so");
      longestMs = Math.max(longestMs, await acknowledged());
      await world.time.pass(50);
    }
    return longestMs;
  };
  return { world, topicId, placement, leader, acknowledged, longestUntil };
}

describe("a node without room (H-13)", () => {
  it("gives what it leads to a replica in sync that has room, long before anybody could see it lag", async () => {
    const { world, placement, leader, acknowledged, longestUntil } = await threeNodes(1);
    await acknowledged();
    const full = leader();
    full.leaveRoom(0);
    const longestMs = await longestUntil(() => !placement().isr.includes(full.id));
    expect(leader()).not.toBe(full);
    expect(longestMs).toBeLessThan(full.replication?.lagMaxMs ?? 0);
    full.leaveRoom(Infinity);
    await world.time.until(() => placement().isr.length === 3, "it to be in sync again");
    expect(world.acknowledged.length).toBeGreaterThanOrEqual(3);
    for (const node of world.nodes) {
      const { topicId } = placement();
      const isTold = (): boolean => node.log(topicId).highWatermark === node.log(topicId).logEndOffset;
      await world.time.until(isTold, "everybody to know what is committed");
      expect(await world.lost(node.log(topicId))).toEqual([]);
    }
  });

  it("leaves the ISR as a follower as soon as it stands in the way, and joins when there is room", async () => {
    const { world, placement, leader, longestUntil } = await threeNodes(2);
    const first = leader();
    const full = world.nodes.find((node) => node !== first) as ReplicaNode;
    full.leaveRoom(0);
    const longestMs = await longestUntil(() => !placement().isr.includes(full.id));
    expect(longestMs).toBeLessThan(first.replication?.lagMaxMs ?? 0);
    expect(leader()).toBe(first);
    full.leaveRoom(Infinity);
    await world.time.until(() => placement().isr.length === 3, "it to be in sync again");
  });

  it("fetches anew what a full disk took back, with nothing new to wake it (J-3, G-1)", async () => {
    const { world, topicId, leader } = await threeNodes(4, "3");
    // So much that it goes to segments, which need room for it, and not to the journal, which has it already.
    const produce = () => world.produce(leader(), topicId, { timeoutMs: 60_000, value: "x".repeat(500_000) });
    const full = world.nodes.find((node) => node !== leader()) as ReplicaNode;
    for (let count = 0; full.log(topicId).mode !== "direct"; count++) {
      expect(count).toBeLessThan(10);
      await world.time.result(produce(), "an answer");
    }
    const end = full.log(topicId).logEndOffset;
    full.leaveRoom(0);
    const produced = produce();
    await world.time.until(() => full.log(topicId).logEndOffset > end, "it to be in memory");
    await world.time.until(() => full.log(topicId).logEndOffset === end, "it to be cut off again");
    full.leaveRoom(Infinity);
    expect((await world.time.result(produced, "an answer")).refusal).toBeUndefined();
  });

  it("stays where it is when all are full: refuses, is read, and nothing goes round", async () => {
    const { world, topicId, placement, leader, acknowledged } = await threeNodes(3, "1");
    await acknowledged();
    const answers = new Set<string>();
    for (const node of world.nodes) node.leaveRoom(0);
    // They do not notice at the same moment.
    for (let count = 0; count < 100; count++) {
      const produced = await world.time.result(world.produce(leader(), topicId, { timeoutMs: 1_000 }), "an answer");
      answers.add(produced.refusal?.reason ?? "taken");
      await world.time.pass(50);
    }
    const { leaderEpoch } = placement();
    for (let count = 0; count < 20; count++) {
      const produced = await world.time.result(world.produce(leader(), topicId), "an answer");
      expect(produced.refusal?.reason).toBe("STORAGE_FULL");
      await world.time.pass(1_000);
    }
    expect(placement().leaderEpoch).toBe(leaderEpoch);
    expect(placement().leader).toBe(leader().id);
    expect(leader().topics?.partition(topicId, 0)?.closedBy).toBeUndefined();
    expect(await world.lost(leader().log(topicId))).toEqual([]);
    for (const node of world.nodes) node.leaveRoom(Infinity);
    await world.time.until(() => placement().isr.length === 3, "all to be in sync again");
    await acknowledged();
  });
});
