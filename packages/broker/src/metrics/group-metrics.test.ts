import type { Group } from "@varve/cluster";
import { expect, test } from "vitest";
import type { BrokerNode } from "../node.ts";
import { refuse } from "../refusal.ts";
import { GroupMetrics } from "./group-metrics.ts";

test("H-11: groups of a coordinator that the cluster may have given up are another node's, and are not counted here", async () => {
  const group = {
    groupId: "g",
    members: new Map([["m", { assigned: new Map(), revoking: new Map() }]]),
    target: new Map(),
  };
  const groups = new Map([["g", { ...group, ends: new Map() } as unknown as Group]]);
  const coordinator = { groups, whyNotReady: undefined as ReturnType<typeof refuse> | undefined };
  const node = { groups: { coordinators: { local: [coordinator] } } } as unknown as BrokerNode;
  const shown = async () => {
    const metrics = new GroupMetrics(() => node).all();
    const read = (wanted: string) => metrics.find(([name]) => name === wanted)?.[3]() ?? [];
    return [await read("varve_groups"), await read("varve_group_members")];
  };
  expect(await shown()).toEqual([[[{ state: "stable" }, 1]], [[{ group: "g" }, 1]]]);
  coordinator.whyNotReady = refuse("NOT_COORDINATOR", "Its node has not heard of the cluster for a while");
  expect(await shown()).toEqual([[], []]);
});
