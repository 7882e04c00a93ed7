import { describe, expect, it } from "vitest";
import { PersistentMap } from "../persistent-map.ts";
import { assignmentOf, nothing, pairsOf } from "./assignment.ts";
import { emptyGroup } from "./state.ts";
import type { CommittedOffset, Group, Member } from "./state.ts";
import { givenBack, isTold, placesNamed, planTelling, toldBefore } from "./telling.ts";
import type { ToldPlaces } from "./telling.ts";

const topicId = "1".repeat(32);
const gone = "2".repeat(32);

/** Committed offsets of the topic by partition: [offset, movedEpoch]. */
function groupWith(offsets: Readonly<Record<number, readonly [offset: number, movedEpoch: number]>>): Group {
  const committed = Object.entries(offsets).map(([partition, [offset, movedEpoch]]) => {
    const told: CommittedOffset = { offset, movedEpoch, leaderEpoch: -1, metadata: "", committedAtMs: 0 };
    return [partition, told] as const;
  });
  return { ...emptyGroup("g"), epoch: 9, offsets: PersistentMap.of([[topicId, PersistentMap.of(committed)]]) };
}

function has(assigned: readonly number[], revoking: readonly number[] = [], epoch = 5): Member {
  const of = (partitions: readonly number[]) => assignmentOf(partitions.map((one) => [topicId, one] as const));
  return { assigned: of(assigned), revoking: of(revoking), epoch } as unknown as Member;
}

function tell(told: ToldPlaces, group: Group, member: Member) {
  const plan = planTelling(told, group, member, (id) => id === gone);
  const partitions = (places: readonly { readonly partition: number }[]) => places.map(({ partition }) => partition);
  return {
    told: plan.told,
    said: {
      assign: plan.assign.map(({ partition, committed }) => `${partition}@${committed.offset}`),
      revoke: partitions(plan.revoke),
      lost: partitions(plan.lost),
      startless: partitions(plan.startless),
      gives: plan.owned === undefined ? undefined : [...pairsOf(plan.owned)].map(([, partition]) => partition),
    },
  };
}

const silence = { assign: [], revoke: [], lost: [], startless: [], gives: undefined };

describe("planTelling()", () => {
  it("says what is new once", () => {
    const group = groupWith({ 0: [5, -1], 1: [6, -1] });
    const first = tell(new Map(), group, has([0, 1]));
    expect(first.said).toEqual({ ...silence, assign: ["0@5", "1@6"] });
    expect(tell(first.told, group, has([0, 1])).said).toEqual(silence);
    // Its own commits are no news.
    expect(tell(first.told, groupWith({ 0: [50, -1], 1: [60, -1] }), has([0, 1])).said).toEqual(silence);
  });

  it("keeps back a partition that has no start yet, and no other", () => {
    expect(tell(new Map(), groupWith({ 0: [5, -1] }), has([0, 1])).said).toEqual({
      ...silence,
      assign: ["0@5"],
      startless: [1],
    });
  });

  it("tells who has a partition that a reset moved to go on from there", () => {
    const { told } = tell(new Map(), groupWith({ 0: [5, -1], 1: [6, -1] }), has([0, 1]));
    const moved = tell(told, groupWith({ 0: [2, 9], 1: [6, -1] }), has([0, 1]));
    expect(moved.said).toEqual({ ...silence, assign: ["0@2"] });
    expect(tell(moved.told, groupWith({ 0: [2, 9], 1: [6, -1] }), has([0, 1])).said).toEqual(silence);
  });

  it("asks for a partition back once, and takes it as lost when a reset moves it meanwhile", () => {
    const { told } = tell(new Map(), groupWith({ 0: [5, -1], 1: [6, -1] }), has([0, 1]));
    const asked = tell(told, groupWith({ 0: [5, -1], 1: [6, -1] }), has([0], [1]));
    expect(asked.said).toEqual({ ...silence, revoke: [1] });
    expect(tell(asked.told, groupWith({ 0: [5, -1], 1: [6, -1] }), has([0], [1])).said).toEqual(silence);
    const moved = tell(asked.told, groupWith({ 0: [5, -1], 1: [2, 9] }), has([0], [1]));
    expect(moved.said).toEqual({ ...silence, lost: [1], gives: [0] });
  });

  it("gives back in the member's name what it never had", () => {
    expect(tell(new Map(), groupWith({}), has([], [1])).said).toEqual({ ...silence, gives: [] });
  });

  it("names everything again to a member that comes back, and what it has lost", () => {
    const told = toldBefore(
      assignmentOf([
        [topicId, 0],
        [topicId, 1],
        [topicId, 2],
      ]),
    );
    const said = tell(told, groupWith({ 0: [5, -1], 1: [6, 3], 2: [7, -1] }), has([0], [1])).said;
    expect(said.assign).toEqual(["0@5"]);
    expect(new Set([...said.revoke, ...said.lost])).toEqual(new Set([1, 2]));
  });

  it("takes what a member says to have, and nobody ever began with, for a former topic of that name", () => {
    const back = toldBefore(
      assignmentOf([
        [topicId, 0],
        [topicId, 1],
      ]),
    );
    const first = tell(back, groupWith({ 1: [6, -1] }), has([0, 1]));
    expect(first.said).toEqual({ ...silence, assign: ["1@6"], startless: [0], lost: [0] });
    expect(tell(first.told, groupWith({ 0: [0, -1], 1: [6, -1] }), has([0, 1])).said).toEqual({
      ...silence,
      assign: ["0@0"],
    });
  });

  it("reads of a group with ends what has one", () => {
    const ends = PersistentMap.of([[topicId, PersistentMap.of([["0", 9]])]]);
    const group = { ...groupWith({ 0: [5, -1], 1: [6, -1] }), ends };
    expect(tell(new Map(), group, has([0, 1])).said).toEqual({ ...silence, assign: ["0@5"] });
  });

  it("says nothing of topics that are gone, but that they are", () => {
    const member = { ...has([]), assigned: assignmentOf([[gone, 0]]) };
    expect(tell(new Map(), groupWith({}), member).said).toEqual(silence);
    const told = toldBefore(assignmentOf([[gone, 0]]));
    const revoking = { ...has([]), assigned: nothing, revoking: assignmentOf([[gone, 0]]) };
    expect(tell(told, groupWith({}), revoking).said).toEqual({ ...silence, lost: [0], gives: [] });
  });
});

describe("placesNamed()", () => {
  const idOf = (topic: string): string | undefined => (topic === "t" ? topicId : undefined);

  it("takes the id that a client says for its word: a topic that was made again is another one", () => {
    expect(placesNamed([{ topic: "t", topicId: gone, partition: 1 }], idOf)).toMatchObject([
      { topicId: gone, partition: 1 },
    ]);
  });

  it("goes by name where a client knows no id, and leaves out names that nobody has", () => {
    const named = ["t", "none"].map((topic) => ({ topic, topicId: "", partition: 0 }));
    expect(placesNamed(named, idOf)).toEqual([{ topic: "t", topicId, partition: 0 }]);
  });

  it("lets a member that was in a former topic begin in the new one where the group is in that, and lose the other", () => {
    const back = toldBefore(assignmentOf([[gone, 0]]));
    const { said, told } = tell(back, groupWith({ 0: [5, -1] }), has([0]));
    expect(said).toEqual({ ...silence, assign: ["0@5"], lost: [0] });
    expect([...told.keys()]).toEqual([`${topicId}/0`]);
  });
});

describe("isTold()", () => {
  const place = { topicId, partition: 0 };

  it("is so once the member was told where to go on, and no longer when that is lost", () => {
    const back = toldBefore(assignmentOf([[topicId, 0]]));
    expect(isTold(back, place)).toBe(false);
    const first = tell(back, groupWith({ 0: [5, -1] }), has([0]));
    expect(isTold(first.told, place)).toBe(true);
    expect(isTold(first.told, { topicId, partition: 1 })).toBe(false);
    expect(isTold(tell(first.told, groupWith({ 0: [5, -1] }), has([])).told, place)).toBe(false);
  });

  it("is not so of what a member that comes back is asked to give back: others may have gone further in it", () => {
    const back = toldBefore(assignmentOf([[topicId, 0]]));
    const { said, told } = tell(back, groupWith({ 0: [5, -1] }), has([], [0]));
    expect(said.revoke).toEqual([0]);
    expect(isTold(told, place)).toBe(false);
  });
});

describe("givenBack()", () => {
  const place = { topicId, partition: 1 };
  const group = groupWith({ 1: [6, -1] });

  it("takes a partition that was asked for as given back, and no other", () => {
    const { told } = tell(tell(new Map(), group, has([1], [], 4)).told, group, has([], [1], 4));
    expect(givenBack(told, [place], 4).size).toBe(0);
    const kept = tell(new Map(), group, has([1], [], 4)).told;
    expect(givenBack(kept, [place], 4)).toEqual(kept);
  });

  it("takes no answer to an older request: the member was given the partition again since, and reads it", () => {
    const first = tell(tell(new Map(), group, has([1], [], 4)).told, group, has([], [1], 4));
    expect(first.said.revoke).toEqual([1]);
    // A reset takes it away at once, it comes again, and is asked for once more, before the member's answer is here.
    const moved = groupWith({ 1: [2, 5] });
    const again = tell(tell(first.told, moved, has([], [], 5)).told, moved, has([1], [], 6));
    expect(again.said.assign).toEqual(["1@2"]);
    const asked = tell(again.told, moved, has([], [1], 6));
    expect(asked.said.revoke).toEqual([1]);
    expect(givenBack(asked.told, [place], 4)).toEqual(asked.told);
    expect(givenBack(asked.told, [place], 6).size).toBe(0);
  });
});
