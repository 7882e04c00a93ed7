import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assignmentOf, has, pairsOf, sizeOf } from "./assignment.ts";
import type { Assignment } from "./assignment.ts";
import type { Assign, AssignorInput, AssignorMember, Target } from "./assignor.ts";
import { assignCooperativeSticky } from "./cooperative-sticky.ts";
import { assignRange } from "./range.ts";
import { assignRoundRobin } from "./round-robin.ts";

const assignors: Record<string, Assign> = {
  range: assignRange,
  "round-robin": assignRoundRobin,
  "cooperative-sticky": assignCooperativeSticky,
};

function member(memberId: string, topics: readonly string[], owned: Assignment = new Map()): AssignorMember {
  return { memberId, sortKey: memberId, topicIds: new Set(topics), owned };
}

function printed(target: Target): Record<string, string> {
  return Object.fromEntries(
    [...target].map(([id, share]) => [id, [...pairsOf(share)].map((pair) => pair.join("")).join(" ")]),
  );
}

function owners(target: Target): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [memberId, share] of target) {
    for (const [topicId, partition] of pairsOf(share)) {
      const key = `${topicId}/${partition}`;
      found.set(key, [...(found.get(key) ?? []), memberId]);
    }
  }
  return found;
}

const topicNames = ["a", "b", "c", "d"];
const counts = fc.record(Object.fromEntries(topicNames.map((name) => [name, fc.integer({ min: 0, max: 12 })])));
const subscriptions = fc.array(fc.subarray(topicNames), { minLength: 1, maxLength: 7 });

/** Members with what an earlier assignment of other members and partitions left them. */
const inputs = fc
  .record({ counts, wants: subscriptions, before: subscriptions, countsBefore: counts })
  .map(({ counts: now, wants, before, countsBefore }): AssignorInput => {
    const earlier = assignCooperativeSticky({
      members: before.map((topics, index) => member(`m${index}`, topics)),
      partitions: new Map(Object.entries(countsBefore)),
    });
    return {
      members: wants.map((topics, index) => member(`m${index}`, topics, earlier.get(`m${index}`))),
      partitions: new Map(Object.entries(now)),
    };
  });

describe.each(Object.entries(assignors))("%s", (_, assign) => {
  it("gives every partition that somebody wants to exactly one who wants it, and nothing else to anybody", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const target = assign(input);
        expect([...target.keys()].sort()).toEqual(input.members.map(({ memberId }) => memberId).sort());
        const found = owners(target);
        for (const [topicId, count] of input.partitions) {
          const isWanted = input.members.some(({ topicIds }) => topicIds.has(topicId));
          for (let partition = 0; partition < count; partition += 1) {
            expect(found.get(`${topicId}/${partition}`)?.length ?? 0).toBe(isWanted ? 1 : 0);
            found.delete(`${topicId}/${partition}`);
          }
        }
        expect(found.size).toBe(0);
        for (const { memberId, topicIds } of input.members) {
          for (const topicId of (target.get(memberId) as Assignment).keys()) expect(topicIds.has(topicId)).toBe(true);
        }
      }),
    );
  });

  it("says the same whatever the order of the members", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const turned = { ...input, members: [...input.members].reverse() };
        expect(assign(turned)).toEqual(assign(input));
      }),
    );
  });
});

describe("range", () => {
  it("gives neighbours, and the same ones of topics that are alike", () => {
    const members = ["m1", "m2", "m3"].map((id) => member(id, ["a", "b"]));
    const target = assignRange({ members, partitions: new Map(Object.entries({ a: 4, b: 4 })) });
    expect(printed(target)).toEqual({ m1: "a0 a1 b0 b1", m2: "a2 b2", m3: "a3 b3" });
  });
});

describe("round-robin", () => {
  it("deals all partitions in one row, and passes over who does not want a topic", () => {
    const members = [member("m1", ["a"]), member("m2", ["a", "b"])];
    const target = assignRoundRobin({ members, partitions: new Map(Object.entries({ a: 3, b: 2 })) });
    expect(printed(target)).toEqual({ m1: "a0 a2", m2: "a1 b0 b1" });
  });
});

describe("cooperative-sticky", () => {
  const loads = (target: Target): number[] => [...target.values()].map(sizeOf);
  const kept = (input: AssignorInput, target: Target): number =>
    input.members.reduce(
      (sum, { memberId, owned }) =>
        sum +
        [...pairsOf(owned)].filter(([topic, partition]) => has(target.get(memberId) as Assignment, topic, partition))
          .length,
      0,
    );

  it("is balanced to within one partition where all want the same, and moves as little as that takes", () => {
    fc.assert(
      fc.property(inputs, (mixed) => {
        const input = { ...mixed, members: mixed.members.map((one) => ({ ...one, topicIds: new Set(topicNames) })) };
        const target = assignCooperativeSticky(input);
        expect(Math.max(...loads(target)) - Math.min(...loads(target))).toBeLessThanOrEqual(1);
        expect(kept(input, target)).toBe(mostThatCanStay(input));
      }),
    );
  });

  it("is as even as the subscriptions allow: nobody could hand one on, over others too, to somebody with two less", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const target = assignCooperativeSticky(input);
        for (const giver of input.members) {
          for (const taker of reachable(giver.memberId, input, target)) {
            const more = sizeOf(target.get(giver.memberId) as Assignment) - sizeOf(target.get(taker) as Assignment);
            expect(more).toBeLessThan(2);
          }
        }
      }),
    );
  });

  it("changes nothing when it is asked again", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const target = assignCooperativeSticky(input);
        const members = input.members.map((one) => ({ ...one, owned: target.get(one.memberId) as Assignment }));
        expect(assignCooperativeSticky({ ...input, members })).toEqual(target);
      }),
    );
  });

  it("takes of each only what a newcomer has to get", () => {
    const first = assignCooperativeSticky({
      members: [member("m1", ["a"]), member("m2", ["a"])],
      partitions: new Map([["a", 6]]),
    });
    const target = assignCooperativeSticky({
      members: [...first].map(([id, owned]) => member(id, ["a"], owned)).concat(member("m3", ["a"])),
      partitions: new Map([["a", 6]]),
    });
    expect(printed(first)).toEqual({ m1: "a0 a2 a4", m2: "a1 a3 a5" });
    expect(printed(target)).toEqual({ m1: "a0 a2", m2: "a1 a3", m3: "a4 a5" });
  });

  it("hands on over a third where the direct way is closed", () => {
    const owned = assignmentOf([
      ["a", 0],
      ["a", 1],
      ["a", 2],
    ]);
    const target = assignCooperativeSticky({
      members: [
        member("m1", ["a"], owned),
        member(
          "m2",
          ["a", "b"],
          assignmentOf([
            ["b", 0],
            ["b", 1],
          ]),
        ),
        member("m3", ["b"]),
      ],
      partitions: new Map(Object.entries({ a: 3, b: 2 })),
    });
    expect([...target.values()].map(sizeOf).sort((a, b) => a - b)).toEqual([1, 2, 2]);
  });
});

/** Everybody who could get one more if `memberId` handed one on. */
function reachable(memberId: string, input: AssignorInput, target: Target): Set<string> {
  const seen = new Set([memberId]);
  for (const id of seen) {
    for (const topicId of (target.get(id) as Assignment).keys()) {
      for (const other of input.members) if (other.topicIds.has(topicId)) seen.add(other.memberId);
    }
  }
  return seen;
}

/** All want the same: of `n` members `more` may have one above the share, best those who have most. */
function mostThatCanStay({ members, partitions }: AssignorInput): number {
  const all = topicNames.reduce((sum, name) => sum + (partitions.get(name) ?? 0), 0);
  const had = members
    .map(
      ({ owned }) =>
        [...pairsOf(owned)].filter(([topic, partition]) => partition < (partitions.get(topic) ?? 0)).length,
    )
    .sort((a, b) => b - a);
  const [share, more] = [Math.floor(all / members.length), all % members.length];
  return had.reduce((sum, count, index) => sum + Math.min(count, share + (index < more ? 1 : 0)), 0);
}

// Of 2,000 that have more, but nobody to give it to, each was asked for every partition that moves: minutes.
it("cooperative-sticky levels a few of many members without asking all others each time", () => {
  const topics = Array.from({ length: 10 }, (_, index) => `a${index}`);
  const crowd = Array.from({ length: 2_000 }, (_, index) => {
    const pairs = Array.from({ length: 8 }, (_unused, at) => [topics[at] as string, index] as const);
    return member(`crowd-${index}`, topics, assignmentOf(pairs));
  });
  const few = Array.from({ length: 40 }, (_, index) => {
    const owned = Array.from({ length: index < 20 ? 6 : 0 }, (_unused, at) => ["b", index * 6 + at] as const);
    return member(`few-${index}`, ["b"], assignmentOf(owned));
  });
  const partitions = new Map([...topics.slice(0, 8).map((topic) => [topic, 2_000] as const), ["b", 120] as const]);
  const target = assignCooperativeSticky({ members: [...crowd, ...few], partitions });
  expect(few.map(({ memberId }) => sizeOf(target.get(memberId) as Assignment))).toEqual(few.map(() => 3));
});
