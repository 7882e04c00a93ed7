import { EpochRuns } from "@varve/format";
import { describe, expect, it } from "vitest";
import { beginFollowing, planFetch, planFetchAnswer, planSyncNotice } from "./replica.ts";
import type { FetchAnswer, Following, ReplicaLogView } from "./replica.ts";

/** Offsets 0 to 9 of epoch 1, 10 to 14 of epoch 2; committed up to 10. */
const log: ReplicaLogView & { readonly runs: EpochRuns } = {
  logStart: 0,
  logEnd: 15,
  highWatermark: 10,
  lastBatchEpoch: 2,
  runs: new EpochRuns([
    { epoch: 1, start: 0 },
    { epoch: 2, start: 10 },
  ]),
};
const partition = { leader: 2, leaderEpoch: 3 };

function fetching(view: ReplicaLogView = log, before?: Following): Following {
  return planFetch(beginFollowing(partition, 40, before), view, view.logEnd).following;
}
function records(fields: Partial<Extract<FetchAnswer, { kind: "records" }>> = {}): FetchAnswer {
  const who = { fetchId: 0, brokerEpoch: 40, leaderEpoch: 3 };
  return { ...who, kind: "records", batches: [], highWatermark: 0, logStart: 0, ...fields };
}
const diverged = (epoch: number, end: number, fetchId = 0): FetchAnswer => ({
  fetchId,
  brokerEpoch: 40,
  leaderEpoch: 3,
  kind: "diverged",
  epoch,
  end,
});
const batch = (baseOffset: number, endOffset: number, leaderEpoch = 3) => ({
  baseOffset,
  endOffset,
  leaderEpoch,
  isSound: true,
});
const stepOf = (answer: FetchAnswer, view = log, uncleanEpoch = -1) =>
  planFetchAnswer(fetching(view), view, answer, uncleanEpoch).step;

describe("planFetch", () => {
  it("asks at the log end, with the epoch of the last batch and never more durable than that (G-7)", () => {
    const { request } = planFetch(beginFollowing(partition, 40, undefined), log, 99);
    expect(request).toEqual({
      fetchId: 0,
      brokerEpoch: 40,
      leaderEpoch: 3,
      fetchOffset: 15,
      durableOffset: 15,
      lastFetchedEpoch: 2,
      logStart: log.logStart,
    });
  });
});

describe("planFetchAnswer", () => {
  it("takes only the answer of the outstanding fetch (G-1)", () => {
    expect(stepOf(records({ fetchId: 1 })).kind).toBe("ignore");
    expect(stepOf(records({ brokerEpoch: 39 })).kind).toBe("ignore");
    expect(stepOf(records({ leaderEpoch: 2 })).kind).toBe("ignore");
    const moved = { ...log, logEnd: 14 };
    expect(planFetchAnswer(fetching(), moved, records(), -1).step.kind).toBe("ignore");
    const { following } = planFetchAnswer(fetching(), log, records(), -1);
    expect(planFetchAnswer(following, log, records(), -1).step.kind).toBe("ignore");
  });

  it("does not obey a late copy of a divergence answer after it has grown back to the same offset (G-1)", () => {
    const first = planFetchAnswer(fetching(), log, diverged(2, 14), -1);
    expect(first.step).toEqual({ kind: "truncate", to: 14, highWatermark: 10 });
    const again = planFetch(first.following, log, log.logEnd).following;
    expect(planFetchAnswer(again, log, diverged(2, 14), -1).step.kind).toBe("ignore");
    const anew = planFetch(beginFollowing(partition, 40, again), log, 0).request;
    expect(anew.fetchId).toBe(2);
  });

  it("cuts back first, and looks at no high watermark then (G-2, G-3, W9)", () => {
    expect(stepOf(diverged(1, 10))).toEqual({ kind: "truncate", to: 10, highWatermark: 10 });
    expect(stepOf(diverged(2, 20))).toEqual({ kind: "truncate", to: 15, highWatermark: 10 });
  });

  it("quarantines rather than cut off what was committed, unless an unclean election allowed it (G-4)", () => {
    expect(stepOf(diverged(1, 9))).toEqual({ kind: "quarantine", to: 9 });
    expect(stepOf(diverged(1, 9), log, 1)).toEqual({ kind: "quarantine", to: 9 });
    expect(stepOf(diverged(1, 9), log, 3)).toEqual({ kind: "truncate", to: 9, highWatermark: 9 });
  });

  it("appends what fits and asks again for the rest, never skips (G-5, KAFKA-18723)", () => {
    const count = (...batches: ReturnType<typeof batch>[]): number => {
      const step = stepOf(records({ batches }));
      return step.kind === "append" ? step.count : -1;
    };
    expect(count(batch(15, 17), batch(17, 18))).toBe(2);
    expect(count(batch(15, 17), { ...batch(17, 18), isSound: false }, batch(18, 19))).toBe(1);
    expect(count(batch(16, 17))).toBe(0);
    expect(count(batch(15, 15))).toBe(0);
    expect(count(batch(15, 16, 1))).toBe(0);
    expect(count(batch(15, 16, 4))).toBe(0);
    expect(count(batch(15, 16, 3), batch(16, 17, 2))).toBe(1);
    expect(stepOf(records({ batches: [batch(15, 16, 4)] }))).toMatchObject({
      fault: "the batch at 15 is of epoch 4, and the leader's is 3",
    });
  });

  it("lets go of an epoch that it began and wrote nothing in, when older batches come (G-3, KAFKA-10706)", () => {
    const led = new EpochRuns([...log.runs.runs, { epoch: 5, start: 15 }]);
    const drops = (leaderEpoch: number): unknown => {
      const following = planFetch(beginFollowing({ leader: 2, leaderEpoch: 6 }, 40, undefined), log, 15).following;
      const answer = records({ leaderEpoch: 6, batches: [batch(15, 16, leaderEpoch)] });
      return planFetchAnswer(following, { ...log, runs: led }, answer, -1).step;
    };
    expect(drops(3)).toMatchObject({ kind: "append", count: 1, dropsEmptyEpochs: true });
    expect(drops(5)).toMatchObject({ kind: "append", count: 1, dropsEmptyEpochs: false });
    expect(drops(6)).toMatchObject({ kind: "append", count: 1, dropsEmptyEpochs: false });
  });

  it("follows the leader's high watermark within its own log, and its log start within that (G-6)", () => {
    const step = (highWatermark: number, logStart = 0) =>
      stepOf(records({ batches: [batch(15, 17)], highWatermark, logStart }));
    expect(step(99)).toMatchObject({ highWatermark: 17 });
    expect(step(16)).toMatchObject({ highWatermark: 16 });
    expect(step(3)).toMatchObject({ highWatermark: 10 });
    expect(step(12, 14)).toMatchObject({ highWatermark: 12, logStart: 12 });
    expect(step(16, 11)).toMatchObject({ logStart: 11 });
  });

  it("begins anew where the leader's log begins, with its high watermark (G-8, KAFKA-9491)", () => {
    const outOfRange = (logStart: number, logEnd: number): FetchAnswer => {
      return { fetchId: 0, brokerEpoch: 40, leaderEpoch: 3, kind: "outOfRange", logStart, logEnd };
    };
    expect(stepOf(outOfRange(20, 30))).toEqual({ kind: "startAt", at: 20 });
    expect(stepOf(outOfRange(3, 9)).kind).toBe("quarantine");
    expect(stepOf(outOfRange(3, 9), log, 3)).toEqual({ kind: "startAt", at: 3 });
  });

  it("begins where a batch does when the leader's log starts inside of it, and the own one is empty (G-8)", () => {
    const empty = { ...log, logStart: 17, logEnd: 17, highWatermark: 17, lastBatchEpoch: -1, runs: new EpochRuns([]) };
    const batches = [batch(15, 20, 2), batch(20, 21)];
    const answer = records({ batches, highWatermark: 21, logStart: 17 });
    expect(stepOf(answer, empty)).toMatchObject({ beginsAt: 15, count: 2, highWatermark: 21, logStart: 17 });
    // What this log has is not given up for that, and nothing is for a batch that cannot be taken.
    expect(stepOf(answer, { ...empty, logStart: 16 })).toMatchObject({ beginsAt: undefined, count: 0 });
    const later = records({ batches: [batch(15, 20, 4)], highWatermark: 21, logStart: 17 });
    expect(stepOf(later, empty)).toMatchObject({ beginsAt: undefined, count: 0, highWatermark: 17 });
    const below = records({ batches: [batch(15, 17, 2)], highWatermark: 21, logStart: 17 });
    expect(stepOf(below, empty)).toMatchObject({ beginsAt: undefined, count: 0 });
  });

  it("tries again when it was refused", () => {
    expect(stepOf({ fetchId: 0, brokerEpoch: 40, leaderEpoch: 3, kind: "refused" })).toEqual({ kind: "retry" });
  });
});

describe("planSyncNotice", () => {
  it("says nothing before the leader has found no difference in this epoch", () => {
    const following = fetching();
    expect(planSyncNotice(following, 12)).toBeUndefined();
    expect(planSyncNotice(planFetchAnswer(following, log, diverged(2, 14), -1).following, 12)).toBeUndefined();
    const matched = planFetchAnswer(following, log, records(), -1).following;
    expect(planSyncNotice(matched, 12)).toBe(12);
    expect(planSyncNotice(beginFollowing(partition, 40, matched), 12)).toBeUndefined();
  });
});
