import type { ReadResult } from "@varve/log";
import { SimulatedClock, SimulatedTime } from "@varve/log/testing";
import { expect, test } from "vitest";
import { TopicMetrics } from "../../metrics/topic-metrics.ts";
import { type Refusal, refuse } from "../../refusal.ts";
import { TimingWheel } from "../timing-wheel.ts";
import type { Forwarding } from "./forwarding.ts";
import { RemotePartition } from "./remote-partition.ts";

test("a reader is told at once when what it reads through this node is led here, or gone: nobody else will have it", async () => {
  const time = new SimulatedTime();
  const clock = new SimulatedClock(time);
  let leader: number | undefined = 2;
  let closedBy: Refusal | undefined;
  const forwarding = { unary: () => Promise.resolve(refuse("NOT_LEADER", "Not any more")) };
  const partition = new RemotePartition(
    {
      id: { topicId: "a".repeat(32), topic: "t", partition: 0 },
      metrics: new TopicMetrics("t"),
      highWatermark: 0,
      logStartOffset: 0,
      currentLeaderEpoch: undefined,
      readBytes: 1_000,
    },
    {
      forwarding: forwarding as unknown as Forwarding,
      wheel: new TimingWheel(clock),
      monotonicMs: () => clock.monotonicMs(),
      leader: () => leader,
      whyNotRemote: () => closedBy,
      hint: () => ({ nodeId: 2, address: "", leaderEpoch: 0 }),
    },
  );
  expect(partition.log.readCached({ offset: 0, maxBytes: 1, limit: 1 })).toEqual<ReadResult>({ kind: "empty" });
  let woken = 0;
  partition.waitForRecords({ waitOffset: 1, heapIndex: -1, wake: () => void woken++ });
  await time.pass(1_000);
  expect([woken, partition.closedBy]).toEqual([0, undefined]);
  leader = undefined;
  closedBy = refuse("LEADER_NOT_AVAILABLE", "This broker leads it now");
  await time.pass(1_000);
  expect([woken, partition.closedBy]).toEqual([1, closedBy]);
  clock.stop();
});
