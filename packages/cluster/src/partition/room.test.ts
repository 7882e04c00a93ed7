import { EpochRuns } from "@varve/format";
import { describe, expect, it } from "vitest";
import type { Partition } from "../controller/state.ts";
import { samplePartition } from "../testing/sample-partition.ts";
import { planHandOver } from "./hand-over.ts";
import { pendingProposal } from "./isr.ts";
import { advanceHighWatermark, beginLeadership, hearFetch, proposeIsr } from "./leadership.ts";
import type { BrokerFacts, Leadership, LeaderNow } from "./leadership.ts";
import { lookAtRoom, roomHoldMs, roomy } from "./room.ts";

const now: LeaderNow = { logEnd: 10, durableEnd: 10, logStart: 0, nowMs: 1_000, lagMaxMs: 10_000 };

/** Broker 1 leads 2 and 3, who fetched at these offsets in its epoch, or not at all; `short` have said that they have no room. */
function leading(over: Partial<Partition>, fetched: Record<number, number>, durableMax = 10): Leadership {
  const me = { brokerId: 1, brokerEpoch: 10 };
  const began = beginLeadership(samplePartition(over), me, { logEnd: 5, highWatermark: 5, nowMs: now.nowMs });
  const runs = new EpochRuns([{ epoch: 5, start: 0 }]);
  const log = { logStart: 0, logEnd: now.logEnd, runs, leaderEpoch: 5, startOffset: began.startOffset };
  return Object.entries(fetched).reduce((leadership, [id, fetchOffset]) => {
    const brokerId = Number(id);
    const where = { fetchOffset, durableOffset: Math.min(durableMax, fetchOffset), lastFetchedEpoch: 5, logStart: 0 };
    return hearFetch(leadership, { brokerId, brokerEpoch: brokerId * 10, leaderEpoch: 5, ...where }, log, now.nowMs)
      .leadership;
  }, began);
}

const factsWith =
  (...short: number[]) =>
  (id: number): BrokerFacts => ({ brokerEpoch: id * 10, isActive: true, isShortOfRoom: short.includes(id) });

function proposed(leadership: Leadership, ...short: number[]): number[] | undefined {
  const { isr } = proposeIsr(leadership, now, factsWith(...short));
  return pendingProposal(isr)?.newIsr.map(({ brokerId }) => brokerId);
}

describe("a follower without room (H-13)", () => {
  it("leaves the ISR at once when something waits for it", () => {
    const leadership = leading({}, { 2: 10, 3: 8 });
    expect(proposed(leadership)).toBeUndefined();
    expect(proposed(leadership, 3)).toEqual([1, 2]);
    // It has not fetched in this epoch, and will not.
    expect(proposed(leading({}, { 2: 10 }), 3)).toEqual([1, 2]);
  });

  it("stays while it lacks nothing, or nothing waits for it", () => {
    expect(proposed(leading({}, { 2: 10, 3: 10 }), 2, 3)).toBeUndefined();
    expect(proposed(leading({}, { 2: 10, 3: 10 }), 2)).toBeUndefined();
    const idle = { ...leading({}, {}), highWatermark: 10 };
    expect(proposed(idle, 2, 3)).toBeUndefined();
  });

  it("neither joins nor is waited for while it says so, and joins when it has room again", () => {
    const leadership = leading({ isr: [1, 2] }, { 2: 10, 3: 10 });
    expect(proposed(leadership, 3)).toBeUndefined();
    expect(proposed(leadership)).toEqual([1, 2, 3]);
    // It has the last record, and not on disk yet.
    const syncing = leading({ isr: [1], minIsr: 1 }, { 3: 10 }, 9);
    expect(advanceHighWatermark(syncing, now, factsWith()).highWatermark).toBe(9);
    expect(advanceHighWatermark(syncing, now, factsWith(3)).highWatermark).toBe(10);
  });
});

describe("a leader without room (H-13)", () => {
  const planned = (leadership: Leadership, ...short: number[]): number | undefined =>
    planHandOver(leadership, now, factsWith(...short));

  it("hands over to the first in sync that has room, when minIsr of them have", () => {
    expect(planned(leading({}, { 2: 10, 3: 10 }))).toBe(2);
    expect(planned(leading({ minIsr: 1 }, { 2: 10, 3: 10 }), 2)).toBe(3);
    expect(planned(leading({ replicas: [3, 1, 2] }, { 2: 10, 3: 10 }))).toBe(3);
  });

  it("stays when too few would be left to acknowledge anything, and so when all are full", () => {
    expect(planned(leading({}, { 2: 10, 3: 10 }), 2)).toBeUndefined();
    expect(planned(leading({ minIsr: 1 }, { 2: 10, 3: 10 }), 2, 3)).toBeUndefined();
    expect(planned(leading({ isr: [1, 2] }, { 2: 10, 3: 10 }))).toBeUndefined();
    expect(planned(leading({ replicas: [1], isr: [1], minIsr: 1 }, {}))).toBeUndefined();
  });

  it("knows of no room where nobody has fetched in this epoch, or another incarnation has", () => {
    expect(planned(leading({}, { 3: 10 }))).toBeUndefined();
    expect(planned(leading({ minIsr: 1 }, { 3: 10 }))).toBe(3);
    const renewed = (id: number): BrokerFacts => ({ brokerEpoch: id * 10 + 1, isActive: true });
    expect(planHandOver(leading({ minIsr: 1 }, { 2: 10 }), now, renewed)).toBeUndefined();
    const fenced = (id: number): BrokerFacts => ({ brokerEpoch: id * 10, isActive: false });
    expect(planHandOver(leading({ minIsr: 1 }, { 2: 10 }), now, fenced)).toBeUndefined();
  });

  it("waits until what it has asked for is decided, and until it has recovered", () => {
    const leadership = leading({ isr: [1, 2], minIsr: 1 }, { 2: 10, 3: 10 });
    expect(planned(leadership)).toBe(2);
    expect(planned(proposeIsr(leadership, now, factsWith()))).toBeUndefined();
    expect(planned(leading({ isr: [1, 2], minIsr: 1, recovering: true }, { 2: 10 }))).toBeUndefined();
  });
});

describe("the room of a node (H-13)", () => {
  it("is gone at once, and back only when it has been there for a while", () => {
    expect(lookAtRoom(roomy, false, 1_000)).toBe(roomy);
    const short = lookAtRoom(roomy, true, 1_000);
    expect(short.isShort).toBe(true);
    expect(lookAtRoom(short, false, 1_000 + roomHoldMs - 1)).toBe(short);
    expect(lookAtRoom(short, false, 1_000 + roomHoldMs)).toBe(roomy);
    const again = lookAtRoom(short, true, 3_000);
    expect(lookAtRoom(again, false, 1_000 + roomHoldMs)).toBe(again);
  });
});
