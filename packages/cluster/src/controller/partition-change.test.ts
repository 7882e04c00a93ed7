import { InvariantError } from "@varve/format";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planPartitionChange } from "./partition-change.ts";
import type { WantedPartition } from "./partition-change.ts";
import { dirOf, samplePartition, sampleTopicId } from "../testing/sample-partition.ts";
import { replay, replayAll } from "./replay.ts";
import { emptyImage, noLeader } from "./state.ts";
import type { Partition } from "./state.ts";

const topicId = sampleTopicId;
const three = samplePartition({ leaderEpoch: 4, partitionEpoch: 9 });
const all = (_id: number): boolean => true;
const only =
  (...ids: number[]) =>
  (id: number): boolean =>
    ids.includes(id);

/** The partition after what was planned, or as it was. */
function after(before: Partition, wanted: WantedPartition, isActive = all): Partition {
  return planPartitionChange(before, wanted, isActive)?.after ?? before;
}

/** What replay makes of a record on top of `before`. */
function replayed(before: Partition, record: NonNullable<ReturnType<typeof planPartitionChange>>["record"]): Partition {
  const image = replayAll(emptyImage, [
    { type: "Topic", topicId, name: "a" },
    { type: "Partition", ...before },
  ]);
  return replay(image, record).topics.get(topicId)?.partitions[0] as Partition;
}

describe("planPartitionChange: ISR and ELR (6.5 step 3)", () => {
  it("counts nobody outside of the ISR as complete while the ISR has minIsr members", () => {
    expect(after(three, { remove: 3 })).toMatchObject({ isr: [1, 2], elr: [], lastKnownElr: [] });
  });

  it("keeps as eligible who leaves the ISR below minIsr, and forgets them when it is back (W3)", () => {
    const two = after(three, { remove: 2 });
    const one = after(two, { isr: [1] });
    expect(one).toMatchObject({ isr: [1], elr: [3], leader: 1, leaderEpoch: 4 });
    expect(after(one, { isr: [1, 2] })).toMatchObject({ isr: [1, 2], elr: [] });
  });

  it("takes a replica that may have lost data out of both, and remembers that it was there (B-4)", () => {
    const one = { ...three, isr: [1], elr: [3] };
    expect(after(one, { unclean: 3 })).toMatchObject({ isr: [1], elr: [], lastKnownElr: [3] });
    expect(after(one, { unclean: 1 }, only(3))).toMatchObject({ isr: [3], elr: [], leader: 3, lastKnownElr: [1] });
  });

  it("loses everybody's power: two in a row unclean leave nobody eligible (W11)", () => {
    const fenced = after(after(after(three, { remove: 1 }), { remove: 2 }, only(3)), { remove: 3 }, only());
    expect(fenced).toMatchObject({ isr: [], elr: [2, 3], leader: noLeader, lastKnownLeader: 3 });
    const back = after(after(fenced, { unclean: 2 }, only()), { unclean: 3 }, only());
    expect(back).toMatchObject({ isr: [], elr: [], lastKnownElr: [2, 3], leader: noLeader });
    const found = after(back, { recoverWith: 2 });
    expect(found).toMatchObject({ isr: [2], elr: [], lastKnownElr: [], leader: 2, recovering: true });
    expect(found.uncleanEpoch).toBe(found.leaderEpoch);
  });

  it("empties ELR when minIsr is lowered to the size of the ISR, in the same record (6.10)", () => {
    const one = { ...three, isr: [1], elr: [3] };
    const planned = planPartitionChange(one, { minIsr: 1 }, all);
    expect(planned?.record).toMatchObject({ minIsr: 1, elr: [] });
    expect(after(three, { minIsr: 9 }).minIsr).toBe(3);
  });
});

describe("planPartitionChange: elections (6.5 steps 4 to 8)", () => {
  it("keeps a leader that is in the ISR, and takes the first active one in the order of the replicas otherwise", () => {
    expect(planPartitionChange(three, {}, all)).toBeUndefined();
    expect(after(three, { remove: 1 })).toMatchObject({ leader: 2, isr: [2, 3], leaderEpoch: 5 });
    expect(after(three, { remove: 1 }, only(3))).toMatchObject({ leader: 3, isr: [2, 3] });
  });

  it("does not begin a leader epoch when only the ISR changes (step 7)", () => {
    expect(after(three, { isr: [1, 3] })).toMatchObject({ leader: 1, leaderEpoch: 4, partitionEpoch: 10 });
  });

  it("takes a preferred leader only when it may lead, and never deposes for nothing", () => {
    const second = { ...three, leader: 2 };
    expect(after(second, { election: "preferred" })).toMatchObject({ leader: 1, leaderEpoch: 5 });
    expect(planPartitionChange(second, { election: "preferred" }, only(2, 3))).toBeUndefined();
    const out = { ...three, leader: 2, isr: [2, 3] };
    expect(planPartitionChange(out, { election: "preferred" }, all)).toBeUndefined();
  });

  it("elects from ELR only when the ISR is empty, and it is not unclean (KAFKA-18940)", () => {
    const none = { ...three, isr: [], elr: [2, 3], leader: noLeader, lastKnownLeader: 3 };
    expect(after(none, {}, only(3))).toMatchObject({
      isr: [3],
      elr: [2],
      leader: 3,
      uncleanEpoch: -1,
      recovering: false,
    });
    expect(after(none, {}, only(1))).toBe(none);
    const both = { ...three, isr: [2, 3], leader: 2, elr: [1], minIsr: 3 };
    expect(after(both, { remove: 2 })).toMatchObject({ leader: 3, isr: [3], elr: [1, 2] });
    const fenced = { ...three, isr: [2], leader: 2, elr: [3] };
    expect(after(fenced, { remove: 2 }, only(1))).toMatchObject({ leader: noLeader, isr: [], elr: [2, 3] });
  });

  it("empties ELR after an election from it when minIsr was lowered meanwhile (step 5)", () => {
    const none = { ...three, isr: [], elr: [2, 3], leader: noLeader };
    const lowered = after(none, { minIsr: 1 }, only());
    expect(lowered).toMatchObject({ elr: [2, 3], minIsr: 1 });
    expect(after(lowered, {}, only(2))).toMatchObject({ isr: [2], elr: [], leader: 2, lastKnownElr: [] });
  });

  it("takes the candidate of an unclean election if it may lead, and only when nobody is complete", () => {
    const none = after(after(three, { unclean: 2 }), { unclean: 3 }, only(1));
    const leaderless = after(none, { unclean: 1 }, only());
    const wanted = { election: "unclean", candidate: 3 } as const;
    expect(after(leaderless, wanted, only(2, 3))).toMatchObject({ leader: 3, isr: [3], recovering: true });
    expect(after(leaderless, wanted, only(1, 2))).toMatchObject({ leader: 1, isr: [1], recovering: true });
    expect(after(leaderless, { ...wanted, candidate: 9 }, only(2))).toMatchObject({ leader: 2 });
    expect(after(three, wanted)).toMatchObject({ leader: 1, isr: [1, 2, 3], uncleanEpoch: -1 });
  });

  it("marks an unclean election, and only one (step 6)", () => {
    const none = { ...three, isr: [], elr: [2], leader: noLeader, lastKnownLeader: 2 };
    const unclean = after(none, { election: "unclean" }, only(3));
    expect(unclean).toMatchObject({ isr: [3], elr: [], leader: 3, recovering: true, uncleanEpoch: 5, leaderEpoch: 5 });
    expect(after(none, { election: "unclean" }, only(2, 3))).toMatchObject({ leader: 2, uncleanEpoch: -1 });
    expect(after(unclean, { recovered: true })).toMatchObject({ recovering: false, uncleanEpoch: 5 });
  });

  it("recovers with whom it was told to only while nobody is known to be complete (6.11)", () => {
    const none = { ...three, isr: [], elr: [2], leader: noLeader };
    expect(after(none, { recoverWith: 3 }, only(3))).toBe(none);
    const nobody = { ...none, elr: [] };
    expect(after(nobody, { recoverWith: 3 }, only(2))).toBe(nobody);
    expect(after(nobody, { recoverWith: 4 })).toBe(nobody);
    expect(after(nobody, { recoverWith: 3 }, only(3))).toMatchObject({ leader: 3, uncleanEpoch: 5 });
  });

  it("begins an epoch when the same leader is assigned again (J-3), and remembers the last leader of nobody (step 8)", () => {
    expect(planPartitionChange(three, { newLeaderEpoch: true }, all)?.record).toMatchObject({ leader: 1 });
    const none = after({ ...three, isr: [1], minIsr: 1 }, { remove: 1 });
    expect(none).toMatchObject({ leader: noLeader, leaderEpoch: 5, lastKnownLeader: 1, elr: [1] });
    expect(planPartitionChange(none, { newLeaderEpoch: true }, only())).toBeUndefined();
    expect(after(none, {}, all)).toMatchObject({ leader: 1, leaderEpoch: 6, lastKnownLeader: noLeader });
  });
});

describe("planPartitionChange: reassignment (6.5 step 1)", () => {
  const moving: Partition = {
    ...three,
    replicas: [4, 5, 1, 2],
    dirs: [4, 5, 1, 2].map(dirOf),
    isr: [1, 2],
    adding: [4, 5],
    removing: [1, 2],
  };

  it("is finished when all targets are in sync, and not before; that begins a leader epoch", () => {
    expect(after(moving, { isr: [1, 2, 4] })).toMatchObject({ replicas: [4, 5, 1, 2], isr: [4, 1, 2], leader: 1 });
    const done = after(moving, { isr: [1, 2, 4, 5] });
    expect(done).toMatchObject({ replicas: [4, 5], isr: [4, 5], adding: [], removing: [], leader: 4, leaderEpoch: 5 });
    expect(done.dirs).toEqual([4, 5].map(dirOf));
  });

  it("begins a leader epoch even if the leader stays: the removed replicas are fenced off (W6)", () => {
    const shrinking = { ...three, removing: [3], isr: [1, 2, 3] };
    expect(after(shrinking, { isr: [1, 2, 3] })).toMatchObject({ replicas: [1, 2], leader: 1, leaderEpoch: 5 });
  });

  it("takes whoever is no replica any more out of every set (cancel)", () => {
    const cancelled = after(moving, { replicas: [1, 2], dirs: [1, 2].map(dirOf), adding: [], removing: [] });
    expect(cancelled).toMatchObject({ replicas: [1, 2], isr: [1, 2], leader: 1, leaderEpoch: 5, minIsr: 2 });
  });
});

describe("planPartitionChange: the record (6.5 step 9)", () => {
  it("is none when nothing changes, unless the partition epoch has to move (A-2)", () => {
    expect(planPartitionChange(three, { isr: [3, 2, 1] }, all)).toBeUndefined();
    const moved = planPartitionChange(three, { movesEpoch: true }, all);
    expect(moved?.after).toEqual({ ...three, partitionEpoch: 10 });
    expect(replayed(three, moved!.record)).toEqual(moved!.after);
  });

  it("lets nobody but the leader's proposal, or an election, make the ISR grow", () => {
    expect(() => planPartitionChange({ ...three, isr: [1, 2] }, { isr: [1, 2, 3] }, only(1, 2))).toThrow(
      InvariantError,
    );
  });
});

const ids = [1, 2, 3, 4] as const;
const subset = fc.subarray([...ids]);
const wishes = fc.record(
  {
    remove: fc.constantFrom(...ids),
    unclean: fc.constantFrom(...ids),
    election: fc.constantFrom("online" as const, "preferred" as const, "unclean" as const),
    recoverWith: fc.constantFrom(...ids),
    minIsr: fc.integer({ min: 1, max: 5 }),
    flush: fc.constantFrom("sync" as const, "os" as const),
    flushConfirmed: fc.constant(true),
    newLeaderEpoch: fc.constant(true),
    recovered: fc.constant(true),
    movesEpoch: fc.constant(true),
  },
  { requiredKeys: [] },
);
const steps = fc.array(
  fc.record({
    wish: wishes,
    active: subset,
    /** Members the leader proposes; the leader is added, whoever is not active left out. */
    isr: fc.option(subset, { nil: undefined }),
    /** A reassignment to these, in this order. */
    target: fc.option(fc.shuffledSubarray([...ids], { minLength: 1 }), { nil: undefined, freq: 6 }),
  }),
  { maxLength: 30 },
);

describe("planPartitionChange: any wishes in any order", () => {
  it("keeps the sets in shape, the epochs rising and the quorum law (ID9, ID10); replay makes of the record what was planned", () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        let partition = three;
        for (const { wish, active, isr, target } of sequence) {
          const isActive = only(...active);
          const wanted = {
            ...wish,
            ...(isr === undefined || partition.leader === noLeader ? {} : proposal(partition, isr, isActive)),
            ...(target === undefined ? {} : reassignment(partition, target)),
          };
          const planned = planPartitionChange(partition, wanted, isActive);
          if (planned === undefined) continue;
          expect(replayed(partition, planned.record)).toEqual(planned.after);
          checkStep(partition, wanted, planned.after, isActive);
          partition = planned.after;
        }
      }),
      { numRuns: 200 },
    );
  });
});

function proposal(
  partition: Partition,
  members: readonly number[],
  isActive: (id: number) => boolean,
): WantedPartition {
  const joins = (id: number): boolean => partition.isr.includes(id) || isActive(id);
  return { isr: partition.replicas.filter((id) => id === partition.leader || (members.includes(id) && joins(id))) };
}

function reassignment(partition: Partition, target: readonly number[]): WantedPartition {
  const adding = target.filter((id) => !partition.replicas.includes(id));
  const removing = partition.replicas.filter((id) => !target.includes(id));
  const replicas = [...target, ...removing];
  return { replicas, adding, removing, dirs: replicas.map(dirOf) };
}

function checkStep(
  before: Partition,
  wanted: WantedPartition,
  after: Partition,
  isActive: (id: number) => boolean,
): void {
  const isOut = (id: number): boolean => id === wanted.remove || id === wanted.unclean;
  // ID10
  expect(after.partitionEpoch).toBe(before.partitionEpoch + 1);
  expect(after.leaderEpoch - before.leaderEpoch).toBeGreaterThanOrEqual(0);
  expect(after.leaderEpoch - before.leaderEpoch).toBeLessThanOrEqual(1);
  if (after.leader !== before.leader) expect(after.leaderEpoch).toBe(before.leaderEpoch + 1);
  // ID9
  expect(after.isr.some(isOut)).toBe(false);
  expect(wanted.unclean !== undefined && after.elr.includes(wanted.unclean)).toBe(false);
  if (after.leader !== noLeader) expect(after.isr).toContain(after.leader);
  expect([...after.isr, ...after.elr].every((id) => after.replicas.includes(id))).toBe(true);
  expect(new Set([...after.isr, ...after.elr]).size).toBe(after.isr.length + after.elr.length);
  if (after.elr.length > 0) expect(after.isr.length).toBeLessThan(after.minIsr);
  for (const id of after.isr) if (!before.isr.includes(id)) expect(isActive(id)).toBe(true);
  // Nobody becomes eligible who was not complete, but by the leader's word or by an unclean election, which says so.
  const wasComplete = (id: number): boolean => before.isr.includes(id) || before.elr.includes(id);
  const newcomers = [...after.isr, ...after.elr].filter((id) => !wasComplete(id) && wanted.isr?.includes(id) !== true);
  if (newcomers.length > 0) expect(after.uncleanEpoch).toBe(after.leaderEpoch);
  if (after.uncleanEpoch !== before.uncleanEpoch) expect(after).toMatchObject({ isr: [after.leader], elr: [] });
  // A partition that has an active eligible replica has a leader.
  const mayLead = (id: number): boolean => isActive(id) && !isOut(id);
  const eligible = after.isr.length > 0 ? after.isr : after.elr;
  if (after.leader === noLeader) expect(eligible.some(mayLead)).toBe(false);
}
