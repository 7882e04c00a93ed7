import { describe, expect, it } from "vitest";
import { ReplicaWorld, valuesOf } from "../../testing/replica-world.ts";
import { readFailure, readRefusal } from "../read-refusal.ts";
import type { LocalPartition } from "../partition.ts";
import type { ReplicaNode } from "../../testing/replica-world.ts";

/** Three brokers that run, and a topic on all of them. */
async function threeNodes(
  seed: number,
  configs: Record<string, string> = {},
): Promise<{ world: ReplicaWorld; topicId: string }> {
  const world = new ReplicaWorld(seed);
  for (const node of world.nodes) await node.start();
  const topicId = await world.createTopic("t", { "min.insync.replicas": "2", ...configs });
  return { world, topicId };
}

function leaderOf(world: ReplicaWorld, topicId: string): ReplicaNode {
  return world.node(world.placement(topicId).leader);
}

async function allInSync(world: ReplicaWorld, topicId: string): Promise<void> {
  await world.time.until(() => world.placement(topicId).isr.length === 3, "all replicas to be in sync");
}

/** All replicas hold the same, and nothing that was acknowledged is missing. */
async function expectWhole(world: ReplicaWorld, topicId: string): Promise<void> {
  const end = leaderOf(world, topicId).log(topicId).logEndOffset;
  const isThere = (): boolean =>
    world.nodes.every((node) => {
      const log = node.log(topicId);
      return log.highWatermark === end && log.logEndOffset === end;
    });
  await world.time.until(isThere, "every replica to have everything, and to know it");
  const whole = await valuesOf(world.time, leaderOf(world, topicId).log(topicId));
  for (const node of world.nodes) {
    expect(await world.lost(node.log(topicId)), `node ${node.id}`).toEqual([]);
    expect(await valuesOf(world.time, node.log(topicId)), `node ${node.id}`).toEqual(whole);
  }
}

describe("replication of a partition on three nodes", () => {
  it("acknowledges with acks=all what all of the ISR has on disk, and says on how many", async () => {
    const { world, topicId } = await threeNodes(1);
    const leader = leaderOf(world, topicId);
    for (let count = 0; count < 20; count++) {
      const pending = await world.time.result(world.produce(leader, topicId), "an acknowledgement");
      expect(pending.refusal).toBeUndefined();
      expect(pending.durableReplicas).toBe(3);
      expect(pending.leaderEpoch).toBe(world.placement(topicId).leaderEpoch);
    }
    expect(world.acknowledged.map(({ offset }) => offset)).toEqual(Array.from({ length: 20 }, (_, offset) => offset));
    await expectWhole(world, topicId);
  });

  it("tells a new high watermark with the next batches, or soon after when none come", async () => {
    const { world, topicId } = await threeNodes(11);
    const leader = leaderOf(world, topicId);
    const log = leader.log(topicId);
    const leading = leader.topics?.partition(topicId, 0)?.leading;
    const other = world.nodes.find((node) => node !== leader) as ReplicaNode;
    const acknowledged = world.produce(leader, topicId);
    const heard: string[] = [];
    const fetch = {
      brokerId: other.id,
      toldHighWatermark: log.highWatermark,
      toldLogStart: log.logStartOffset,
      fetchOffset: log.logEndOffset,
      heardMs: world.time.nowMs,
      wake: () => heard.push("wake"),
      nudge: () => heard.push("nudge"),
    };
    leading?.wait(fetch);
    expect(heard).toEqual([]);
    await world.time.result(acknowledged, "an acknowledgement");
    expect(new Set(heard)).toEqual(new Set(["nudge"]));
    // It waits still: what is appended wakes it, once.
    void world.produce(leader, topicId);
    expect(heard.filter((what) => what === "wake")).toHaveLength(1);
    leading?.tell(fetch);
    expect(heard.filter((what) => what === "wake")).toHaveLength(1);
    leading?.wait({ ...fetch, fetchOffset: log.logEndOffset });
    expect(heard.at(-1)).toBe("nudge");
    await expectWhole(world, topicId);
    const end = log.highWatermark;
    await world.time.result(world.produce(leader, topicId), "an acknowledgement");
    const isTold = (): boolean => world.nodes.every((node) => node.log(topicId).highWatermark === end + 1);
    expect(isTold()).toBe(false);
    const fromMs = world.time.nowMs;
    await world.time.until(isTold, "the followers to be told");
    expect(world.time.nowMs - fromMs).toBeLessThan(100);
  });

  it("loses nothing when the leader dies, and cuts off what the dead leader had alone (6.8)", async () => {
    const { world, topicId } = await threeNodes(2);
    const first = leaderOf(world, topicId);
    for (let count = 0; count < 10; count++) {
      await world.time.result(world.produce(first, topicId), "an acknowledgement");
    }
    // From here on it is alone, and does not know it.
    for (const other of world.nodes) if (other !== first) world.cut(first.id, other.id);
    first.isDeaf = true;
    const alone = await world.time.result(world.produce(first, topicId, { acks: "leader" }), "an answer");
    expect(alone.refusal?.reason ?? "taken").toBe("taken");
    const unknown = world.produce(first, topicId, { timeoutMs: 60_000 });
    await world.time.pass(50);
    first.crash("kill");
    void unknown.catch(() => {});
    world.command({ kind: "fenceBroker", brokerId: first.id, brokerEpoch: first.brokerEpoch });
    const second = leaderOf(world, topicId);
    expect(second).not.toBe(first);
    await world.time.until(
      () => second.topics?.partition(topicId, 0)?.leading !== undefined,
      "the next leader to begin",
    );
    for (let count = 0; count < 10; count++) {
      const pending = await world.time.result(world.produce(second, topicId), "an acknowledgement");
      expect(pending.refusal).toBeUndefined();
    }
    first.isDeaf = false;
    world.cuts.clear();
    await first.start();
    await allInSync(world, topicId);
    expect(first.told).toContain("the log differs from the leader's and is cut back");
    await expectWhole(world, topicId);
    expect(world.acknowledged).toHaveLength(20);
  });

  it("counts nothing that fewer than minIsr have, and refuses acks=all while fewer are in sync (H-1, H-2)", async () => {
    const { world, topicId } = await threeNodes(3);
    const leader = leaderOf(world, topicId);
    await world.time.result(world.produce(leader, topicId), "an acknowledgement");
    const others = world.nodes.filter((node) => node !== leader);
    for (const other of others) other.crash("kill");
    const waiting = await world.time.result(world.produce(leader, topicId, { timeoutMs: 500 }), "an answer");
    expect(waiting.refusal?.reason).toBe("REQUEST_TIMED_OUT");
    for (const { id, brokerEpoch } of others) world.command({ kind: "fenceBroker", brokerId: id, brokerEpoch });
    await world.time.until(
      () => leader.topics?.partition(topicId, 0)?.leading?.state.isr.committed.isr.length === 1,
      "the leader to know",
    );
    const refused = await world.time.result(world.produce(leader, topicId), "an answer");
    expect(refused.refusal?.reason).toBe("NOT_ENOUGH_REPLICAS");
    expect(leader.log(topicId).highWatermark).toBe(1);
    for (const other of others) await other.start();
    await allInSync(world, topicId);
    await expectWhole(world, topicId);
    expect(leader.log(topicId).highWatermark).toBe(2);
  });

  it("drops a follower that is cut off for replica.lag.max, goes on without it, and takes it back (H-4, H-5)", async () => {
    const { world, topicId } = await threeNodes(4);
    const leader = leaderOf(world, topicId);
    const [gone, stays] = world.nodes.filter((node) => node !== leader) as [ReplicaNode, ReplicaNode];
    await world.time.pass(60_000);
    world.cut(leader.id, gone.id);
    const first = await world.time.result(world.produce(leader, topicId, { timeoutMs: 60_000 }), "an acknowledgement");
    expect(first.refusal).toBeUndefined();
    expect(world.placement(topicId).isr).not.toContain(gone.id);
    expect(world.placement(topicId).isr).toContain(stays.id);
    for (let count = 0; count < 20; count++) {
      const pending = await world.time.result(world.produce(leader, topicId), "an acknowledgement");
      expect(pending.durableReplicas).toBe(2);
    }
    world.cuts.clear();
    await allInSync(world, topicId);
    await expectWhole(world, topicId);
  });

  it("keeps the ISR over an idle hour: the first append after it drops nobody (H-5)", async () => {
    const { world, topicId } = await threeNodes(5);
    const leader = leaderOf(world, topicId);
    await world.time.result(world.produce(leader, topicId), "an acknowledgement");
    const { partitionEpoch } = world.placement(topicId);
    await world.time.pass(120_000);
    await world.time.result(world.produce(leader, topicId), "an acknowledgement");
    await world.time.pass(2_000);
    expect(world.placement(topicId).partitionEpoch).toBe(partitionEpoch);
  });

  it("answers a conditional append alike before and after a failover, and a repeated one with its first offset (H-12)", async () => {
    const { world, topicId } = await threeNodes(6);
    const leader = leaderOf(world, topicId);
    const producer = { id: 7, sequence: 0 };
    const first = await world.time.result(world.produce(leader, topicId, { producer, expectedOffset: 0 }), "an answer");
    expect(first).toMatchObject({ baseOffset: 0, refusal: undefined });
    leader.crash("power");
    world.command({ kind: "fenceBroker", brokerId: leader.id, brokerEpoch: leader.brokerEpoch });
    const next = leaderOf(world, topicId);
    await world.time.until(() => next.topics?.partition(topicId, 0)?.leading !== undefined, "the next leader to begin");
    const again = await world.time.result(world.produce(next, topicId, { producer, expectedOffset: 0 }), "an answer");
    expect(again).toMatchObject({ baseOffset: 0, duplicate: true, refusal: undefined });
    const wrong = { producer: { id: 7, sequence: 1 }, expectedOffset: 0 };
    const conflict = await world.time.result(world.produce(next, topicId, wrong), "an answer");
    expect(conflict.refusal?.reason).toBe("WRONG_EXPECTED_OFFSET");
    await leader.start();
    await allInSync(world, topicId);
    await expectWhole(world, topicId);
  });

  it("fills an empty replica from a log whose beginning is gone (G-8)", async () => {
    const { world, topicId } = await threeNodes(8);
    const leader = leaderOf(world, topicId);
    const gone = world.nodes.find((node) => node !== leader) as ReplicaNode;
    gone.crash("kill");
    world.command({ kind: "fenceBroker", brokerId: gone.id, brokerEpoch: gone.brokerEpoch });
    for (let count = 0; count < 10; count++) {
      await world.time.result(world.produce(leader, topicId), "an acknowledgement");
    }
    await world.time.result(leader.log(topicId).deleteRecordsBefore(6), "the deletion");
    await gone.start();
    await allInSync(world, topicId);
    expect(gone.told).toContain("the log ends below the leader's and begins anew");
    expect(gone.log(topicId).logStartOffset).toBe(6);
    await world.time.until(() => world.nodes.every((node) => node.log(topicId).logStartOffset === 6), "the log start");
  });

  it.each(["follower", "leader"])(
    "takes a %s with damage out of the ISR before it refills it from the others (F-9)",
    async (role) => {
      const { world, topicId } = await threeNodes(9);
      const leader = leaderOf(world, topicId);
      const hurt = role === "leader" ? leader : (world.nodes.find((node) => node !== leader) as ReplicaNode);
      for (let count = 0; count < 10; count++) {
        await world.time.result(world.produce(leader, topicId), "an acknowledgement");
      }
      const { leaderEpoch } = world.placement(topicId);
      // The scrubber finds it.
      hurt.log(topicId).quarantine({ file: "00.log", offset: 4, why: "a bit has flipped" });
      await world.time.until(() => !world.placement(topicId).isr.includes(hurt.id), "the controller to know");
      expect(hurt.log(topicId).logEndOffset).toBe(10);
      await allInSync(world, topicId);
      expect(world.placement(topicId).leaderEpoch).toBeGreaterThan(leaderEpoch);
      expect(hurt.told).toContain("the log is damaged and begins anew from the leader's");
      await world.time.result(world.produce(leaderOf(world, topicId), topicId), "an acknowledgement");
      await expectWhole(world, topicId);
    },
  );

  it("refills no damaged replica that does not know yet that it is in the ISR (F-9)", async () => {
    const { world, topicId } = await threeNodes(13);
    const leader = leaderOf(world, topicId);
    const hurt = world.nodes.find((node) => node !== leader) as ReplicaNode;
    world.cut(leader.id, hurt.id);
    await world.time.result(world.produce(leader, topicId, { timeoutMs: 60_000 }), "an acknowledgement");
    await world.time.until(() => hurt.topics?.partition(topicId, 0)?.placement?.isr.length === 2, "it to hear");
    // It is back in the ISR, and has not heard of that: whoever is elected next may be this one.
    hurt.isDeaf = true;
    world.cuts.clear();
    await allInSync(world, topicId);
    for (let count = 0; count < 9; count++) {
      const pending = await world.time.result(world.produce(leader, topicId), "an acknowledgement");
      expect(pending.durableReplicas).toBe(3);
    }
    hurt.log(topicId).quarantine({ file: "00.log", offset: 4, why: "a bit has flipped" });
    void world.produce(leader, topicId);
    await world.time.pass(3_000);
    expect(world.placement(topicId).isr).toContain(hurt.id);
    expect(hurt.told).not.toContain("the log is damaged and begins anew from the leader's");
    expect(hurt.log(topicId).logEndOffset).toBe(10);
    hurt.listenAgain();
    await world.time.until(() => !world.placement(topicId).isr.includes(hurt.id), "the controller to know");
    await allInSync(world, topicId);
    expect(hurt.told).toContain("the log is damaged and begins anew from the leader's");
    await expectWhole(world, topicId);
  });

  it("keeps what lies before the damage until a leader is there to refill the log from (F-9)", async () => {
    const { world, topicId } = await threeNodes(14);
    const leader = leaderOf(world, topicId);
    const hurt = world.nodes.find((node) => node !== leader) as ReplicaNode;
    for (let count = 0; count < 10; count++) {
      await world.time.result(world.produce(leader, topicId), "an acknowledgement");
    }
    await world.time.until(() => hurt.log(topicId).logEndOffset === 10, "it to have everything");
    // For the metadata it leads, and does not know of that epoch: it may turn out to be damaged itself, and lead nothing.
    leader.isDeaf = true;
    hurt.log(topicId).quarantine({ file: "00.log", offset: 7, why: "a bit has flipped" });
    void world.produce(leader, topicId);
    await world.time.until(() => !world.placement(topicId).isr.includes(hurt.id), "the controller to know");
    await world.time.pass(10_000);
    expect(world.placement(topicId).leader).toBe(leader.id);
    expect([hurt.log(topicId).logEndOffset, hurt.log(topicId).state.kind]).toEqual([10, "quarantined"]);
    leader.listenAgain();
    await allInSync(world, topicId);
    expect(hurt.told).toContain("the log is damaged and begins anew from the leader's");
    await expectWhole(world, topicId);
  });

  it("refills no damaged log from a leader that is damaged too and about to give way (F-9)", async () => {
    const { world, topicId } = await threeNodes(17);
    const leader = leaderOf(world, topicId);
    const hurt = world.nodes.find((node) => node !== leader) as ReplicaNode;
    for (let count = 0; count < 10; count++) {
      await world.time.result(world.produce(leader, topicId), "an acknowledgement");
    }
    await world.time.until(() => hurt.log(topicId).logEndOffset === 10, "it to have everything");
    hurt.log(topicId).quarantine({ file: "00.log", offset: 7, why: "a bit has flipped" });
    void world.produce(leader, topicId);
    await world.time.until(() => !world.placement(topicId).isr.includes(hurt.id), "the controller to know");
    const { leaderEpoch } = world.placement(topicId);
    await world.time.until(
      () => leader.topics?.partition(topicId, 0)?.leading?.state.leaderEpoch === leaderEpoch,
      "the leader to lead on",
    );
    leader.log(topicId).quarantine({ file: "00.log", offset: 3, why: "a bit has flipped" });
    const isBegunAnew = (): boolean => hurt.told.includes("the log is damaged and begins anew from the leader's");
    await world.time.until(isBegunAnew, "it to begin anew");
    expect(world.placement(topicId).leader).not.toBe(leader.id);
    await allInSync(world, topicId);
    await expectWhole(world, topicId);
  });

  it("takes a leader out of the ISR whose damage was found while it followed (F-9)", async () => {
    const { world, topicId } = await threeNodes(11);
    const leader = leaderOf(world, topicId);
    const [hurt, other] = world.nodes.filter((node) => node !== leader) as [ReplicaNode, ReplicaNode];
    for (let count = 0; count < 10; count++) {
      await world.time.result(world.produce(leader, topicId), "an acknowledgement");
    }
    // Its stream is gone: there is no fetch to be planned, which would tell.
    world.cut(leader.id, hurt.id);
    await world.time.pass(2_000);
    expect(world.placement(topicId).isr).toContain(hurt.id);
    hurt.log(topicId).quarantine({ file: "00.log", offset: 4, why: "a bit has flipped" });
    other.fence();
    leader.fence();
    expect(world.placement(topicId).leader).toBe(hurt.id);
    world.cuts.clear();
    await world.time.until(() => !world.placement(topicId).isr.includes(hurt.id), "the controller to know");
    leader.unfence();
    other.unfence();
    await allInSync(world, topicId);
    await expectWhole(world, topicId);
  });

  it("tells producers of a damaged leader to try again: another replica is about to lead (F-9)", async () => {
    const { world, topicId } = await threeNodes(15);
    const leader = leaderOf(world, topicId);
    await world.time.result(world.produce(leader, topicId), "an acknowledgement");
    const pending = world.produce(leader, topicId);
    leader.log(topicId).quarantine({ file: "00.log", offset: 0, why: "a bit has flipped" });
    expect((await world.time.result(pending, "an answer")).refusal?.reason).toBe("LEADER_NOT_AVAILABLE");
    const next = await world.time.result(world.produce(leader, topicId), "an answer");
    expect(next.refusal?.reason).toBe("LEADER_NOT_AVAILABLE");
    const partition = leader.topics?.partition(topicId, 0) as LocalPartition;
    const damaged = { kind: "damaged", file: "00.log", offset: 0, why: "a bit has flipped" } as const;
    for (const told of [readRefusal(partition, 0, damaged), readFailure([partition], new Error("closed"))]) {
      expect(told).toMatchObject({
        reason: "LEADER_NOT_AVAILABLE",
        message: expect.stringContaining("another replica"),
      });
    }
    await world.time.until(() => world.placement(topicId).leader !== leader.id, "another leader");
    await allInSync(world, topicId);
    await expectWhole(world, topicId);
  });

  it("gives what a leader whose files have failed leads to another replica in sync (H-10)", async () => {
    const { world, topicId } = await threeNodes(16, { flush: "os" });
    const leader = leaderOf(world, topicId);
    await world.time.result(world.produce(leader, topicId), "an acknowledgement");
    leader.failWrite(/topics\/.*\.log$/);
    const refused = await world.time.result(world.produce(leader, topicId), "an answer");
    expect(refused.refusal?.reason).toBe("LEADER_NOT_AVAILABLE");
    expect(leader.log(topicId).state.kind).toBe("failed");
    await world.time.until(() => world.placement(topicId).leader !== leader.id, "another leader");
    expect(world.placement(topicId).isr).not.toContain(leader.id);
    await world.time.until(
      () => leaderOf(world, topicId).topics?.partition(topicId, 0)?.leading !== undefined,
      "it to begin",
    );
    const taken = await world.time.result(world.produce(leaderOf(world, topicId), topicId), "an acknowledgement");
    expect(taken.refusal).toBeUndefined();
    // Its files are whole up to what counted: as soon as it starts again it is filled from there.
    leader.crash("kill");
    await leader.start();
    await allInSync(world, topicId);
    await expectWhole(world, topicId);
  });

  it("takes a damaged follower out of the ISR and refills it though nothing is appended (F-9)", async () => {
    const { world, topicId } = await threeNodes(17);
    const leader = leaderOf(world, topicId);
    await world.time.result(world.produce(leader, topicId), "an acknowledgement");
    await world.time.pass(60_000);
    const hurt = world.nodes.find((node) => node !== leader) as ReplicaNode;
    hurt.log(topicId).quarantine({ file: "00.log", offset: 0, why: "a bit has flipped" });
    await world.time.pass(5_000);
    expect(hurt.told).toContain("the log is damaged and begins anew from the leader's");
    await allInSync(world, topicId);
    await expectWhole(world, topicId);
  });

  it("keeps nobody waiting for a follower whose files have failed (H-10)", async () => {
    const { world, topicId } = await threeNodes(18, { flush: "os" });
    const leader = leaderOf(world, topicId);
    await world.time.result(world.produce(leader, topicId), "an acknowledgement");
    const hurt = world.nodes.find((node) => node !== leader) as ReplicaNode;
    hurt.failWrite(/topics\/.*\.log$/);
    const fromMs = world.time.nowMs;
    // The report begins another leader epoch, so that the first may be told to try again.
    await world.time.result(world.produce(leader, topicId), "an answer");
    expect(hurt.log(topicId).state.kind).toBe("failed");
    await world.time.until(() => leader.topics?.partition(topicId, 0)?.leading !== undefined, "it to lead on");
    const produced = await world.time.result(world.produce(leader, topicId), "an acknowledgement");
    expect(produced.refusal).toBeUndefined();
    // Not for `replica.lag.max`, which is ten seconds.
    expect(world.time.nowMs - fromMs).toBeLessThan(2_000);
    expect(world.placement(topicId).isr).not.toContain(hurt.id);
    hurt.crash("kill");
    await hurt.start();
    await allInSync(world, topicId);
    await expectWhole(world, topicId);
  });

  it("does not know the latest offset as a leader whose epoch could not begin (H-8)", async () => {
    const { world, topicId } = await threeNodes(14);
    const leader = leaderOf(world, topicId);
    const [hurt, other] = world.nodes.filter((node) => node !== leader) as [ReplicaNode, ReplicaNode];
    const acknowledged = await world.time.result(world.produce(leader, topicId), "an acknowledgement");
    hurt.log(topicId).quarantine({ file: "00.log", offset: 0, why: "a bit has flipped" });
    other.fence();
    leader.fence();
    const partition = hurt.topics?.partition(topicId, 0);
    await world.time.until(() => partition?.placement?.leader === hurt.id, "it to lead");
    expect(partition?.closedBy).toBeUndefined();
    expect(hurt.log(topicId).highWatermark).toBeLessThanOrEqual(acknowledged.lastOffset);
    expect(await partition?.whyLatestUnknown()).toMatchObject({ reason: "LEADER_NOT_AVAILABLE" });
  });

  it("counts no fetch of a follower that has not heard of the change to os before it has synced (F-3)", async () => {
    const { world, topicId } = await threeNodes(12);
    world.delayMsMax = 0.02;
    const leader = leaderOf(world, topicId);
    const deaf = world.nodes.find((node) => node !== leader) as ReplicaNode;
    await world.time.result(world.produce(leader, topicId), "an acknowledgement");
    deaf.isDeaf = true;
    world.command({ kind: "alterTopicConfig", topic: "t", changes: [{ key: "flush", value: "os" }] });
    await world.time.until(() => leader.log(topicId).mode === "os", "the leader to know");
    await world.time.until(() => leader.topics?.partition(topicId, 0)?.leading !== undefined, "it to lead on");
    for (let count = 0; count < 5; count++) {
      const produced = await world.time.result(world.produce(leader, topicId, { timeoutMs: 60_000 }), "an answer");
      expect(produced.refusal).toBeUndefined();
      // A process that dies now takes along what it has in memory, and would be taken for complete.
      const counts = world.placement(topicId).isr.includes(deaf.id);
      expect(!counts || deaf.log(topicId).countedOffset > produced.lastOffset).toBe(true);
    }
    deaf.listenAgain();
    await allInSync(world, topicId);
    await expectWhole(world, topicId);
  });

  it("takes nothing below acks=all once it hears neither a controller nor minIsr members of its ISR (H-11)", async () => {
    const { world, topicId } = await threeNodes(14);
    const leader = leaderOf(world, topicId);
    const take = async (): Promise<string | undefined> => {
      const answer = await world.time.result(world.produce(leader, topicId, { acks: "leader" }), "an answer");
      return answer.refusal?.reason;
    };
    leader.isDeaf = true;
    await world.time.pass(10_000);
    expect(await take()).toBeUndefined();
    for (const other of world.nodes) if (other !== leader) world.cut(leader.id, other.id);
    await world.time.pass(10_000);
    expect(await take()).toBe("NOT_LEADER");
    leader.isDeaf = false;
    expect(await take()).toBeUndefined();
  });

  it("knows nothing of its followers when it is assigned again: they may have been cut back meanwhile (H-2, W13)", async () => {
    const { world, topicId } = await threeNodes(13);
    const leader = leaderOf(world, topicId);
    await world.time.result(world.produce(leader, topicId), "an acknowledgement");
    const before = leader.topics?.partition(topicId, 0)?.leading;
    const offsets = (): unknown[] => {
      const leading = leader.topics?.partition(topicId, 0)?.leading;
      return [...(leading?.state.followers.values() ?? [])].map(({ fetchOffset }) => fetchOffset);
    };
    expect(offsets()).toEqual([1, 1]);
    for (const other of world.nodes) if (other !== leader) world.cut(leader.id, other.id);
    const { leaderEpoch } = world.placement(topicId);
    const me = { brokerId: leader.id, brokerEpoch: leader.brokerEpoch };
    world.command({ kind: "newLeaderEpoch", ...me, topicId, partition: 0, leaderEpoch });
    const hasBegunAgain = (): boolean => {
      const leading = leader.topics?.partition(topicId, 0)?.leading;
      return leading !== undefined && leading !== before;
    };
    await world.time.until(hasBegunAgain, "the next epoch to begin");
    expect(offsets()).toEqual([undefined, undefined]);
    world.cuts.clear();
    await world.time.result(world.produce(leader, topicId, { timeoutMs: 60_000 }), "an acknowledgement");
    await expectWhole(world, topicId);
  });

  it("goes on following after this node was registered again under another epoch (B-1)", async () => {
    const { world, topicId } = await threeNodes(10);
    const leader = leaderOf(world, topicId);
    const again = world.nodes.find((node) => node !== leader) as ReplicaNode;
    await again.registerAgain();
    await allInSync(world, topicId);
    const pending = await world.time.result(world.produce(leaderOf(world, topicId), topicId), "an acknowledgement");
    expect(pending.durableReplicas).toBe(3);
    await expectWhole(world, topicId);
  });
});
