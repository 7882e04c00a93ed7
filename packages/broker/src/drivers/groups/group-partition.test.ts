import type { GroupCommand, GroupCoordinator } from "@varve/cluster";
import { expect, test } from "vitest";
import { Histogram } from "../../metrics/histogram.ts";
import { refuse } from "../../refusal.ts";
import type { LocalPartition } from "../partition.ts";
import type { PendingProduce } from "../pending-produce.ts";
import type { TimingWheel } from "../timing-wheel.ts";
import { GroupPartition } from "./group-partition.ts";
import { GroupStats } from "./group-stats.ts";

/** A coordinator on a log that takes whole batches and commits each at once, or refuses it. */
function coordinatorHere() {
  const state = { isProven: true, isCurrent: true, isFull: false, isGone: false, nowMs: 0 };
  let end = 0;
  const log = { id: { topic: "__consumer_offsets", partition: 0 }, logStartOffset: 0, highWatermark: 0 };
  const partition = {
    partition: 0,
    isSoleLeader: false,
    leading: { isProven: () => state.isProven, knowsLatest: true, state: { leaderEpoch: 3, startOffset: 0 } },
    log,
    produce: (pending: PendingProduce): void => {
      pending.settled = true;
      if (state.isFull) pending.refusal = refuse("STORAGE_FULL", "No room", {});
      else {
        pending.baseOffset = pending.lastOffset = end++;
        log.highWatermark = end;
      }
    },
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
    clock: { nowMs: () => state.nowMs, monotonicMs: () => state.nowMs },
    wheel: { schedule: () => ({ cancel: () => undefined }) } as unknown as TimingWheel,
    coordinator: {
      limits,
      newUuid: () => "1",
      topics: { named: () => undefined, matching: () => [], isGone: () => state.isGone },
    },
    isCurrent: () => state.isCurrent,
    appendTimeoutMs: 1,
    stats: new GroupStats(new Histogram([1])),
    log: () => undefined,
  });
  return { coordinator, state };
}

test("H-11: a coordinator that the cluster may have given up answers nothing of what it knows", async () => {
  const { coordinator, state } = coordinatorHere();
  await coordinator.settled(10_000);
  expect(coordinator.whyNotReady).toBeUndefined();
  const asked = () => coordinator.call("g", { kind: "topics" });
  expect(await asked()).toBeUndefined();
  state.isProven = false;
  expect(coordinator.whyNotReady).toMatchObject({ reason: "NOT_COORDINATOR" });
  expect(await asked()).toMatchObject({ reason: "NOT_COORDINATOR" });
});

test.each(["isProven", "isCurrent", "isFull"] as const)(
  "O-4: topics that went while nothing could be decided (%s) are forgotten when it can be again",
  async (what) => {
    const { coordinator, state } = coordinatorHere();
    await coordinator.settled(10_000);
    const offsets = [{ topicId: "0".repeat(32), partition: 0, offset: 5, leaderEpoch: -1, metadata: "" }];
    const commit: GroupCommand = { kind: "commit", commit: { claim: undefined, offsets } };
    expect(await coordinator.call("g", commit)).toEqual([undefined]);
    expect(coordinator.groups.has("g")).toBe(true);
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    state.isGone = true;
    state[what] = !state[what];
    for (const look of [() => coordinator.topicsChanged(), () => coordinator.tick()]) {
      look();
      await turn();
    }
    expect(coordinator.groups.has("g")).toBe(true);
    state[what] = !state[what];
    coordinator.tick();
    await turn();
    expect(coordinator.groups.has("g")).toBe(false);
  },
);

test("a member that comes on another connection is not silent while it waits for the log", async () => {
  const { coordinator, state } = coordinatorHere();
  await coordinator.settled(10_000);
  const named = { memberId: "m", instanceId: "", clientId: "", clientHost: "" };
  const wishes = { topics: ["t"], pattern: "", sessionTimeoutMs: 2, rebalanceTimeoutMs: 9 };
  const joined = coordinator.call("g", { kind: "join", join: { ...named, ...wishes, assignor: "range" } });
  expect(await joined).toMatchObject({ memberId: "m" });
  state.nowMs = 1;
  coordinator.supersede("g", "m");
  for (const [nowMs, members] of [
    [2, 1],
    [3, 0],
  ] as const) {
    state.nowMs = nowMs;
    coordinator.tick();
    await new Promise((resolve) => setImmediate(resolve));
    expect(coordinator.groups.get("g")?.members.size).toBe(members);
  }
});
