// SPDX-License-Identifier: Apache-2.0
// Changes of members, without a core around them.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { emptyConfig } from "./config-history.ts";
import { changed } from "./membership.ts";
import { majority } from "./quorum.ts";
import type { Config, ConfigChange } from "./types.ts";

const id = fc.constantFrom("a", "b", "c", "d", "e");
const change: fc.Arbitrary<ConfigChange> = fc.oneof(
  fc.record({ type: fc.constant("addLearner" as const), id, address: fc.constantFrom("x:1", "y:2") }),
  fc.record({ type: fc.constant("promote" as const), id }),
  fc.record({ type: fc.constant("demote" as const), id }),
  fc.record({ type: fc.constant("remove" as const), id }),
  fc.record({ type: fc.constant("setAddress" as const), id, address: fc.constantFrom("x:1", "y:2") }),
);

const first: Config = { ...emptyConfig, voters: ["a"], addresses: [{ id: "a", address: "a:1" }] };

describe("changed()", () => {
  it("keeps any two successive majorities meeting, members apart and sorted, and one voter at least (M4, M6)", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        let config = first;
        for (const each of changes) {
          const next = changed(config, each);
          if (typeof next === "string") continue;
          const both = new Set([...config.voters, ...next.voters]);
          // Two majorities of one union that together have more members than it has cannot miss each other.
          expect(majority(config.voters.length) + majority(next.voters.length)).toBeGreaterThan(both.size);
          expect(next.voters.length).toBeGreaterThan(0);
          expect(next.voters.filter((voter) => next.learners.includes(voter))).toEqual([]);
          for (const list of [next.voters, next.learners, next.addresses.map((address) => address.id)]) {
            expect(list).toEqual([...new Set(list)].sort());
          }
          expect(next.addresses.map((address) => address.id)).toEqual([...next.voters, ...next.learners].sort());
          config = next;
        }
      }),
    );
  });

  it("never takes the last voter away (M6)", () => {
    expect(changed(first, { type: "remove", id: "a" })).toBe('"a" is the last voter');
    expect(changed(first, { type: "demote", id: "a" })).toBe('"a" is the last voter');
  });
});
