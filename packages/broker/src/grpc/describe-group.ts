/** DescribeGroup: who is in a group, who has what, and how far behind it is. */
import type {
  DescribeGroupRequestOutput,
  DescribeGroupResponseMessage,
  GroupMemberMessage,
  PartitionLagMessage,
  PartitionOffsetsMessage,
  TopicPartitionMessage,
} from "@varve/api";
import {
  type Assignment,
  type Group,
  type Member,
  type Place,
  endOf,
  groupRate,
  keyOf,
  offsetOf,
  offsetsOf,
  pairsOf,
} from "@varve/cluster";
import { errorFieldsOf } from "../drivers/groups/commit-translator.ts";
import type { GroupPartition } from "../drivers/groups/group-partition.ts";
import { unknownTopic } from "../drivers/unknown.ts";
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
    { call: "DescribeGroup", group, request, isMade: false },
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
): Promise<DescribeGroupResponseMessage> {
  const { groupId, epoch, assignor, members } = group;
  const nameOf = (topicId: string): string => node.groups.topicsHere.nameOf(topicId) ?? "";
  return {
    group: groupId,
    state: stateOf(group),
    generation: epoch,
    assignor,
    members: [...members.values()].sort(byId).map((member) => memberMessage(member, nameOf)),
    lags: await lagsOf(node, group),
    rate: groupRate(node.controller.image, groupId) ?? null,
    coordinator: node.leaderHint(leaderEpoch),
  };
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

async function lagsOf(node: BrokerNode, group: Group): Promise<PartitionLagMessage[]> {
  const owners = new Map<string, string>();
  const places = new Map<string, Place>();
  for (const { memberId, assigned, revoking } of group.members.values()) {
    for (const share of [assigned, revoking]) {
      for (const [topicId, partition] of pairsOf(share)) {
        const place = { topicId, partition };
        owners.set(keyOf(place), memberId);
        places.set(keyOf(place), place);
      }
    }
  }
  for (const [topicId, partition] of offsetsOf(group))
    places.set(keyOf({ topicId, partition }), { topicId, partition });
  const ends = await node.groups.offsetsOf([...places.values()], { kind: "latest" });
  return [...places.values()]
    .map((place) => ({ place, topic: node.groups.topicsHere.nameOf(place.topicId) ?? "" }))
    .sort((a, b) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.place.partition - b.place.partition))
    .map(({ place, topic }) => {
      const committed = offsetOf(group, place.topicId, place.partition)?.offset ?? -1;
      const memberId = owners.get(keyOf(place)) ?? "";
      const endOffset = endOf(group, place.topicId, place.partition);
      return {
        topic,
        partition: place.partition,
        committedOffset: committed,
        ...(endOffset === undefined ? {} : { endOffset }),
        memberId,
        ...lagOf(topic, committed, ends.get(keyOf(place))),
      };
    });
}

function lagOf(topic: string, committed: number, end: PartitionOffsetsMessage | undefined): PartitionLagMessage {
  const unknown = { highWatermark: -1, logStartOffset: -1, lag: -1, lagMs: -1 };
  if (end === undefined) return { ...unknown, error: errorFieldsOf(unknownTopic(topic)) };
  if (end.error !== undefined && end.error !== null) return { ...unknown, error: end.error };
  const highWatermark = Number(end.highWatermark);
  const logStartOffset = Number(end.logStartOffset);
  const lag = committed < 0 ? -1 : Math.max(0, highWatermark - Math.max(committed, logStartOffset));
  return { highWatermark, logStartOffset, lag, lagMs: lag === 0 ? 0 : -1 };
}

function byId(a: Member, b: Member): number {
  return a.memberId < b.memberId ? -1 : 1;
}
