/**
 * ConfigureGroup: how fast a group may read. The rate lies in the metadata, so every leader of a partition has it, and a change is in
 * effect wherever the metadata have come (drivers/groups/group-rates.ts).
 */
import type { ConfigureGroupRequestOutput, ConfigureGroupResponseMessage } from "@varve/api";
import { type GroupRate, groupRate } from "@varve/cluster";
import type { BrokerNode } from "../node.ts";
import { type Refusal, isRefusal } from "../refusal.ts";
import { groupNameFault } from "./coordinator-call.ts";

export const unlimited: GroupRate = { recordsPerSecond: 0, bytesPerSecond: 0 };

export async function configureGroup(
  node: BrokerNode,
  { group, rate }: ConfigureGroupRequestOutput,
): Promise<ConfigureGroupResponseMessage | Refusal> {
  const fault = groupNameFault(group);
  if (fault !== undefined) return fault;
  if (rate === null) return { rate: groupRate(node.controller.image, group) ?? unlimited };
  const set = await setRate(node, group, rate);
  return isRefusal(set) ? set : { rate: set };
}

/** Resolves once it is in effect here. */
export async function setRate(node: BrokerNode, group: string, rate: GroupRate): Promise<GroupRate | Refusal> {
  const { recordsPerSecond, bytesPerSecond } = rate;
  const outcome = await node.control.submit({ kind: "configureGroup", group, recordsPerSecond, bytesPerSecond });
  return outcome.kind === "refused" ? outcome.refusal : outcome.reply;
}
