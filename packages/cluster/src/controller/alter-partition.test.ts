import { describe, expect, it } from "vitest";
import type { PartitionProposal, PartitionVerdict } from "./alter-partition.ts";
import { dirOf, samplePartition, sampleTopicId } from "../testing/sample-partition.ts";
import { decide } from "./commands.ts";
import type { Command } from "./commands.ts";
import { replayAll } from "./replay.ts";
import { emptyImage, noLeader } from "./state.ts";
import type { ControllerImage, Partition } from "./state.ts";

const topicId = sampleTopicId;

/** Three active brokers with epochs 1 to 3, and one partition. */
function imageWith(over: Partial<Partition> = {}): ControllerImage {
  const ids = [1, 2, 3];
  return replayAll(emptyImage, [
    ...ids.map((brokerId) => ({
      type: "RegisterBroker" as const,
      brokerId,
      brokerEpoch: brokerId,
      incarnationId: dirOf(brokerId),
      endpoints: [],
      rack: "",
      dirs: [dirOf(brokerId)],
      features: [],
      fenced: true,
    })),
    ...ids.map((brokerId) => ({ type: "BrokerChange" as const, brokerId, brokerEpoch: brokerId, fenced: 0 })),
    { type: "Topic", topicId, name: "a" },
    { type: "Partition", ...samplePartition({ isr: [1, 2], ...over }) },
  ]);
}

class Controller {
  image: ControllerImage;
  constructor(over: Partial<Partition> = {}) {
    this.image = imageWith(over);
  }
  get partition(): Partition {
    return this.image.topics.get(topicId)?.partitions[0] as Partition;
  }
  run(command: Command): unknown {
    const decision = decide(this.image, command, { nowMs: 0, newUuid: () => "" });
    if ("refusal" in decision) return decision.refusal.reason;
    this.image = replayAll(this.image, decision.records);
    return decision.reply;
  }
  alter(isr: readonly number[], over: Partial<PartitionProposal> = {}, brokerId = 1): PartitionVerdict {
    const reply = this.run({
      kind: "alterPartition",
      brokerId,
      brokerEpoch: brokerId,
      partitions: [
        {
          topicId,
          partition: 0,
          leaderEpoch: 5,
          partitionEpoch: 7,
          newIsr: isr.map((id) => ({ brokerId: id, brokerEpoch: id })),
          recovering: false,
          ...over,
        },
      ],
    });
    return (reply as { partitions: PartitionVerdict[] }).partitions[0] as PartitionVerdict;
  }
}
const reasonOf = (verdict: PartitionVerdict): string =>
  verdict.kind === "refused" ? verdict.refusal.reason : verdict.kind;

describe("decide alterPartition (6.6)", () => {
  it("grows and shrinks the ISR, and answers with the state that was committed", () => {
    const controller = new Controller();
    expect(controller.alter([1, 2, 3])).toMatchObject({
      kind: "changed",
      state: { leader: 1, leaderEpoch: 5, partitionEpoch: 8, isr: [1, 2, 3], minIsr: 2, recovering: false },
    });
    expect(controller.partition).toMatchObject({ isr: [1, 2, 3], partitionEpoch: 8 });
    expect(controller.alter([1], { partitionEpoch: 8 }).kind).toBe("changed");
    expect(controller.partition).toMatchObject({ isr: [1], elr: [2, 3], partitionEpoch: 9 });
  });

  it("moves the partition epoch although nothing changes (A-2)", () => {
    const controller = new Controller();
    expect(controller.alter([1, 2])).toMatchObject({ kind: "changed", state: { partitionEpoch: 8, isr: [1, 2] } });
  });

  it.each([
    ["fenced", { kind: "fenceBroker", brokerId: 3, brokerEpoch: 3 }],
    [
      "registered anew (W5)",
      { kind: "registerBroker", brokerId: 3, incarnationId: dirOf(9), endpoints: [], dirs: [dirOf(3)] },
    ],
  ] as [string, Command][])(
    "refuses a member that is %s by moving nothing but the partition epoch (A-2, B-8)",
    (_, event) => {
      const controller = new Controller();
      controller.run(event);
      const before = controller.partition;
      expect(controller.alter([1, 2, 3])).toMatchObject({
        kind: "ineligible",
        state: { partitionEpoch: 8, isr: [1, 2] },
      });
      expect(controller.partition).toEqual({ ...before, partitionEpoch: 8 });
      // A copy of the request that comes later, when the member may join, is dead (W8).
      controller.run({ kind: "unfenceBroker", brokerId: 3, brokerEpoch: 3, metadataOffset: controller.image.offset });
      expect(reasonOf(controller.alter([1, 2, 3]))).toBe("INVALID_UPDATE_VERSION");
    },
  );

  it("refuses a member whose fetches were of a former life, also when the present one may join (A-5, W5)", () => {
    const controller = new Controller();
    controller.run({ kind: "registerBroker", brokerId: 3, incarnationId: dirOf(9), endpoints: [], dirs: [dirOf(3)] });
    controller.run({ kind: "fenceBroker", brokerId: 3, brokerEpoch: 9 });
    controller.run({ kind: "unfenceBroker", brokerId: 3, brokerEpoch: 9, metadataOffset: controller.image.offset });
    expect(controller.image.brokers.get("3")).toMatchObject({ brokerEpoch: 9, fenced: false });
    expect(controller.alter([1, 2, 3]).kind).toBe("ineligible");
  });

  it("names what is wrong in the order that the leader can act on", () => {
    const controller = new Controller();
    const reason = (isr: readonly number[], over: Partial<PartitionProposal>, brokerId = 1): string =>
      reasonOf(controller.alter(isr, over, brokerId));
    const { partition } = controller;
    expect(reason([1], { partition: 4 })).toBe("UNKNOWN_TOPIC");
    expect(reason([1], { leaderEpoch: 6, partitionEpoch: 1 })).toBe("NOT_CONTROLLER");
    expect(reason([1], { leaderEpoch: 4, partitionEpoch: 8 })).toBe("NOT_CONTROLLER");
    expect(reason([9], { leaderEpoch: 4, partitionEpoch: 1 })).toBe("FENCED_LEADER_EPOCH");
    for (const isr of [[], [2], [1, 1], [1, 9]]) expect(reason(isr, { partitionEpoch: 6 })).toBe("INVALID_REQUEST");
    expect(reason([1, 2], {}, 2)).toBe("INVALID_REQUEST");
    expect(reason([1], { partitionEpoch: 6 })).toBe("INVALID_UPDATE_VERSION");
    expect(reason([1], { recovering: true })).toBe("INVALID_REQUEST");
    for (const over of [{ leaderEpoch: Number.NaN }, { partitionEpoch: Number.NaN }, { partition: 0.5 }]) {
      expect(controller.alter([1], over).kind).toBe("refused");
    }
    expect(controller.partition).toBe(partition);
    const stale = { kind: "alterPartition" as const, brokerId: 1, brokerEpoch: 9, partitions: [] };
    expect(controller.run(stale)).toBe("STALE_BROKER_EPOCH");
  });

  it("refuses the same partition twice, or too many at once", () => {
    const controller = new Controller();
    const proposal = { topicId, partition: 0, leaderEpoch: 5, partitionEpoch: 7, newIsr: [], recovering: false };
    const request = { kind: "alterPartition" as const, brokerId: 1, brokerEpoch: 1 };
    expect(controller.run({ ...request, partitions: [proposal, proposal] })).toBe("INVALID_REQUEST");
    const many = Array.from({ length: 1_001 }, (_, partition) => ({ ...proposal, partition }));
    expect(controller.run({ ...request, partitions: many })).toBe("INVALID_REQUEST");
  });

  it("ends recovery once, by its leader alone", () => {
    const controller = new Controller({ isr: [1], recovering: true, uncleanEpoch: 5 });
    expect(reasonOf(controller.alter([1, 2], { recovering: true }))).toBe("INVALID_REQUEST");
    expect(controller.alter([1], { recovering: true })).toMatchObject({ kind: "changed", state: { recovering: true } });
    expect(controller.alter([1], { partitionEpoch: 8 })).toMatchObject({ state: { recovering: false } });
    expect(reasonOf(controller.alter([1], { partitionEpoch: 9, recovering: true }))).toBe("INVALID_REQUEST");
  });

  it("says so when a finished reassignment moved the leader", () => {
    const controller = new Controller({ removing: [1] });
    expect(controller.alter([1, 2, 3])).toMatchObject({ kind: "leaderMoved", state: { leader: 2, leaderEpoch: 6 } });
    expect(controller.partition).toMatchObject({ replicas: [2, 3], isr: [2, 3], removing: [] });
  });

  it("records the directory in which a replica was filled again", () => {
    const controller = new Controller();
    const register = { kind: "registerBroker" as const, brokerId: 3, incarnationId: dirOf(9), endpoints: [] };
    controller.run({ kind: "fenceBroker", brokerId: 3, brokerEpoch: 3 });
    controller.run({ ...register, dirs: [dirOf(7)] });
    const { brokerEpoch } = controller.image.brokers.get("3") as { brokerEpoch: number };
    controller.run({ kind: "unfenceBroker", brokerId: 3, brokerEpoch, metadataOffset: brokerEpoch });
    expect(controller.partition.dirs[2]).toBe(dirOf(3));
    const newIsr = [1, 2, 3].map((id) => ({ brokerId: id, brokerEpoch: id === 3 ? brokerEpoch : id }));
    expect(controller.alter([], { newIsr }).kind).toBe("changed");
    expect(controller.partition.dirs[2]).toBe(dirOf(7));
  });
});

describe("decide fenceBroker, registerBroker, unfenceBroker, reportLossy (B-4, B-5, B-6, F-9)", () => {
  it("fences after the broker has left its partitions, and elects when it comes back", () => {
    const controller = new Controller({ isr: [1], minIsr: 1 });
    expect(controller.run({ kind: "fenceBroker", brokerId: 1, brokerEpoch: 1 })).toEqual({ partitions: 1 });
    expect(controller.partition).toMatchObject({ isr: [], elr: [1], leader: noLeader });
    expect(controller.image.brokers.get("1")?.fenced).toBe(true);
    expect(controller.run({ kind: "fenceBroker", brokerId: 1, brokerEpoch: 1 })).toEqual({ partitions: 0 });
    controller.run({ kind: "unfenceBroker", brokerId: 1, brokerEpoch: 1, metadataOffset: 1 });
    expect(controller.partition).toMatchObject({ isr: [1], elr: [], leader: 1, leaderEpoch: 7 });
  });

  it.each([
    ["nothing", [], [2], []],
    ["all", "all" as const, [], [2]],
    ["the partition", [{ topicId, partition: 0 }], [], [2]],
    ["another partition", [{ topicId, partition: 1 }], [2], []],
  ])("a new incarnation that lost %s leaves the ISR, and what it lost the ELR too", (_, lossy, elr, lastKnownElr) => {
    const controller = new Controller();
    const register = { kind: "registerBroker" as const, brokerId: 2, incarnationId: dirOf(9), endpoints: [] };
    controller.run({ ...register, dirs: [dirOf(2)], lossy });
    expect(controller.partition).toMatchObject({ isr: [1], elr, lastKnownElr });
  });

  it("a directory that is not registered any more is lossy without being named", () => {
    const controller = new Controller();
    controller.run({ kind: "fenceBroker", brokerId: 2, brokerEpoch: 2 });
    const register = { kind: "registerBroker" as const, brokerId: 2, incarnationId: dirOf(9), endpoints: [] };
    controller.run({ ...register, dirs: [dirOf(8)], lossy: [] });
    expect(controller.partition).toMatchObject({ isr: [1], elr: [], lastKnownElr: [2] });
  });

  it("the same incarnation again changes nothing (B-1)", () => {
    const controller = new Controller();
    const { image } = controller;
    const again = {
      kind: "registerBroker" as const,
      brokerId: 2,
      incarnationId: dirOf(2),
      endpoints: [],
      dirs: [dirOf(2)],
    };
    expect(controller.run({ ...again, lossy: "all" })).toEqual({ brokerEpoch: 2 });
    expect(controller.image.offset).toBe(image.offset);
  });

  it("damage takes a replica out of everything and begins a leader epoch", () => {
    const controller = new Controller();
    const damaged = {
      kind: "reportLossy" as const,
      brokerId: 2,
      brokerEpoch: 2,
      partitions: [{ topicId, partition: 0 }],
    };
    expect(controller.run(damaged)).toEqual({ partitions: 1 });
    expect(controller.partition).toMatchObject({ isr: [1], elr: [], lastKnownElr: [2], leader: 1, leaderEpoch: 6 });
    expect(controller.run({ ...damaged, partitions: [{ topicId, partition: 3 }] })).toBe("UNKNOWN_TOPIC");
    expect(controller.run({ ...damaged, brokerEpoch: 9 })).toBe("STALE_BROKER_EPOCH");
  });

  it("elects preferred leaders, or with loss", () => {
    const controller = new Controller({ leader: 2 });
    const partitions = [{ topicId, partition: 0 }];
    controller.run({ kind: "electLeaders", mode: "preferred", partitions });
    expect(controller.partition).toMatchObject({ leader: 1, leaderEpoch: 6 });
    controller.run({ kind: "fenceBroker", brokerId: 1, brokerEpoch: 1 });
    controller.run({ kind: "fenceBroker", brokerId: 2, brokerEpoch: 2 });
    controller.run({ kind: "electLeaders", mode: "preferred", partitions });
    expect(controller.partition.leader).toBe(noLeader);
    controller.run({ kind: "electLeaders", mode: "unclean", partitions });
    expect(controller.partition).toMatchObject({ leader: 3, isr: [3], recovering: true });
  });

  it("recovers with what a replica said in its present life only: a later one may have less (6.11)", () => {
    const controller = new Controller();
    const damaged = { kind: "reportLossy" as const, partitions: [{ topicId, partition: 0 }] };
    for (const brokerId of [1, 2, 3]) controller.run({ ...damaged, brokerId, brokerEpoch: brokerId });
    const recover = { kind: "recoverPartition" as const, topicId, partition: 0, leader: 2 };
    expect(controller.run({ ...recover, brokerEpoch: 1 })).toBe("STALE_BROKER_EPOCH");
    expect(controller.partition).toMatchObject({ leader: noLeader, isr: [] });
    expect(controller.run({ ...recover, brokerEpoch: 2 })).toEqual({ partitions: 1 });
    expect(controller.partition).toMatchObject({ leader: 2, isr: [2], recovering: true });
  });

  it("elects with loss who has most of each partition, as it is told", () => {
    const controller = new Controller();
    const partitions = [{ topicId, partition: 0 }];
    const damaged = { kind: "reportLossy" as const, partitions };
    for (const brokerId of [1, 2, 3]) controller.run({ ...damaged, brokerId, brokerEpoch: brokerId });
    expect(controller.partition).toMatchObject({ leader: noLeader, isr: [], elr: [] });
    controller.run({ kind: "electLeaders", mode: "unclean", partitions, candidates: [3] });
    expect(controller.partition).toMatchObject({ leader: 3, isr: [3], recovering: true });
  });

  it("elects with loss even a replica whose directory is gone, when all of them are", () => {
    const controller = new Controller();
    for (const brokerId of [1, 2, 3]) {
      controller.run({ kind: "fenceBroker", brokerId, brokerEpoch: brokerId });
      const reply = controller.run({
        kind: "registerBroker",
        brokerId,
        incarnationId: dirOf(brokerId + 5),
        endpoints: [],
        dirs: [dirOf(brokerId + 5)],
      });
      const { brokerEpoch } = reply as { brokerEpoch: number };
      controller.run({ kind: "unfenceBroker", brokerId, brokerEpoch, metadataOffset: brokerEpoch });
    }
    expect(controller.partition).toMatchObject({ leader: noLeader, isr: [], elr: [] });
    controller.run({ kind: "electLeaders", mode: "unclean", partitions: [{ topicId, partition: 0 }] });
    expect(controller.partition).toMatchObject({ leader: 1, isr: [1], recovering: true, dirs: [6, 7, 8].map(dirOf) });
  });

  it("syncing lasts while replicas outside of the ISR count as complete: they may hold it in memory only", () => {
    const controller = new Controller({ isr: [1], elr: [2], flush: "syncing" });
    const confirm = {
      kind: "confirmFlush" as const,
      brokerId: 1,
      brokerEpoch: 1,
      topicId,
      partition: 0,
      leaderEpoch: 5,
    };
    controller.run({ ...confirm, partitionEpoch: 7 });
    expect(controller.partition.flush).toBe("syncing");
    controller.alter([1, 2]);
    controller.run({ ...confirm, partitionEpoch: 8 });
    expect(controller.partition.flush).toBe("sync");
  });
});
