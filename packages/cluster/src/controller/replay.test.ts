import { InvariantError } from "@varve/format";
import { describe, expect, it } from "vitest";
import { decodeBatch, encodeBatch, replayBatch } from "./batch.ts";
import type { MetadataRecord, PartitionRecord } from "./records.ts";
import { replay, replayAll } from "./replay.ts";
import { emptyImage } from "./state.ts";

const topicId = "1".repeat(32);
const topic: MetadataRecord = { type: "Topic", topicId, name: "a" };
const partition: PartitionRecord = {
  type: "Partition",
  topicId,
  partition: 0,
  replicas: [1, 2, 3],
  dirs: ["2", "3", "4"].map((digit) => digit.repeat(32)),
  isr: [1, 2],
  elr: [],
  leader: 1,
  leaderEpoch: 4,
  partitionEpoch: 9,
  adding: [],
  removing: [],
  recovering: false,
  minIsr: 2,
  flush: "sync",
  lastKnownLeader: 1,
  lastKnownElr: [],
  uncleanEpoch: -1,
};
const image = replayAll(emptyImage, [topic, partition]);
const change = { type: "PartitionChange", topicId, partition: 0, expectedPartitionEpoch: 9 } as const;

function partitionAfter(record: MetadataRecord) {
  return replay(image, record).topics.get(topicId)?.partitions[0];
}

describe("replay", () => {
  it("moves the partition epoch with every change, the leader epoch with every assignment (6.2)", () => {
    expect(partitionAfter({ ...change, isr: [1] })).toMatchObject({
      isr: [1],
      leader: 1,
      leaderEpoch: 4,
      partitionEpoch: 10,
    });
    expect(partitionAfter({ ...change, leader: 1 })).toMatchObject({ leader: 1, leaderEpoch: 5, partitionEpoch: 10 });
    expect(partitionAfter({ ...change, leader: -1 })).toMatchObject({ leader: -1, leaderEpoch: 5 });
    expect(partitionAfter({ ...change, leader: -2 })).toMatchObject({ leader: 1, leaderEpoch: 4 });
  });

  it.each([
    ["an unknown topic", { type: "RemoveTopic", topicId: "9".repeat(32), removedAtMs: 0, forgetBeforeMs: 0 }],
    ["a topic id that exists", { type: "Topic", topicId, name: "b" }],
    ["a name that collides", { type: "Topic", topicId: "5".repeat(32), name: "a" }],
    ["a partition that is not the next", { ...partition, partition: 2 }],
    ["another partition epoch", { ...change, expectedPartitionEpoch: 8 }],
    ["an unknown partition", { ...change, partition: 1 }],
    ["a leader outside of the ISR", { ...change, leader: 3 }],
    ["an ISR outside of the replicas", { ...change, isr: [1, 7] }],
    ["an ELR that is in the ISR", { ...change, elr: [2] }],
    ["an ELR at minIsr", { ...change, elr: [3] }],
    ["minIsr above the replicas", { ...change, minIsr: 4 }],
    ["an unknown way to flush", { ...change, flush: "maybe" }],
    ["a broker epoch that is not the record's number", registration(9)],
    ["a change of an unregistered broker", { type: "BrokerChange", brokerId: 1, brokerEpoch: 3, fenced: 0 }],
    [
      "a config of an unknown topic",
      { type: "Config", scope: "topic", name: "8".repeat(32), key: "flush", value: "os" },
    ],
    ["producer ids that go back", { type: "ProducerIdBlock", brokerId: 1, brokerEpoch: 3, next: 0 }],
  ] as [string, MetadataRecord][])("is fatal for %s (C-2)", (_, record) => {
    expect(() => replay(image, record)).toThrow(InvariantError);
  });

  it("accepts the registration whose epoch is its own number (B-1)", () => {
    expect(replay(image, registration(3)).brokers.get("1")?.brokerEpoch).toBe(3);
  });
});

describe("replayAll", () => {
  it("makes what one record after the other makes, and leaves every image before it as it was (C-9)", () => {
    const records: MetadataRecord[] = [
      { ...change, isr: [1] },
      { ...partition, partition: 1 },
      { ...change, partition: 1, leader: 2 },
      { ...change, expectedPartitionEpoch: 10, leader: 1 },
    ];
    const [first, ...rest] = records as [MetadataRecord, ...MetadataRecord[]];
    const afterOne = replayAll(image, [first]);
    const afterAll = replayAll(afterOne, rest);
    expect(afterAll).toEqual(records.reduce(replay, image));
    expect(afterAll).toEqual(replayAll(image, records));
    expect(image).toEqual(replayAll(emptyImage, [topic, partition]));
    expect(afterOne).toEqual(replay(image, first));
  });
});

describe("replayBatch", () => {
  it("refuses a batch twice, or one after a gap (C-2)", () => {
    const batch = decodeBatch(encodeBatch({ firstOffset: 3, writtenAtMs: 0, records: [{ ...change, isr: [1] }] }));
    const after = replayBatch(image, batch);
    expect(after.offset).toBe(3);
    expect(() => replayBatch(after, batch)).toThrow(InvariantError);
    expect(() => replayBatch(emptyImage, batch)).toThrow(InvariantError);
  });
});

function registration(brokerEpoch: number): MetadataRecord {
  return {
    type: "RegisterBroker",
    brokerId: 1,
    brokerEpoch,
    incarnationId: "6".repeat(32),
    endpoints: [],
    rack: "",
    dirs: ["2".repeat(32)],
    features: [],
    fenced: true,
  };
}
