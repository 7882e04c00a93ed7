/** ListGroups: the groups of every coordinator, by name, page after page. */
import type {
  ErrorFields,
  GroupStateMessage,
  GroupSummaryMessage,
  ListGroupsRequestOutput,
  ListGroupsResponseMessage,
  ListGroupsResponseOutput,
} from "@varve/api";
import { type Group, phaseOf } from "@varve/cluster";
import type { BrokerNode } from "../node.ts";
import { errorFieldsOf, isRefusal } from "../refusal.ts";
import { forwardMs } from "./by-leader.ts";

const pageSizeMax = 1_000;
/** A coordinator that has just been made reads what it keeps; a list waits for it. */
const patienceMs = 2_000;

/** What is known, and of whom nothing is. */
interface Found {
  readonly groups: readonly GroupSummaryMessage[];
  readonly errors: readonly ErrorFields[];
  /** There are more behind the last. */
  readonly isCut: boolean;
}

export async function listGroups(
  node: BrokerNode,
  request: ListGroupsRequestOutput,
): Promise<ListGroupsResponseMessage> {
  const pageSize = request.pageSize === 0 ? pageSizeMax : Math.min(request.pageSize, pageSizeMax);
  const { coordinators } = node.groups;
  const others = new Set<number>();
  const asked: Promise<Found>[] = [];
  for (let number = 0; number < coordinators.partitionCount; number++) {
    const place = coordinators.at(number);
    if (place.kind === "elsewhere") others.add(place.nodeId);
    else asked.push(foundHere(node, number, request));
  }
  if (node.forwarding !== undefined) {
    for (const nodeId of others) asked.push(foundThere(node.forwarding, nodeId, { ...request, pageSize }));
  }
  const found = await Promise.all(asked);
  const all = found.flatMap(({ groups }) => groups).sort((a, b) => ((a.group ?? "") < (b.group ?? "") ? -1 : 1));
  const page = all.slice(0, pageSize);
  const isLast = all.length <= pageSize && !found.some(({ isCut }) => isCut);
  return {
    groups: page,
    nextPageToken: isLast ? "" : (page.at(-1)?.group ?? ""),
    errors: found.flatMap(({ errors }) => errors),
  };
}

async function foundHere(
  node: BrokerNode,
  number: number,
  { prefix, pageToken }: ListGroupsRequestOutput,
): Promise<Found> {
  const place = node.groups.coordinators.at(number);
  if (place.kind === "here") await place.coordinator.settled(patienceMs);
  const refusal = place.kind === "here" ? place.coordinator.whyNotReady : undefined;
  if (refusal !== undefined) return { groups: [], errors: [errorFieldsOf(refusal)], isCut: false };
  if (place.kind !== "here")
    return { groups: [], errors: place.kind === "refused" ? [errorFieldsOf(place.refusal)] : [], isCut: false };
  const groups: GroupSummaryMessage[] = [];
  for (const group of place.coordinator.groups.values()) {
    const { groupId: name } = group;
    if (name.startsWith(prefix) && name > pageToken) groups.push(summaryOf(group));
  }
  return { groups, errors: [], isCut: false };
}

async function foundThere(
  forwarding: NonNullable<BrokerNode["forwarding"]>,
  nodeId: number,
  request: ListGroupsRequestOutput,
): Promise<Found> {
  const answer = await forwarding.unary<ListGroupsResponseOutput>(nodeId, "ListGroups", request, {
    timeoutMs: forwardMs,
  });
  if (isRefusal(answer)) return { groups: [], errors: [errorFieldsOf(answer)], isCut: false };
  // What is not known there is said there.
  return { groups: answer.groups, errors: answer.errors, isCut: answer.nextPageToken !== "" };
}

export function stateOf(group: Group): GroupStateMessage {
  switch (phaseOf(group)) {
    case "empty":
      return "GROUP_STATE_EMPTY";
    case "finished":
      return "GROUP_STATE_FINISHED";
    case "stable":
      return "GROUP_STATE_STABLE";
    case "assigning":
    case "reconciling":
      return "GROUP_STATE_REBALANCING";
  }
}

function summaryOf(group: Group): GroupSummaryMessage {
  return { group: group.groupId, state: stateOf(group), memberCount: group.members.size };
}
