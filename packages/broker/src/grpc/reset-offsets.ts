/**
 * ResetOffsets: moves a group to a position, while its members run or not. The leaders say where the position lies; then the offsets, and
 * the epoch of every member that has one of the partitions, change in one batch (O-2).
 *
 * Invariant: all of it or nothing. A partition whose leader cannot be asked, or where the position lies outside the log, moves none.
 */
import {
  type ErrorFields,
  type OffsetMoveMessage,
  type PartitionOffsetsMessage,
  type Position,
  PositionError,
  type ResetOffsetsRequestOutput,
  type ResetOffsetsResponseMessage,
  positionFromMessage,
} from "@varve/api";
import { type Place, keyOf, offsetOf } from "@varve/cluster";
import type { GroupPartition } from "../drivers/groups/group-partition.ts";
import { unknownPartition, unknownTopic } from "../drivers/unknown.ts";
import type { BrokerNode } from "../node.ts";
import { type Refusal, errorFieldsOf, isRefusal, refuse } from "../refusal.ts";
import { atCoordinator, unknownGroup } from "./coordinator-call.ts";

/** Where one partition goes, or why it does not. */
type Destination = Place & { readonly topic: string } & (
    | { readonly offset: number; readonly highWatermark: number }
    | { readonly error: ErrorFields }
  );

export function resetOffsets(
  node: BrokerNode,
  request: ResetOffsetsRequestOutput,
): Promise<ResetOffsetsResponseMessage | Refusal> {
  const { group } = request;
  return atCoordinator<ResetOffsetsResponseMessage>(
    node,
    { call: "ResetOffsets", group, request, isMade: request.topic !== "" && !request.validateOnly },
    (coordinator) => reset(node, coordinator, request),
    () => unknownGroup(group),
  );
}

async function reset(
  node: BrokerNode,
  coordinator: GroupPartition,
  request: ResetOffsetsRequestOutput,
): Promise<ResetOffsetsResponseMessage | Refusal> {
  const position = positionOf(request);
  if (isRefusal(position)) return position;
  const places = placesOf(node, coordinator, request);
  if (isRefusal(places)) return places;
  const tooMany = node.groups.translator.tooMany(places.length);
  if (tooMany !== undefined) return tooMany;
  const found = await node.groups.offsetsOf(places, position);
  const destinations = places.map((place) => destinationOf(node, place, found.get(keyOf(place))));
  const offsets = destinations.flatMap((one) => ("error" in one ? [] : [one]));
  const known = coordinator.groups.get(request.group);
  let from: readonly (number | undefined)[] = destinations.map(
    ({ topicId, partition }) => known && offsetOf(known, topicId, partition)?.offset,
  );
  if (!request.validateOnly && offsets.length === destinations.length) {
    const moved = await coordinator.call(request.group, { kind: "reset", reset: { offsets } });
    if (isRefusal(moved)) return moved;
    ({ from } = moved);
  }
  return { moves: destinations.map((destination, at) => moveOf(destination, from[at] ?? -1)) };
}

function positionOf({ position, group }: ResetOffsetsRequestOutput): Position | Refusal {
  const what = `Cannot move group "${group}"`;
  if (position === null) return refuse("INVALID_REQUEST", `${what}: say where to, such as earliest or a time`);
  try {
    return positionFromMessage(position, { kind: "latest" });
  } catch (error) {
    if (error instanceof PositionError) return refuse("INVALID_REQUEST", `${what}: ${error.message}`);
    throw error;
  }
}

/** The partitions that are asked to move: those named, or all of the topic, or all of every topic that the group has committed in. */
function placesOf(
  node: BrokerNode,
  coordinator: GroupPartition,
  { group, topic, partitions }: ResetOffsetsRequestOutput,
): Place[] | Refusal {
  const { topicsHere } = node.groups;
  if (topic === "") {
    const known = coordinator.groups.get(group);
    if (known === undefined) return unknownGroup(group);
    if (partitions.length > 0) {
      return refuse("INVALID_REQUEST", `Cannot move group "${group}": say of which topic the partitions are`);
    }
    return [...known.offsets.keys()].flatMap((topicId) => {
      const named = topicsHere.named(topicsHere.nameOf(topicId) ?? "");
      return named === undefined ? [] : allOf(topicId, named.partitions);
    });
  }
  const named = topicsHere.named(topic);
  if (named === undefined) return unknownTopic(topic);
  const { topicId, partitions: partitionCount } = named;
  if (partitions.length === 0) return allOf(topicId, partitionCount);
  const missing = partitions.find((partition) => partition < 0 || partition >= partitionCount);
  if (missing !== undefined) return unknownPartition({ name: topic, partitionCount }, missing);
  return [...new Set(partitions)].map((partition) => ({ topicId, partition }));
}

function allOf(topicId: string, partitions: number): Place[] {
  return Array.from({ length: partitions }, (_, partition) => ({ topicId, partition }));
}

function destinationOf(node: BrokerNode, place: Place, found: PartitionOffsetsMessage | undefined): Destination {
  const topic = node.groups.topicsHere.nameOf(place.topicId) ?? "";
  const where = { ...place, topic };
  if (found === undefined) return { ...where, error: errorFieldsOf(unknownTopic(topic)) };
  if (found.error !== undefined && found.error !== null) {
    const { reason = "INTERNAL", message = "", retriable = false, metadata = {} } = found.error;
    return { ...where, error: { reason, message, retriable, metadata } };
  }
  const [offset, first, end] = [Number(found.offset), Number(found.logStartOffset), Number(found.highWatermark)];
  if (offset >= first && offset <= end) return { ...where, offset, highWatermark: end };
  const why = `offset ${offset} is not in the log, which has ${first} to ${end}`;
  const error = refuse(
    "OFFSET_OUT_OF_RANGE",
    `Cannot move to it in partition ${place.partition} of topic "${topic}": ${why}`,
    {
      logStartOffset: first,
      highWatermark: end,
    },
  );
  return { ...where, error: errorFieldsOf(error) };
}

function moveOf(destination: Destination, fromOffset: number): OffsetMoveMessage {
  const { topic, partition } = destination;
  if ("error" in destination) return { topic, partition, fromOffset, toOffset: -1, error: destination.error };
  const { offset: toOffset, highWatermark } = destination;
  const isKnown = fromOffset >= 0;
  return {
    topic,
    partition,
    fromOffset,
    toOffset,
    skipped: isKnown ? Math.max(0, toOffset - fromOffset) : 0,
    seenAgain: isKnown ? Math.max(0, Math.min(fromOffset, highWatermark) - toOffset) : 0,
  };
}
