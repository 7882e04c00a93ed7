// SPDX-License-Identifier: Apache-2.0
// TermRuns against a plain list of terms.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TermRuns } from "./term-runs.ts";

/** A script of steps on a log that starts empty: grow by an entry of a term that is `rise` later, cut either end. */
const step = fc.oneof(
  fc.record({ type: fc.constant("append" as const), rise: fc.nat(2) }),
  fc.record({ type: fc.constant("truncate" as const), share: fc.nat(100) }),
  fc.record({ type: fc.constant("forget" as const), share: fc.nat(100) }),
);

describe("TermRuns", () => {
  it("knows the terms that a plain list knows, through truncation at both ends", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const runs = new TermRuns([]);
        // terms[i] is that of index i + 1; index `first` is the smallest known.
        const terms: number[] = [];
        let first = 1;
        let term = 1;
        for (const each of steps) {
          if (each.type === "append") {
            term += each.rise;
            terms.push(term);
            runs.append(terms.length, term);
          } else if (each.type === "truncate") {
            const from = first + 1 + Math.floor(((terms.length - first) * each.share) / 100);
            if (from > terms.length) continue;
            terms.length = from - 1;
            runs.truncateFrom(from);
          } else {
            if (terms.length === 0) continue;
            first += Math.floor(((terms.length - first) * each.share) / 100);
            runs.forgetBelow(first);
          }
        }
        for (let index = first; index <= terms.length; index += 1) expect(runs.termAt(index)).toBe(terms[index - 1]);
        if (first > 1) expect(runs.termAt(first - 1)).toBeUndefined();
        for (let limit = 0; limit <= term + 1; limit += 1) {
          let expected = terms.length;
          while (expected >= first && terms[expected - 1]! > limit) expected -= 1;
          if (terms.length >= first) expect(runs.floor(terms.length, limit)).toBe(expected);
        }
      }),
    );
  });

  it("refuses runs that do not rise (L4)", () => {
    expect(
      () =>
        new TermRuns([
          { start: 1, term: 2 },
          { start: 5, term: 2 },
        ]),
    ).toThrow(/L4/);
    expect(
      () =>
        new TermRuns([
          { start: 5, term: 1 },
          { start: 5, term: 2 },
        ]),
    ).toThrow(/L4/);
    const runs = new TermRuns([{ start: 1, term: 2 }]);
    expect(() => runs.append(4, 1)).toThrow(/L4/);
  });
});
