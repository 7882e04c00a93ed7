// SPDX-License-Identifier: Apache-2.0
// L8: however two logs differ, finding where they part costs one probe for each term, not one for each entry.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bootWith, settle } from "../testing/one-core.ts";
import { RaftCore } from "./raft.ts";
import type { PeerMessage } from "./types.ts";

function flush(core: RaftCore, to: string): PeerMessage[] {
  return settle(core).sent.filter((message) => message.to === to);
}

/** How many appends a new leader with `ours` sends until a follower with `theirs` accepts one. */
function probes(ours: readonly number[], theirs: readonly number[]): number {
  const last = Math.max(1, ...ours, ...theirs);
  const a = new RaftCore({ self: "a", seed: 1n }, bootWith(ours, last));
  const b = new RaftCore({ self: "b", seed: 2n }, bootWith(theirs, last));
  while (a.status().role !== "pre-candidate") a.tick();
  a.step({ type: "PreVoteResp", from: "c", to: "a", term: last + 1, granted: true });
  flush(a, "b");
  a.step({ type: "VoteResp", from: "c", to: "a", term: last + 1, granted: true });
  for (let count = 1; ; count += 1) {
    const append = flush(a, "b").find((message) => message.type === "Append");
    if (append === undefined) throw new Error(`The leader fell silent after ${count - 1} probes`);
    b.step(append);
    const answer = flush(b, "a").find((message) => message.type === "AppendResp");
    if (answer === undefined) throw new Error(`The follower did not answer probe ${count}`);
    a.step(answer);
    if (!answer.ok) continue;
    // What follows makes the logs equal.
    for (const message of flush(a, "b")) b.step(message);
    flush(b, "a");
    expect(b.status()).toMatchObject({ lastIndex: a.status().lastIndex, lastTerm: last + 1 });
    return count;
  }
}

describe("backing off", () => {
  /** A common beginning, then each its own: terms that rise, in runs. */
  const runs = fc.array(fc.record({ rise: fc.integer({ min: 1, max: 3 }), length: fc.integer({ min: 1, max: 9 }) }), {
    maxLength: 7,
  });
  const toTerms = (base: number, list: readonly { rise: number; length: number }[]): number[] => {
    let term = base;
    return list.flatMap(({ rise, length }) => {
      term += rise;
      return Array.from({ length }, () => term);
    });
  };

  it("takes at most two probes more than there are terms (L8)", () => {
    fc.assert(
      fc.property(runs, runs, runs, (common, left, right) => {
        const shared = toTerms(1, common);
        const base = shared.at(-1) ?? 1;
        // Nobody but one leader writes in a term (E2): even for one, odd for the other.
        const ours = [...shared, ...toTerms(base, left).map((term) => 2 * term + base * 2)];
        const theirs = [...shared, ...toTerms(base, right).map((term) => 2 * term + base * 2 + 1)];
        expect(probes(ours, theirs)).toBeLessThanOrEqual(new Set([...ours, ...theirs]).size + 2);
      }),
    );
  });

  it("skips a follower's tail of old terms at once, and a leader's of many terms in one step each", () => {
    const long = Array.from({ length: 500 }, () => 3);
    expect(probes([2, 2, 9], [2, 2, ...long])).toBeLessThanOrEqual(4);
    expect(probes([2, 2, ...long.map((_, at) => 4 + at)], [2, 2, 3, 3])).toBeLessThanOrEqual(4);
  });
});
