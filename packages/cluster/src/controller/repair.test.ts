import { describe, expect, it } from "vitest";
import { decide } from "./commands.ts";
import type { Command } from "./commands.ts";
import { decideRepairPartitions, misplacedLeaders } from "./repair.ts";
import { replayAll } from "./replay.ts";
import { emptyImage } from "./state.ts";
import type { ControllerImage, Partition } from "./state.ts";

const uuid = (n: number): string => n.toString(16).padStart(32, "0");
let ids = 100;

function after(image: ControllerImage, ...commands: Command[]): ControllerImage {
  return commands.reduce((state, command) => {
    const decision = decide(state, command, { nowMs: 0, newUuid: () => uuid(ids++) });
    if ("refusal" in decision) throw new Error(decision.refusal.message);
    return replayAll(state, decision.records);
  }, image);
}

function withBrokers(count: number): ControllerImage {
  let image = emptyImage;
  for (let brokerId = 1; brokerId <= count; brokerId += 1) {
    image = after(image, {
      kind: "registerBroker",
      brokerId,
      incarnationId: uuid(brokerId),
      endpoints: [],
      dirs: [uuid(brokerId)],
    });
    const brokerEpoch = image.offset;
    image = after(image, { kind: "unfenceBroker", brokerId, brokerEpoch, metadataOffset: brokerEpoch });
  }
  return image;
}

function only(image: ControllerImage): Partition {
  return [...image.topics.values()][0]?.partitions[0] as Partition;
}

const epochOf = (image: ControllerImage, brokerId: number): number =>
  image.brokers.get(String(brokerId))?.brokerEpoch ?? -1;

describe("what a new controller repairs (C-10)", () => {
  it("takes brokers out of ISRs that were fenced while the series of changes was interrupted, and elects", () => {
    const image = after(withBrokers(3), { kind: "createTopic", name: "t", replicationFactor: 3 });
    const { leader } = only(image);
    // Its predecessor wrote this before the partitions' own records, or one of them was lost with it.
    const fenced = replayAll(image, [
      { type: "BrokerChange", brokerId: leader, brokerEpoch: epochOf(image, leader), fenced: 1 },
    ]);
    const decision = decideRepairPartitions(fenced);
    if ("refusal" in decision) throw new Error("refused");
    expect(decision.reply).toEqual({ partitions: 1 });
    expect(decision.atomic).toBe(false);
    const partition = only(replayAll(fenced, decision.records));
    expect(partition.isr).toHaveLength(2);
    expect(partition.isr).not.toContain(leader);
    expect(partition.isr).toContain(partition.leader);
  });

  it("changes nothing where there is nothing to repair", () => {
    const image = after(withBrokers(3), { kind: "createTopic", name: "t", partitions: 5, replicationFactor: 3 });
    expect(decideRepairPartitions(image)).toMatchObject({ records: [], reply: { partitions: 0 } });
  });

  it("also takes out all members of an ISR, and says that nobody leads", () => {
    const image = after(withBrokers(2), { kind: "createTopic", name: "t", replicationFactor: 2 });
    const fenced = replayAll(
      image,
      [1, 2].map((brokerId) => ({
        type: "BrokerChange" as const,
        brokerId,
        brokerEpoch: epochOf(image, brokerId),
        fenced: 1,
      })),
    );
    const decision = decideRepairPartitions(fenced);
    if ("refusal" in decision) throw new Error("refused");
    const partition = only(replayAll(fenced, decision.records));
    expect(partition.leader).toBe(-1);
    expect([...partition.isr, ...partition.elr].sort((a, b) => a - b)).toEqual([1, 2]);
  });
});

describe("preferred leaders (6.10)", () => {
  it("finds what its preferred replica could lead, once that is in sync again and active", () => {
    let image = after(withBrokers(3), { kind: "createTopic", name: "t", replicationFactor: 3 });
    const before = only(image);
    const preferred = before.leader;
    expect(misplacedLeaders(image)).toEqual([]);
    const me = { brokerId: preferred, brokerEpoch: epochOf(image, preferred) };
    image = after(image, { kind: "fenceBroker", ...me });
    expect(only(image).leader).not.toBe(preferred);
    expect(misplacedLeaders(image)).toEqual([]);
    image = after(image, { kind: "unfenceBroker", ...me, metadataOffset: image.offset });
    expect(misplacedLeaders(image)).toEqual([]);
    const { leader, leaderEpoch, partitionEpoch, topicId, partition } = only(image);
    const newIsr = before.replicas.map((brokerId) => ({ brokerId, brokerEpoch: epochOf(image, brokerId) }));
    image = after(image, {
      kind: "alterPartition",
      brokerId: leader,
      brokerEpoch: epochOf(image, leader),
      partitions: [{ topicId, partition, leaderEpoch, partitionEpoch, newIsr, recovering: false }],
    });
    expect(misplacedLeaders(image)).toEqual([{ topicId, partition }]);
    expect(misplacedLeaders(image, { notTo: new Set([preferred]) })).toEqual([]);
    image = after(image, { kind: "electLeaders", mode: "preferred", partitions: misplacedLeaders(image) });
    expect(only(image).leader).toBe(preferred);
  });
});
