import type { Partition } from "@varve/cluster";
import { EpochRuns } from "@varve/format";
import type { PartitionLog } from "@varve/log";
import { expect, test } from "vitest";
import { Leading, type WaitingFetch } from "./leading.ts";

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

/** Node 1 leads, 2 and 3 follow; the log ends at 10. */
function withFollowers(): {
  leading: Leading;
  log: { logEndOffset: number };
  wait: (brokerId: number) => WaitingFetch & { heardMs: number };
  at: (ms: number) => void;
} {
  let nowMs = 0;
  const log = {
    logEndOffset: 10,
    highWatermark: 0,
    countedOffset: 10,
    durableOffset: 10,
    logStartOffset: 0,
    epochs: new EpochRuns([{ epoch: 0, start: 0 }]),
    advanceHighWatermark(offset: number) {
      this.highWatermark = offset;
    },
  };
  const leading = new Leading(
    log as unknown as PartitionLog,
    { ...partition, replicas: [1, 2, 3], isr: [1, 2, 3], minIsr: 2, flush: "sync" },
    { brokerId: 1, brokerEpoch: 7 },
    {
      monotonicMs: () => nowMs,
      lagMaxMs: 10_000,
      sessionMs: 3_000,
      factsOf: () => undefined,
      hearsController: () => true,
    },
  );
  const wait = (brokerId: number): WaitingFetch & { heardMs: number } => {
    const at = { brokerEpoch: 1, leaderEpoch: 0, fetchOffset: 10, durableOffset: 10, lastFetchedEpoch: 0, logStart: 0 };
    expect(leading.hear({ brokerId, ...at }).kind).toBe("match");
    const told = { toldHighWatermark: 10, toldLogStart: 0, fetchOffset: 10, heardMs: nowMs };
    const fetch = { ...told, brokerId, wake: () => undefined, nudge: () => undefined };
    leading.wait(fetch);
    leading.advance();
    return fetch;
  };
  return { leading, log, wait, at: (ms) => (nowMs = ms) };
}

test("H-5: a leader is quiet as long as everything is committed and all replicas wait at its end", () => {
  const { leading, log, wait } = withFollowers();
  const second = wait(2);
  expect(leading.isQuiet).toBe(false);
  wait(3);
  expect(leading.isQuiet).toBe(true);
  log.logEndOffset = 11;
  expect(leading.isQuiet).toBe(false);
  log.logEndOffset = 10;
  expect(leading.isQuiet).toBe(true);
  leading.forget(second);
  expect(leading.isQuiet).toBe(false);
});

test.each([
  ["its stream ends", (leading: Leading, fetch: WaitingFetch) => leading.forget(fetch)],
  ["it is woken", (leading: Leading) => leading.wakeWaiting()],
])("H-5: a follower that waited for an hour while nobody looked has lagged for no time once %s", (_, over) => {
  const { leading, log, wait, at } = withFollowers();
  const second = wait(2);
  const third = wait(3);
  at(3_600_000);
  for (const fetch of [second, third]) fetch.heardMs = 3_600_000;
  log.logEndOffset = 11;
  over(leading, second);
  leading.wakeWaiting();
  at(3_600_000 + 10_000);
  expect(leading.propose()).toBeUndefined();
  at(3_600_000 + 10_001);
  expect(leading.propose()).toBeDefined();
});

test("H-5: a stall of the leader is no lag of who waited, however long nobody had looked", () => {
  const { leading, log, wait, at } = withFollowers();
  const fetches = [wait(2), wait(3)];
  at(3_600_000);
  for (const fetch of fetches) fetch.heardMs = 3_600_000;
  at(3_600_000 + 20_000);
  leading.credit(20_000);
  log.logEndOffset = 11;
  leading.wakeWaiting();
  expect(leading.propose()).toBeUndefined();
});
