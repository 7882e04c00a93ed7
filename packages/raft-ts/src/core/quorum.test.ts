// SPDX-License-Identifier: Apache-2.0
// Majorities against the definition: some subset of more than half has it.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { majority, majorityReached, voteResult } from "./quorum.ts";

/** All subsets of `items` with more than half of them. */
function majorities<T>(items: readonly T[]): T[][] {
  const subsets = Array.from({ length: 2 ** items.length }, (_, bits) => items.filter((_, at) => (bits >> at) & 1));
  return subsets.filter((subset) => subset.length * 2 > items.length);
}

describe("quorum", () => {
  it("majorityReached() is the largest value that some majority has (C1)", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(8), { maxLength: 7 }), (values) => {
        const best = Math.max(0, ...majorities(values).map((subset) => Math.min(...subset)));
        expect(majorityReached(values, (value) => value)).toBe(values.length === 0 ? 0 : best);
      }),
    );
  });

  it("voteResult() is won when a majority granted, lost when none can any more (E2)", () => {
    const vote = fc.constantFrom(true, false, undefined);
    fc.assert(
      fc.property(fc.array(vote, { minLength: 1, maxLength: 7 }), (given) => {
        const voters = given.map((_, at) => at);
        const votes = new Map(given.flatMap((each, at) => (each === undefined ? [] : [[at, each] as const])));
        const sets = majorities(voters);
        const won = sets.some((set) => set.every((voter) => votes.get(voter) === true));
        const open = sets.some((set) => set.every((voter) => votes.get(voter) !== false));
        expect(voteResult(voters, votes)).toBe(won ? "won" : open ? "pending" : "lost");
      }),
    );
  });

  it("voteResult() counts voters only, and nobody wins among none (M9)", () => {
    expect(voteResult(["a"], new Map([["b", true]]))).toBe("pending");
    expect(voteResult([], new Map([["a", true]]))).not.toBe("won");
  });

  it("majority() of n is more than half", () => {
    expect([1, 2, 3, 4, 5, 6, 7].map(majority)).toEqual([1, 2, 2, 3, 3, 4, 4]);
  });
});
