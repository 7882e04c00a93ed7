import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { emptyDigest, hashOfPartition, replacePair } from "./digest.ts";
import type { Partition } from "./state.ts";

const ids = fc.array(fc.nat({ max: 9 }), { maxLength: 4 });
const epoch = fc.integer({ min: -1, max: 2 ** 31 - 1 });
const partitions: fc.Arbitrary<Partition> = fc.record({
  topicId: fc.oneof(fc.uuid(), fc.string({ maxLength: 8 })),
  partition: fc.nat({ max: 5_000 }),
  replicas: ids,
  dirs: fc.array(fc.string({ maxLength: 8 }), { maxLength: 3 }),
  isr: ids,
  elr: ids,
  leader: epoch,
  leaderEpoch: epoch,
  partitionEpoch: epoch,
  adding: ids,
  removing: ids,
  recovering: fc.boolean(),
  minIsr: fc.nat({ max: 3 }),
  flush: fc.constantFrom("sync", "syncing", "os"),
  lastKnownLeader: epoch,
  lastKnownElr: ids,
  uncleanEpoch: epoch,
});

describe("hashOfPartition", () => {
  it("is what any pair of that key and value adds to the digest (C-9)", () => {
    fc.assert(
      fc.property(partitions, (partition) => {
        const key = `partition/${partition.topicId}/${partition.partition}`;
        expect(hashOfPartition(partition)).toEqual(replacePair(emptyDigest, key, undefined, partition));
      }),
    );
  });
});
