// Random commands against the controller. What must hold after every one of them: the image keeps its rules, the records lead
// to the same image by way of their bytes, and a snapshot leads back to it.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError, InvariantError } from "@varve/format";
import { decodeBatch, encodeBatch, replayBatch } from "./batch.ts";
import { decide } from "./commands.ts";
import type { Command } from "./commands.ts";
import { printDigest } from "./digest.ts";
import { topicsByName } from "./image.ts";
import { replayAll } from "./replay.ts";
import { decodeSnapshot, encodeSnapshot, snapshotRecords } from "./snapshot.ts";
import { emptyImage, noLeader } from "./state.ts";
import type { ControllerImage } from "./state.ts";
import { topicConfigNames } from "./topic-config.ts";

const runs = Number(process.env["VARVE_FUZZ_RUNS"] ?? 150);
const names = fc.constantFrom("a", "b", "a.b", "a_b", "c-1", "..", "", "ü");
const values = fc.oneof(
  fc.constantFrom("1", "3", "os", "sync", "-1", "7d", "1MiB", "compact"),
  fc.string({ maxLength: 5 }),
);
const keys = fc.oneof(fc.constantFrom(...topicConfigNames), fc.constantFrom("retention.mss", "__proto__", ""));
const changes = fc.array(fc.record({ key: keys, value: fc.option(values) }), { maxLength: 4 });
const brokers = fc.integer({ min: 1, max: 4 });
const hex = (digit: number): string => String(digit).repeat(32);

/** Commands whose epochs are filled in from the image, right or a little wrong. */
const steps = fc.oneof(
  fc.record({
    kind: fc.constant("register" as const),
    broker: brokers,
    incarnation: fc.nat(9),
    dir: fc.nat(3),
    lossy: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("unfence" as const), broker: brokers }),
  fc.record({ kind: fc.constant("epochs" as const), broker: brokers }),
  fc.record({ kind: fc.constant("fence" as const), broker: brokers }),
  fc.record({
    kind: fc.constant("damage" as const),
    broker: brokers,
    name: names,
    partition: fc.nat(4),
    elect: fc.option(fc.constantFrom("preferred" as const, "unclean" as const)),
  }),
  fc.record({
    kind: fc.constant("isr" as const),
    name: names,
    partition: fc.nat(4),
    isr: fc.uniqueArray(brokers, { maxLength: 4 }),
    off: fc.integer({ min: -1, max: 1 }),
    recovering: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("ids" as const), broker: brokers, stale: fc.boolean() }),
  fc.record({
    kind: fc.constant("create" as const),
    name: names,
    partitions: fc.integer({ min: 0, max: 6 }),
    factor: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined }),
    configs: fc.dictionary(keys, values, { maxKeys: 2 }),
  }),
  fc.record({ kind: fc.constant("grow" as const), name: names, partitions: fc.integer({ min: 0, max: 9 }) }),
  fc.record({ kind: fc.constant("delete" as const), name: names }),
  fc.record({ kind: fc.constant("alter" as const), name: fc.option(names), changes }),
  fc.record({
    kind: fc.constant("epoch" as const),
    broker: brokers,
    name: names,
    partition: fc.integer({ min: -1, max: 4 }),
    off: fc.integer({ min: -1, max: 1 }),
    confirm: fc.boolean(),
  }),
);
type Step = typeof steps extends fc.Arbitrary<infer S> ? S : never;

function commandOf(image: ControllerImage, step: Step): Command {
  const epochOf = (brokerId: number): number => image.brokers.get(String(brokerId))?.brokerEpoch ?? 7;
  switch (step.kind) {
    case "register":
      return {
        kind: "registerBroker",
        brokerId: step.broker,
        incarnationId: hex(step.incarnation),
        endpoints: [{ name: "grpc", host: "localhost", port: 9094 }],
        rack: step.broker % 2 === 0 ? "even" : "",
        dirs: [hex(step.dir)],
        ...(step.lossy ? { lossy: "all" } : {}),
      };
    case "fence":
      return { kind: "fenceBroker", brokerId: step.broker, brokerEpoch: epochOf(step.broker) };
    case "damage": {
      const partitions = [{ topicId: image.topicIds.get(step.name) ?? hex(0), partition: step.partition }];
      const brokerId = step.broker;
      return step.elect === null
        ? { kind: "reportLossy", brokerId, brokerEpoch: epochOf(brokerId), partitions }
        : { kind: "electLeaders", mode: step.elect, partitions };
    }
    case "isr": {
      const topicId = image.topicIds.get(step.name) ?? hex(0);
      const found = image.topics.get(topicId)?.partitions[step.partition];
      const brokerId = found?.leader ?? 1;
      const proposal = {
        topicId,
        partition: step.partition,
        leaderEpoch: found?.leaderEpoch ?? 0,
        partitionEpoch: (found?.partitionEpoch ?? 0) + step.off,
        newIsr: [...new Set([brokerId, ...step.isr])].map((id) => ({ brokerId: id, brokerEpoch: epochOf(id) })),
        recovering: step.recovering,
      };
      return { kind: "alterPartition", brokerId, brokerEpoch: epochOf(brokerId), partitions: [proposal] };
    }
    case "unfence": {
      const brokerEpoch = epochOf(step.broker);
      return { kind: "unfenceBroker", brokerId: step.broker, brokerEpoch, metadataOffset: image.offset };
    }
    case "epochs":
      return { kind: "startEpochs", brokerId: step.broker, brokerEpoch: epochOf(step.broker) };
    case "ids": {
      const brokerEpoch = epochOf(step.broker) - (step.stale ? 1 : 0);
      return { kind: "allocateProducerIds", brokerId: step.broker, brokerEpoch };
    }
    case "create": {
      const { name, partitions, configs, factor } = step;
      return {
        kind: "createTopic",
        name,
        partitions,
        configs,
        ...(factor === undefined ? {} : { replicationFactor: factor }),
      };
    }
    case "grow":
      return { kind: "addPartitions", topic: step.name, partitions: step.partitions };
    case "delete":
      return { kind: "deleteTopic", topic: step.name };
    case "alter":
      return step.name === null
        ? { kind: "alterClusterConfig", changes: step.changes }
        : { kind: "alterTopicConfig", topic: step.name, changes: step.changes };
    case "epoch": {
      const topicId = image.topicIds.get(step.name) ?? hex(0);
      const found = image.topics.get(topicId)?.partitions[step.partition];
      const target = {
        brokerId: step.broker,
        brokerEpoch: epochOf(step.broker),
        topicId,
        partition: step.partition,
        leaderEpoch: (found?.leaderEpoch ?? 0) + step.off,
      };
      return step.confirm
        ? { kind: "confirmFlush", ...target, partitionEpoch: found?.partitionEpoch ?? 0 }
        : { kind: "newLeaderEpoch", ...target };
    }
  }
}

function checkImage(image: ControllerImage): void {
  let partitions = 0;
  expect(image.topicIds.size).toBe(image.topics.size);
  expect(image.collisions.size).toBe(image.topics.size);
  for (const topic of topicsByName(image)) {
    expect(image.topicIds.get(topic.name)).toBe(topic.id);
    expect(topic.partitions.length).toBeGreaterThan(0);
    for (const [number, partition] of topic.partitions.entries()) {
      partitions += 1;
      expect(partition).toMatchObject({ partition: number, topicId: topic.id });
      expect(partition.isr.every((id) => partition.replicas.includes(id))).toBe(true);
      expect(partition.leader === noLeader || partition.isr.includes(partition.leader)).toBe(true);
      expect(partition.minIsr).toBeLessThanOrEqual(partition.replicas.length);
      for (const id of partition.isr) expect(image.brokers.get(String(id))?.fenced).toBe(false);
    }
  }
  expect(image.partitionCount).toBe(partitions);
  for (const scope of image.configs.keys()) {
    expect(scope === "cluster/" || image.topics.has(scope.slice("topic/".length))).toBe(true);
  }
  for (const block of image.producerIdBlocks.values()) expect(block.next).toBeLessThanOrEqual(image.nextProducerId);
}

describe("controller", () => {
  it("keeps its rules under any commands; bytes, replay and snapshots lead to the same image (C-2, C-9)", () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 40 }), (sequence) => {
        let ids = 0;
        let image = emptyImage;
        let follower = emptyImage;
        let nowMs = 0;
        for (const step of sequence) {
          nowMs += 3_600_000;
          const newUuid = (): string => (++ids).toString(16).padStart(32, "0");
          const decision = decide(image, commandOf(image, step), { nowMs, newUuid });
          if ("refusal" in decision) {
            expect(decision.refusal.message).not.toBe("");
            continue;
          }
          const before = image;
          const beforeRecords = snapshotRecords(before);
          image = replayAll(image, decision.records);
          expect(snapshotRecords(before)).toEqual(beforeRecords);
          const bytes = encodeBatch({ firstOffset: before.offset + 1, writtenAtMs: nowMs, records: decision.records });
          follower = replayBatch(follower, decodeBatch(bytes));
          expect(printDigest(follower.digest)).toBe(printDigest(image.digest));
          expect(follower.offset).toBe(image.offset);
          checkImage(image);
        }
        expect(snapshotRecords(follower)).toEqual(snapshotRecords(image));
        const restored = decodeSnapshot(encodeSnapshot(image));
        expect(snapshotRecords(restored)).toEqual(snapshotRecords(image));
        expect(restored).toMatchObject({
          offset: image.offset,
          nextProducerId: image.nextProducerId,
          digest: image.digest,
        });
        checkImage(restored);
      }),
      { numRuns: runs },
    );
  });

  it("decodeBatch() and decodeSnapshot() answer hostile bytes with FormatError, or replay refuses them", () => {
    const images = fc.uint8Array({ maxLength: 200 });
    const sample = encodeSnapshot(emptyImage);
    fc.assert(
      fc.property(images, fc.nat(), fc.nat(255), (bytes, at, flip) => {
        const flipped = sample.slice();
        flipped[at % flipped.length] = (flipped[at % flipped.length] ?? 0) ^ flip;
        for (const hostile of [bytes, flipped, Uint8Array.of(1, ...bytes)]) {
          for (const decode of [decodeBatch, decodeSnapshot]) {
            try {
              decode(hostile);
            } catch (error) {
              if (!(error instanceof FormatError) && !(error instanceof InvariantError)) throw error;
            }
          }
        }
      }),
      { numRuns: runs * 4 },
    );
  });
});
