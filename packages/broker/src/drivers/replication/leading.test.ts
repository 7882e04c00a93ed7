import type { Partition } from "@varve/cluster";
import type { PartitionLog } from "@varve/log";
import { expect, test } from "vitest";
import { Leading } from "./leading.ts";

const partition: Partition = {
  topicId: "00000000000000000000000000000001",
  partition: 0,
  replicas: [1],
  dirs: ["00000000000000000000000000000002"],
  isr: [1],
  elr: [],
  leader: 1,
  leaderEpoch: 0,
  partitionEpoch: 0,
  adding: [],
  removing: [],
  recovering: false,
  minIsr: 1,
  flush: "syncing",
  lastKnownLeader: -1,
  lastKnownElr: [],
  uncleanEpoch: -1,
};

test("ID18: a replica that is alone and comes from os names itself durable only once it is", () => {
  const log = { logEndOffset: 10, highWatermark: 10, durableOffset: 4 } as PartitionLog;
  const leading = new Leading(
    log,
    partition,
    { brokerId: 1, brokerEpoch: 7 },
    { monotonicMs: () => 0, lagMaxMs: 10_000, sessionMs: 3_000, factsOf: () => undefined, hearsController: () => true },
  );
  expect(leading.durableReplicas(4)).toBe(1);
  expect(leading.durableReplicas(5)).toBe(0);
});
