import { GroupCoordinator } from "@varve/cluster";
import { expect, test } from "vitest";
import { Histogram } from "../../metrics/histogram.ts";
import type { LocalPartition } from "../partition.ts";
import type { TimingWheel } from "../timing-wheel.ts";
import { GroupPartition } from "./group-partition.ts";
import { GroupStats } from "./group-stats.ts";

test("H-11: a coordinator that the cluster may have given up answers nothing of what it knows", async () => {
  let isProven = true;
  const partition = {
    partition: 0,
    isSoleLeader: false,
    leading: { isProven: () => isProven, knowsLatest: true, state: { leaderEpoch: 3, startOffset: 0 } },
    log: { id: { topic: "__consumer_offsets", partition: 0 }, logStartOffset: 0, highWatermark: 0 },
  };
  const limits: ConstructorParameters<typeof GroupCoordinator>[0]["limits"] = {
    membersMax: 1,
    sessionTimeoutMsMin: 1,
    sessionTimeoutMsMax: 2,
    metadataBytesMax: 1,
    groupsMax: 1,
    waitingMax: 9,
    batchBytesMax: 1_000,
  };
  const coordinator = new GroupPartition(partition as unknown as LocalPartition, 3, {
    clock: { nowMs: () => 0, monotonicMs: () => 0 },
    wheel: { schedule: () => ({ cancel: () => undefined }) } as unknown as TimingWheel,
    coordinator: {
      limits,
      newUuid: () => "1",
      topics: { named: () => undefined, matching: () => [], isGone: () => false },
    },
    isCurrent: () => true,
    appendTimeoutMs: 1,
    stats: new GroupStats(new Histogram([1])),
    log: () => undefined,
  });
  await coordinator.settled(10_000);
  expect(coordinator.whyNotReady).toBeUndefined();
  const asked = () => coordinator.call("g", { kind: "topics" });
  expect(await asked()).toBeUndefined();
  isProven = false;
  expect(coordinator.whyNotReady).toMatchObject({ reason: "NOT_COORDINATOR" });
  expect(await asked()).toMatchObject({ reason: "NOT_COORDINATOR" });
});
