// H-14: what was said to be deleted stays so, whoever leads next.

import { LogError } from "@varve/log";
import { describe, expect, it } from "vitest";
import { type ReplicaNode, ReplicaWorld, valuesOf } from "../../testing/replica-world.ts";
import type { Refusal } from "../../refusal.ts";
import { whyMayComeBack } from "./deletion.ts";
import type { LocalPartition } from "../partition.ts";

/** Three brokers in sync, and ten records of a topic on all of them. */
async function tenRecords(seed: number) {
  const world = new ReplicaWorld(seed);
  for (const node of world.nodes) await node.start();
  const topicId = await world.createTopic("t", { "min.insync.replicas": "2" });
  const leader = world.node(world.placement(topicId).leader);
  const followers = world.nodes.filter((node) => node !== leader) as [ReplicaNode, ReplicaNode];
  for (let count = 0; count < 10; count++) {
    await world.time.result(world.produce(leader, topicId), "an acknowledgement");
  }
  // Nothing is left to be said: what follows is heard of for its own sake.
  await world.time.until(() => world.nodes.every((node) => node.log(topicId).highWatermark === 10), "all to be quiet");
  return { world, topicId, leader, followers };
}

async function deleteBefore(
  world: ReplicaWorld,
  leader: ReplicaNode,
  topicId: string,
  offset: number,
): Promise<Refusal | undefined> {
  const partition = leader.topics?.partition(topicId, 0) as LocalPartition;
  await world.time.result(partition.log.deleteRecordsBefore(offset), "the deletion");
  return world.time.result(whyMayComeBack(partition, offset, { wheel: leader.wheel, waitMs: 1_000 }), "an answer");
}

/** The controller gives the partition to somebody else. */
async function failOver(world: ReplicaWorld, leader: ReplicaNode, topicId: string): Promise<ReplicaNode> {
  leader.crash("kill");
  world.command({ kind: "fenceBroker", brokerId: leader.id, brokerEpoch: leader.brokerEpoch });
  const next = world.node(world.placement(topicId).leader);
  await world.time.until(() => next.topics?.partition(topicId, 0)?.leading !== undefined, "the next leader to begin");
  return next;
}

describe("a deletion (H-14)", () => {
  it("is answered when all in sync have it on disk: whoever leads next does not show the records again", async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const { world, topicId, leader } = await tenRecords(seed);
      expect(await deleteBefore(world, leader, topicId, 6)).toBeUndefined();
      // At once, and without what was not synced.
      for (const node of world.nodes) if (node !== leader) node.crash("power");
      for (const node of world.nodes) if (node !== leader) await node.start();
      const next = await failOver(world, leader, topicId);
      expect(next.log(topicId).logStartOffset).toBe(6);
      await world.close();
    }
  });

  it("says who has not followed, and that is enough once asked again", async () => {
    const { world, topicId, leader, followers } = await tenRecords(20);
    const [cutOff] = followers;
    world.cut(leader.id, cutOff.id);
    const doubt = await deleteBefore(world, leader, topicId, 6);
    expect(doubt).toMatchObject({ reason: "REQUEST_TIMED_OUT", metadata: { offset: "6", behind: String(cutOff.id) } });
    expect(doubt?.message).toContain(`broker ${cutOff.id}, which may lead next, would show them again`);
    expect(leader.log(topicId).logStartOffset).toBe(6);
    world.cuts.clear();
    await world.time.until(() => cutOff.log(topicId).logStartOffset === 6, "it to follow");
    expect(await deleteBefore(world, leader, topicId, 6)).toBeUndefined();
  });

  it("waits for nobody whom the controller has taken out of the ISR", async () => {
    const { world, topicId, leader, followers } = await tenRecords(21);
    followers[0].crash("kill");
    followers[0].fence();
    expect(await deleteBefore(world, leader, topicId, 6)).toBeUndefined();
  });

  it("waits below minIsr for those who are out, too: one of the ELR may lead next", async () => {
    const { world, topicId, leader, followers } = await tenRecords(25);
    for (const follower of followers) {
      follower.crash("kill");
      follower.fence();
    }
    const { isr, elr } = world.placement(topicId);
    expect([isr, elr.length]).toEqual([[leader.id], 1]);
    const doubt = await deleteBefore(world, leader, topicId, 6);
    expect(doubt).toMatchObject({ reason: "REQUEST_TIMED_OUT" });
    for (const follower of followers) await follower.start();
    await world.time.until(() => world.placement(topicId).isr.length === 3, "all replicas to be in sync");
    expect(await deleteBefore(world, leader, topicId, 6)).toBeUndefined();
    const next = await failOver(world, leader, topicId);
    expect(next.log(topicId).logStartOffset).toBe(6);
  });

  it("is not promised by a leader that leads no more", async () => {
    const { world, topicId, leader, followers } = await tenRecords(22);
    for (const follower of followers) world.cut(leader.id, follower.id);
    const answer = deleteBefore(world, leader, topicId, 6);
    leader.fence();
    expect((await answer)?.reason).toMatch(/^(NOT_LEADER|LEADER_NOT_AVAILABLE)$/);
  });

  it("is made up for by a follower whose disk had no room for it", async () => {
    const { world, topicId, leader, followers } = await tenRecords(23);
    const [full] = followers;
    const log = full.log(topicId);
    const deleteRecordsBefore = log.deleteRecordsBefore.bind(log);
    let failures = 3;
    log.deleteRecordsBefore = (offset) =>
      failures-- > 0 ? Promise.reject(new LogError("NO_SPACE", "the disk is full")) : deleteRecordsBefore(offset);
    expect((await deleteBefore(world, leader, topicId, 6))?.metadata).toMatchObject({ behind: String(full.id) });
    await world.time.until(() => log.logStartOffset === 6, "it to follow");
    expect(await deleteBefore(world, leader, topicId, 6)).toBeUndefined();
  });

  it("in the middle of a batch leaves a log from which an empty replica is filled (G-8)", async () => {
    const { world, topicId, leader, followers } = await tenRecords(24);
    const [gone] = followers;
    gone.crash("kill");
    gone.fence();
    for (let count = 0; count < 2; count++) {
      await world.time.result(world.produce(leader, topicId, { records: 5 }), "an acknowledgement");
    }
    expect(await deleteBefore(world, leader, topicId, 17)).toBeUndefined();
    await gone.start();
    await world.time.until(() => world.placement(topicId).isr.length === 3, "all replicas to be in sync");
    expect(gone.log(topicId).logStartOffset).toBe(17);
    const next = await failOver(world, leader, topicId);
    expect(next.log(topicId).logStartOffset).toBe(17);
    expect([...(await valuesOf(world.time, gone.log(topicId), 20)).keys()]).toEqual([15, 16, 17, 18, 19]);
  });
});
