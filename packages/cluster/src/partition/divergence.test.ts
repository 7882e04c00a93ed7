import { EpochRuns } from "@varve/format";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkFetchPoint, leaderEndFor, truncationPoint } from "./divergence.ts";
import type { LeaderLogView } from "./divergence.ts";

/** A log as the epochs of its offsets: `log("1x10 2x3")` has epoch 1 at 0-9 and epoch 2 at 10-12. */
function epochsOf(text: string): number[] {
  return text.split(" ").flatMap((run) => {
    const [epoch, count] = run.split("x").map(Number) as [number, number];
    return Array.from({ length: count }, () => epoch);
  });
}

function runsOf(epochs: readonly number[]): EpochRuns {
  const runs = new EpochRuns();
  for (const [offset, epoch] of epochs.entries()) runs.add(epoch, offset);
  return runs;
}

function leaderOf(epochs: readonly number[], leaderEpoch: number): LeaderLogView {
  const runs = runsOf(epochs).add(leaderEpoch, epochs.length);
  return { logStart: 0, logEnd: epochs.length, runs, leaderEpoch, startOffset: epochs.length };
}

/** Fetches until the leader finds no difference; the follower's log then, and how often it cut. */
function converge(leader: LeaderLogView, follower: readonly number[]): { log: number[]; cuts: number[] } {
  const log = [...follower];
  const cuts: number[] = [];
  for (let round = 0; round < 50; round += 1) {
    const check = checkFetchPoint(leader, { fetchOffset: log.length, lastFetchedEpoch: log.at(-1) ?? -1 });
    if (check.kind !== "diverged") return { log, cuts };
    log.length = truncationPoint({ logStart: 0, logEnd: log.length, runs: runsOf(log) }, check);
    cuts.push(log.length);
  }
  throw new Error("It does not end.");
}

describe("checkFetchPoint and truncationPoint (6.8)", () => {
  it("find where two logs part after fast elections (W7)", () => {
    const leader = leaderOf(epochsOf("1x10 3x2"), 4);
    const asked = { fetchOffset: 13, lastFetchedEpoch: 2 };
    expect(checkFetchPoint(leader, asked)).toEqual({ kind: "diverged", epoch: 1, end: 10 });
    expect(converge(leader, epochsOf("1x10 2x3"))).toEqual({ log: epochsOf("1x10"), cuts: [10] });
  });

  it("need another round when the follower does not know the leader's epoch either (KAFKA-6361)", () => {
    const leader = leaderOf(epochsOf("1x5 3x5 5x1"), 6);
    expect(converge(leader, epochsOf("1x5 2x3 4x4"))).toEqual({ log: epochsOf("1x5"), cuts: [8, 5] });
  });

  it("put out of range before divergence (KAFKA-12996)", () => {
    const leader = { ...leaderOf(epochsOf("1x10"), 2), logStart: 5 };
    expect(checkFetchPoint(leader, { fetchOffset: 4, lastFetchedEpoch: 9 })).toEqual({
      kind: "outOfRange",
      logStart: 5,
      logEnd: 10,
    });
    expect(checkFetchPoint(leader, { fetchOffset: 11, lastFetchedEpoch: -1 }).kind).toBe("outOfRange");
    expect(checkFetchPoint(leader, { fetchOffset: 11, lastFetchedEpoch: 1 })).toMatchObject({ kind: "diverged" });
    expect(checkFetchPoint(leader, { fetchOffset: 7, lastFetchedEpoch: -1 }).kind).toBe("match");
  });

  it("know the leader's own epoch without a record in it, and after its history was lost (KAFKA-7415, KAFKA-15608)", () => {
    const { runs: _, ...view } = leaderOf(epochsOf("1x4"), 3);
    const lost = { ...view, runs: new EpochRuns() };
    expect(leaderEndFor(lost, 3)).toEqual({ epoch: 3, end: 4 });
    const grown = { ...view, logEnd: 6, runs: runsOf(epochsOf("1x4")) };
    expect(leaderEndFor(grown, 1)).toEqual({ epoch: 1, end: 4 });
    expect(leaderEndFor(grown, 3)).toEqual({ epoch: 3, end: 6 });
  });

  it("cut exactly what differs, whatever elections made of the logs", () => {
    const reign = fc.record({
      leader: fc.nat(2),
      appends: fc.nat(3),
      copies: fc.array(fc.record({ to: fc.nat(2), upTo: fc.nat(20) }), { maxLength: 2 }),
    });
    fc.assert(
      fc.property(fc.array(reign, { maxLength: 12 }), (reigns) => {
        const logs: number[][] = [[], [], []];
        const at = (index: number): number[] => logs[index] as number[];
        for (const [number, { leader, appends, copies }] of reigns.entries()) {
          const own = at(leader);
          const view = leaderOf(own, number + 1);
          for (let count = 0; count < appends; count += 1) own.push(number + 1);
          for (const { to, upTo } of copies.filter(({ to }) => to !== leader)) {
            const full = { ...view, logEnd: own.length };
            const { log } = converge(full, at(to));
            logs[to] = own.slice(0, Math.max(log.length, Math.min(upTo, own.length)));
          }
        }
        for (const [leader, follower] of [
          [0, 1],
          [1, 2],
          [2, 0],
        ] as const) {
          const mine = at(leader);
          const theirs = at(follower);
          const parted = theirs.findIndex((epoch, offset) => mine[offset] !== epoch);
          const common = parted < 0 ? Math.min(mine.length, theirs.length) : parted;
          expect(converge(leaderOf(mine, reigns.length + 1), theirs).log).toEqual(mine.slice(0, common));
        }
      }),
    );
  });
});
