import { describe, expect, it } from "vitest";
import { planRoleChange, roleOf } from "./role.ts";

const seen = (leader: number, leaderEpoch: number, partitionEpoch = leaderEpoch, replicas = [1, 2, 3]) => ({
  leader,
  leaderEpoch,
  partitionEpoch,
  replicas,
});
const kinds = (before: ReturnType<typeof seen> | undefined, after: ReturnType<typeof seen> | undefined): string[] =>
  planRoleChange(before, after, 1).map(({ kind }) => kind);

describe("roleOf", () => {
  it("is a function of the partition and the own id alone", () => {
    expect(roleOf(seen(1, 5), 1)).toEqual({ kind: "leader", leaderEpoch: 5 });
    expect(roleOf(seen(2, 5), 1)).toEqual({ kind: "follower", leaderEpoch: 5, leader: 2 });
    expect(roleOf(seen(-1, 5), 1)).toEqual({ kind: "waiting", leaderEpoch: 5 });
    expect(roleOf(seen(2, 5), 9)).toEqual({ kind: "none" });
    expect(roleOf(undefined, 1)).toEqual({ kind: "none" });
  });
});

describe("planRoleChange (table of 6.8)", () => {
  const begin = ["beginLeadership", "tryHighWatermark"];
  const nobody = undefined;
  it.each([
    ["nothing → leader", nobody, seen(1, 5), begin],
    ["follower → leader", seen(2, 4), seen(1, 5), ["stopFetching", ...begin]],
    ["waiting → leader", seen(-1, 4), seen(1, 5), begin],
    ["leader → leader, new epoch (KAFKA-7164, W13)", seen(1, 5, 8), seen(1, 7, 11), ["endLeadership", ...begin]],
    ["leader → leader, same epoch", seen(1, 5, 8), seen(1, 5, 9), ["refreshLeadership", "tryHighWatermark"]],
    [
      "leader → leader, nothing new (A-3, KAFKA-13790)",
      seen(1, 5, 8),
      seen(1, 5, 8),
      ["refreshLeadership", "tryHighWatermark"],
    ],
    ["leader → follower", seen(1, 5), seen(2, 6), ["endLeadership", "startFetching"]],
    ["leader → nobody leads", seen(1, 5), seen(-1, 6), ["endLeadership"]],
    ["follower → follower, new epoch, same leader (G-9)", seen(2, 5), seen(2, 6), ["stopFetching", "startFetching"]],
    ["follower → follower, same epoch", seen(2, 5, 8), seen(2, 5, 9), []],
    ["follower → nobody leads", seen(2, 5), seen(-1, 6), ["stopFetching"]],
    ["nobody leads → follower", seen(-1, 5), seen(2, 6), ["startFetching"]],
    ["nobody leads → nobody leads", seen(-1, 5), seen(-1, 6), []],
    ["leader → no replica", seen(1, 5), seen(2, 6, 6, [2, 3]), ["endLeadership", "setAside"]],
    ["follower → no replica", seen(2, 5, 5), seen(2, 6, 6, [2, 3]), ["stopFetching", "setAside"]],
    ["replica → no such partition", seen(2, 5), nobody, ["stopFetching", "setAside"]],
    ["no replica → follower", seen(2, 5, 5, [2, 3]), seen(2, 6), ["startFetching"]],
    ["never one", nobody, seen(2, 6, 6, [2, 3]), []],
  ])("%s", (_, before, after, expected) => {
    expect(kinds(before, after)).toEqual(expected);
  });

  it("ignores what is older than what was acted on", () => {
    expect(kinds(seen(1, 5, 9), seen(2, 6, 8))).toEqual([]);
  });
});
