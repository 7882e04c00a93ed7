// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { EpochRuns } from "./epoch-runs.ts";
import { InvariantError } from "./invariant.ts";

const three = (): EpochRuns =>
  new EpochRuns([
    { epoch: 2, start: 0 },
    { epoch: 3, start: 40 },
    { epoch: 7, start: 55 },
  ]);

describe("EpochRuns", () => {
  it("endFor() answers the largest epoch not above the asked one, and where the next begins", () => {
    const runs = three();
    expect(runs.endFor(2, 60)).toEqual({ epoch: 2, end: 40 });
    expect(runs.endFor(5, 60)).toEqual({ epoch: 3, end: 55 });
    expect(runs.endFor(7, 60)).toEqual({ epoch: 7, end: 60 });
    expect(runs.endFor(9, 60)).toEqual({ epoch: 7, end: 60 });
  });

  it("endFor() answers below the first epoch with that epoch and the first start; without runs with the log's end", () => {
    expect(new EpochRuns([{ epoch: 4, start: 10 }]).endFor(1, 60)).toEqual({ epoch: 1, end: 10 });
    expect(new EpochRuns().endFor(1, 60)).toEqual({ epoch: 1, end: 60 });
  });

  it("add() replaces an epoch that wrote nothing, ignores the same epoch, refuses older ones", () => {
    const runs = three().add(8, 60).add(8, 70).add(9, 60);
    expect(runs.toArray().slice(2)).toEqual([
      { epoch: 7, start: 55 },
      { epoch: 9, start: 60 },
    ]);
    expect(() => runs.add(8, 99)).toThrow(InvariantError);
    expect(() => runs.add(10, 59)).toThrow(InvariantError);
  });

  it("truncateTo() drops an empty epoch at the very end (G-3)", () => {
    expect(three().add(8, 60).truncateTo(60).latest).toEqual({ epoch: 7, start: 55 });
    expect(three().truncateTo(0).runs).toEqual([]);
  });

  it("truncateBefore() keeps the epoch of the new first offset", () => {
    expect(three().truncateBefore(54).toArray()).toEqual([
      { epoch: 3, start: 54 },
      { epoch: 7, start: 55 },
    ]);
    expect(three().truncateBefore(90).toArray()).toEqual([{ epoch: 7, start: 90 }]);
    expect(new EpochRuns([{ epoch: 4, start: 10 }]).truncateBefore(3).toArray()).toEqual([{ epoch: 4, start: 10 }]);
  });

  it("isAscending() refuses what a damaged file may hold", () => {
    expect(
      EpochRuns.isAscending([
        { epoch: 1, start: 0 },
        { epoch: 1, start: 5 },
      ]),
    ).toBe(false);
    expect(
      EpochRuns.isAscending([
        { epoch: 1, start: 5 },
        { epoch: 2, start: 5 },
      ]),
    ).toBe(false);
    expect(EpochRuns.isAscending([{ epoch: -1, start: 5 }])).toBe(false);
    expect(EpochRuns.isAscending([{ epoch: 1, start: 0.5 }])).toBe(false);
    expect(() => new EpochRuns([{ epoch: 1, start: NaN }])).toThrow(InvariantError);
  });

  it("behaves as an array with one epoch per offset does", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("append" as const), records: fc.nat(4), epochs: fc.nat(2) }),
      fc.record({ kind: fc.constant("cut" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.record({ kind: fc.constant("raise" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const runs = new EpochRuns();
        const epochs: number[] = []; // by offset
        let first = 0;
        let epoch = 0;
        for (const s of steps) {
          if (s.kind === "append") {
            epoch += s.epochs;
            runs.add(epoch, epochs.length);
            for (let count = 0; count < s.records; count++) epochs.push(epoch);
          } else if (s.kind === "cut") {
            epochs.length = first + Math.floor((epochs.length - first) * s.share);
            runs.truncateTo(epochs.length);
            epoch = Math.max(epoch, runs.latestEpoch) + 1;
          } else {
            first += Math.floor((epochs.length - first) * s.share);
            runs.truncateBefore(first);
          }
          for (let offset = first; offset < epochs.length; offset++) expect(runs.epochAt(offset)).toBe(epochs[offset]);
          expect(EpochRuns.isAscending(runs.runs)).toBe(true);
          for (const asked of new Set(epochs.slice(first))) {
            expect(runs.endFor(asked, epochs.length)).toEqual({ epoch: asked, end: epochs.lastIndexOf(asked) + 1 });
          }
        }
      }),
    );
  });
});
