import { describe, expect, it } from "vitest";
import { dirOf, samplePartition } from "../testing/sample-partition.ts";
import { planRecovery } from "./recovery.ts";
import type { RecoveryMode, ReplicaReport } from "./recovery.ts";
import { replayAll } from "./replay.ts";
import { emptyImage, noLeader } from "./state.ts";
import type { ControllerImage } from "./state.ts";

const partition = samplePartition({
  isr: [],
  leader: noLeader,
  leaderEpoch: 9,
  flush: "os",
  lastKnownLeader: 3,
  lastKnownElr: [2, 3],
});

/** Brokers 1 to 3 with epochs 1 to 3; `wiped` have another directory, `fenced` are not let in. */
function imageOf(wiped: readonly number[] = [], fenced: readonly number[] = []): ControllerImage {
  const ids = [1, 2, 3];
  return replayAll(emptyImage, [
    ...ids.map((brokerId) => ({
      type: "RegisterBroker" as const,
      brokerId,
      brokerEpoch: brokerId,
      incarnationId: dirOf(brokerId),
      endpoints: [],
      rack: "",
      dirs: [wiped.includes(brokerId) ? dirOf(7) : dirOf(brokerId)],
      features: [],
      fenced: true,
    })),
    ...ids
      .filter((id) => !fenced.includes(id))
      .map((brokerId) => ({ type: "BrokerChange" as const, brokerId, brokerEpoch: brokerId, fenced: 0 })),
  ]);
}
const report = (brokerId: number, lastEpoch: number, logEnd: number): ReplicaReport => {
  return { brokerId, brokerEpoch: brokerId, lastEpoch, logEnd, highWatermark: 0 };
};
const plan = (reports: readonly ReplicaReport[], image = imageOf(), waitedMs = 0, mode: RecoveryMode = "balanced") =>
  planRecovery(image, partition, { mode, reports, waitedMs });

describe("planRecovery (6.11)", () => {
  it("waits for everybody who was complete last, and gives the others some time (W11)", () => {
    expect(plan([report(2, 9, 120)], imageOf([], [3]), 60_000)).toEqual({ kind: "wait", for: [3] });
    const both = [report(2, 9, 120), report(3, 9, 117)];
    expect(plan(both, imageOf([], [1]))).toEqual({ kind: "wait", for: [1] });
    expect(plan(both, imageOf([], [1]), 10_000)).toEqual({ kind: "elect", brokerId: 2, brokerEpoch: 2 });
  });

  it("takes the later epoch before the longer log, and the order of the replicas when they are equal", () => {
    const all = (a: ReplicaReport, b: ReplicaReport, c: ReplicaReport) => plan([c, b, a]);
    expect(all(report(1, 8, 500), report(2, 9, 100), report(3, 9, 90))).toEqual({
      kind: "elect",
      brokerId: 2,
      brokerEpoch: 2,
    });
    expect(all(report(1, 9, 100), report(2, 9, 100), report(3, 9, 90))).toEqual({
      kind: "elect",
      brokerId: 1,
      brokerEpoch: 1,
    });
  });

  it("has no candidate in a wiped directory, were it the last leader", () => {
    const wiped = imageOf([3, 2]);
    expect(plan([report(3, -1, 0), report(2, -1, 0), report(1, 9, 110)], wiped)).toEqual({
      kind: "elect",
      brokerId: 1,
      brokerEpoch: 1,
    });
  });

  it("counts answers of active brokers in their present lives only (KAFKA-19522)", () => {
    expect(plan([report(2, 9, 120), report(3, 9, 130)], imageOf([], [3]))).toEqual({ kind: "wait", for: [3] });
    const former = { ...report(3, 9, 130), brokerEpoch: 2 };
    expect(plan([report(2, 9, 120), former])).toEqual({ kind: "wait", for: [3] });
  });

  it("waits for an operator, for time, or not at all, by mode", () => {
    expect(plan([report(2, 9, 1)], imageOf(), 99_999, "manual")).toEqual({ kind: "wait", for: [] });
    expect(plan([report(1, 9, 1)], imageOf([], [2, 3]), 9_999, "aggressive")).toEqual({ kind: "wait", for: [2, 3] });
    expect(plan([report(1, 9, 1)], imageOf([], [2, 3]), 10_000, "aggressive")).toEqual({
      kind: "elect",
      brokerId: 1,
      brokerEpoch: 1,
    });
    expect(plan([], imageOf([1, 2, 3]), 99_999)).toEqual({ kind: "wait", for: [] });
  });

  it("is not needed when somebody leads or is known to be complete", () => {
    const options = { mode: "balanced", reports: [], waitedMs: 0 } as const;
    expect(planRecovery(imageOf(), { ...partition, elr: [2] }, options).kind).toBe("notNeeded");
    expect(planRecovery(imageOf(), { ...partition, isr: [2], leader: 2 }, options).kind).toBe("notNeeded");
  });

  it("takes a damaged replica only where there is no other replica", () => {
    const damaged = { ...report(2, 9, 120), damaged: true };
    expect(plan([damaged, report(3, 9, 117), report(1, 9, 90)])).toEqual({
      kind: "elect",
      brokerId: 3,
      brokerEpoch: 3,
    });
    const all = [1, 2, 3].map((id) => ({ ...report(id, 9, 100), damaged: true }));
    expect(plan(all, imageOf(), 60_000)).toEqual({ kind: "wait", for: [] });
    const sole = { ...partition, replicas: [2], dirs: [dirOf(2)], lastKnownElr: [2], lastKnownLeader: 2 };
    const options = { mode: "balanced", reports: [damaged], waitedMs: 0 } as const;
    expect(planRecovery(imageOf(), sole, options)).toEqual({ kind: "elect", brokerId: 2, brokerEpoch: 2 });
  });

  describe("between a whole log with less and a damaged one with more", () => {
    const damaged = { ...report(2, 9, 120), damaged: true };
    const alone = { ...partition, minIsr: 1, lastKnownElr: [2], lastKnownLeader: 2 };
    const planFor = (of: typeof partition, reports: readonly ReplicaReport[], mode: RecoveryMode, image = imageOf()) =>
      planRecovery(image, of, { mode, reports, waitedMs: 60_000 });
    const elected = (brokerId: number) => ({ kind: "elect", brokerId, brokerEpoch: brokerId });

    it("takes the whole one while one of those that were complete may be whole", () => {
      // r2 led to 120 with 117 committed, and has damage at 120; r3 has all of 117.
      expect(planFor(partition, [damaged, report(3, 9, 117), report(1, 9, 90)], "balanced")).toEqual(elected(3));
      // A disk that is gone counts as one that has lost something, too.
      const other = { ...partition, lastKnownElr: [1, 2, 3], minIsr: 3 };
      const whole = [damaged, report(1, 9, 117)];
      expect(planFor(other, whole, "balanced", imageOf([3]))).toEqual(elected(1));
    });

    it("leaves it to an operator when as many as minIsr have lost something", () => {
      // minIsr 1: r2 alone had everything up to 120 and more, and what lies before its damage is acknowledged.
      const reports = [report(1, 9, 50), damaged, report(3, 9, 50)];
      expect(planFor(alone, reports, "balanced")).toEqual({ kind: "wait", for: [] });
      expect(planFor(alone, reports, "aggressive")).toEqual(elected(1));
      const gone = [report(1, 9, 50), damaged];
      expect(planFor({ ...partition, minIsr: 2 }, gone, "balanced", imageOf([3]))).toEqual({ kind: "wait", for: [] });
    });

    it("leaves it to an operator when the whole one lacks what is known to be committed", () => {
      // r3 was in sync, lost its disk and was being filled anew when r2, with 110 of its 120 committed, was damaged behind 90.
      const cut = { ...report(2, 9, 90), damaged: true, highWatermark: 110 };
      const reports = [cut, report(3, 9, 30), report(1, 9, 50)];
      expect(planFor(partition, reports, "balanced")).toEqual({ kind: "wait", for: [] });
      expect(planFor(partition, reports, "aggressive")).toEqual(elected(1));
      // Nothing is left to choose where the damaged one has no more, and what another lineage committed is no record of this one.
      expect(planFor(partition, [cut, report(3, 9, 90), report(1, 9, 50)], "balanced")).toEqual(elected(3));
      expect(planFor(partition, [cut, report(3, 10, 30), report(1, 9, 50)], "balanced")).toEqual(elected(3));
    });

    it("takes the whole one when the damaged one has no more than that", () => {
      expect(planFor(alone, [report(1, 9, 120), damaged, report(3, 9, 50)], "balanced")).toEqual(elected(1));
      expect(planFor(alone, [report(1, 10, 50), damaged, report(3, 9, 50)], "balanced")).toEqual(elected(1));
    });
  });

  it("waits ten seconds, when aggressive, also for those that are known to be complete", () => {
    const known = { ...partition, elr: [3] };
    const options = { mode: "aggressive", reports: [report(1, 9, 50), report(2, 9, 60)] } as const;
    const image = imageOf([], [3]);
    expect(planRecovery(image, known, { ...options, waitedMs: 9_999 })).toEqual({ kind: "wait", for: [3] });
    expect(planRecovery(image, known, { ...options, waitedMs: 10_000 })).toEqual({
      kind: "elect",
      brokerId: 2,
      brokerEpoch: 2,
    });
  });
});
