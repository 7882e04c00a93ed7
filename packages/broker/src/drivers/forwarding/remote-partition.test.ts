import type { FetchRequestFields } from "@varve/api";
import type { ReadResult } from "@varve/log";
import { SimulatedClock, SimulatedTime } from "@varve/log/testing";
import { expect, test } from "vitest";
import { TopicMetrics } from "../../metrics/topic-metrics.ts";
import { type Refusal, refuse } from "../../refusal.ts";
import { TimingWheel } from "../timing-wheel.ts";
import type { Forwarding } from "./forwarding.ts";
import { RemotePartition, type RemotePartitionDependencies } from "./remote-partition.ts";

function remoteOf(
  clock: SimulatedClock,
  forwarding: { readonly unary: (leader: number, call: string, request: FetchRequestFields) => Promise<unknown> },
  { leader, whyNotRemote }: Pick<RemotePartitionDependencies, "leader" | "whyNotRemote">,
): RemotePartition {
  return new RemotePartition(
    {
      id: { topicId: "a".repeat(32), topic: "t", partition: 0 },
      metrics: new TopicMetrics("t"),
      highWatermark: 0,
      logStartOffset: 0,
      currentLeaderEpoch: undefined,
      readBytes: 1_000,
      group: "",
    },
    {
      forwarding: forwarding as unknown as Forwarding,
      wheel: new TimingWheel(clock),
      monotonicMs: () => clock.monotonicMs(),
      leader,
      whyNotRemote,
      hint: () => ({ nodeId: 2, address: "", leaderEpoch: 0 }),
    },
  );
}

test("a reader of a topic that was made again hears nothing of the new one: the leader is asked by id until this node knows", async () => {
  const time = new SimulatedTime();
  const clock = new SimulatedClock(time);
  const asked: (string | undefined)[] = [];
  let closedBy: Refusal | undefined;
  const unary = (_leader: number, _call: string, { topicId }: FetchRequestFields): Promise<Refusal> => {
    asked.push(topicId);
    return Promise.resolve(refuse("UNKNOWN_TOPIC", "It was created again"));
  };
  const partition = remoteOf(clock, { unary }, { leader: () => 2, whyNotRemote: () => closedBy });
  let woken = 0;
  partition.waitForRecords({ waitOffset: 1, heapIndex: -1, wake: () => void woken++ });
  await time.pass(1_000);
  expect(new Set(asked)).toEqual(new Set(["a".repeat(32)]));
  expect([woken, partition.closedBy]).toEqual([0, undefined]);
  closedBy = refuse("UNKNOWN_TOPIC", "It is gone");
  await time.pass(1_000);
  expect([woken, partition.closedBy]).toEqual([1, closedBy]);
  clock.stop();
});

test("a leader that has nothing and does not wait is asked ten times a second, not as often as it answers", async () => {
  const time = new SimulatedTime();
  const clock = new SimulatedClock(time);
  let asked = 0;
  const nothing = { batches: new Uint8Array(0), nextOffset: 0, highWatermark: 0, logStartOffset: 0 };
  const unary = async (): Promise<unknown> => {
    // Bounded, so that the test ends when nobody pauses.
    if (++asked > 1_000) return refuse("INTERNAL", "asked far too often");
    return nothing;
  };
  const partition = remoteOf(clock, { unary }, { leader: () => 2, whyNotRemote: () => undefined });
  let woken = 0;
  partition.waitForRecords({ waitOffset: 1, heapIndex: -1, wake: () => void woken++ });
  await time.pass(1_000);
  expect(asked).toBeLessThan(15);
  expect([woken, partition.closedBy]).toEqual([0, undefined]);
  clock.stop();
});

test("a reader is told at once when what it reads through this node is led here, or gone: nobody else will have it", async () => {
  const time = new SimulatedTime();
  const clock = new SimulatedClock(time);
  let leader: number | undefined = 2;
  let closedBy: Refusal | undefined;
  const forwarding = { unary: () => Promise.resolve(refuse("NOT_LEADER", "Not any more")) };
  const partition = remoteOf(clock, forwarding, { leader: () => leader, whyNotRemote: () => closedBy });
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
