/** DescribeGroup: who is in a group, who has what, and how far behind it is. */
import type {
  DescribeGroupRequestOutput,
  DescribeGroupResponseMessage,
  GroupMemberMessage,
  TopicPartitionMessage,
} from "@varve/api";
import { type Assignment, type Group, type Member, groupRate, pairsOf } from "@varve/cluster";
import { rowSize, tooMuch } from "../drivers/groups/answer-room.ts";
import { lagsOf } from "../drivers/groups/group-lags.ts";
import type { GroupPartition } from "../drivers/groups/group-partition.ts";
import type { BrokerNode } from "../node.ts";
import type { Refusal } from "../refusal.ts";
import { atCoordinator, unknownGroup } from "./coordinator-call.ts";
import { stateOf } from "./list-groups.ts";

export function describeGroup(
  node: BrokerNode,
  request: DescribeGroupRequestOutput,
): Promise<DescribeGroupResponseMessage | Refusal> {
  const { group } = request;
  return atCoordinator<DescribeGroupResponseMessage>(
    node,
    { call: "DescribeGroup", group, request, isMade: false, isQuestion: true },
    (coordinator) => {
      const known = coordinator.groups.get(group);
      return known === undefined ? unknownGroup(group) : described(node, coordinator, known);
    },
    () => unknownGroup(group),
  );
}

async function described(
  node: BrokerNode,
  { leaderEpoch }: GroupPartition,
  group: Group,
): Promise<DescribeGroupResponseMessage | Refusal> {
  const { groupId, epoch, assignor, members } = group;
  const nameOf = (topicId: string): string => node.groups.topicsHere.nameOf(topicId) ?? "";
  const instead = "ask for its offsets instead (FetchOffsets), of some partitions at a time";
  const refusal = tooMuch(`Cannot describe group "${groupId}" in one answer`, sizeOf(group, nameOf), instead);
  if (refusal !== undefined) return refusal;
  return {
    group: groupId,
    state: stateOf(group),
    generation: epoch,
    assignor,
    members: [...members.values()].sort(byId).map((member) => memberMessage(member, nameOf)),
    lags: await lagsOf(node.groups, [group]),
    rate: groupRate(node.controller.image, groupId) ?? null,
    coordinator: node.leaderHint(leaderEpoch),
  };
}

/** About what the description takes: each partition is named with its member and with its lag. */
function sizeOf(group: Group, nameOf: (topicId: string) => string): number {
  let bytes = 0;
  for (const { memberId, instanceId, clientHost, clientId, assigned, revoking } of group.members.values()) {
    bytes += rowSize(memberId, instanceId, clientHost, clientId);
    // A lag names the member, and perhaps the leader that did not answer.
    for (const share of [assigned, revoking, revoking])
      for (const [topicId, partitions] of share) bytes += partitions.length * 2 * rowSize(nameOf(topicId), memberId);
  }
  for (const [topicId, partitions] of group.offsets) bytes += partitions.size * rowSize(nameOf(topicId));
  return bytes;
}

function memberMessage(member: Member, nameOf: (topicId: string) => string): GroupMemberMessage {
  const { memberId, instanceId, clientHost, clientId, epoch, assigned, revoking } = member;
  return {
    memberId,
    instanceId,
    clientAddress: clientHost,
    clientId,
    generation: epoch,
    partitions: [...placesOf(assigned, nameOf), ...placesOf(revoking, nameOf)],
    revoking: placesOf(revoking, nameOf),
  };
}

function placesOf(assignment: Assignment, nameOf: (topicId: string) => string): TopicPartitionMessage[] {
  return [...pairsOf(assignment)].map(([topicId, partition]) => ({ topic: nameOf(topicId), partition }));
}

function byId(a: Member, b: Member): number {
  return a.memberId < b.memberId ? -1 : 1;
}
