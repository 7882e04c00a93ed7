/**
 * ForkGroup: a new group at a chosen position beside another one, perhaps with an end. Decided by the coordinator of the new group; what
 * the old one has committed is asked of its own.
 *
 * Invariants
 * - The new group is there with all its places and ends, or not at all: they are one batch.
 * - Its rate holds before it is there, so that nobody reads faster; when the group is not made, the rate is as it was (rated-fork.ts).
 */
import {
  type End,
  type ForkGroupRequestOutput,
  type ForkGroupResponseMessage,
  type PartitionOffsetsMessage,
  type Position,
  PositionError,
  endFromMessage,
  positionFromMessage,
} from "@varve/api";
import { type ForkGroup, type Place, groupRate, keyOf } from "@varve/cluster";
import { isReason } from "@varve/format";
import type { GroupPartition } from "../drivers/groups/group-partition.ts";
import { unknownTopic } from "../drivers/unknown.ts";
import type { BrokerNode } from "../node.ts";
import { type Refusal, isRefusal, refuse } from "../refusal.ts";
import { setRate, unlimited } from "./configure-group.ts";
import { atCoordinator, groupNameFault, unknownGroup } from "./coordinator-call.ts";
import { makeRated } from "./rated-fork.ts";

/** A partition of the new group. */
type Begun = Place & { readonly topic: string; readonly offset: number };

interface Wish {
  /** Undefined: where the old group is. */
  readonly position: Position | undefined;
  readonly end: End;
}

export async function forkGroup(
  node: BrokerNode,
  request: ForkGroupRequestOutput,
): Promise<ForkGroupResponseMessage | Refusal> {
  const fault = groupNameFault(request.group) ?? groupNameFault(request.newGroup);
  if (fault !== undefined) return fault;
  const wish = wishOf(request);
  if (isRefusal(wish)) return wish;
  return atCoordinator<ForkGroupResponseMessage>(
    node,
    { call: "ForkGroup", group: request.newGroup, request, isMade: false },
    (coordinator) => fork(node, coordinator, request, wish),
    () => unknownGroup(request.group),
  );
}

async function fork(
  node: BrokerNode,
  coordinator: GroupPartition,
  request: ForkGroupRequestOutput,
  { position, end }: Wish,
): Promise<ForkGroupResponseMessage | Refusal> {
  const { group, newGroup, topics, validateOnly } = request;
  const committed = await node.groups.committedOf(group);
  if (isRefusal(committed)) return committed;
  const old = (committed.offsets ?? []).flatMap(({ topic = "", partition = 0, offset }): Begun[] => {
    const topicId = node.groups.translator.topicId(topic);
    return topicId === undefined ? [] : [{ topicId, topic, partition, offset: Number(offset) }];
  });
  if (old.length === 0) return unknownGroup(group);
  const begun = await begin(node, old, topics, position);
  if (isRefusal(begun)) return begun;
  if (begun.length === 0) {
    return refuse("INVALID_REQUEST", `Cannot fork group "${group}": it has committed nothing in the topics asked for`);
  }
  const tooMany = node.groups.translator.tooMany(begun.length);
  if (tooMany !== undefined) return tooMany;
  const found = await endsOf(node, begun, end);
  if (isRefusal(found)) return found;
  if (begun.every(({ offset }, at) => offset > (found[at] ?? Infinity))) {
    const why = "its end lies before its start in every partition, so there is nothing to read";
    return refuse("INVALID_REQUEST", `Cannot fork group "${group}": ${why}; choose an earlier position or a later end`);
  }
  const ends = begun.map(({ offset }, at) => (found[at] === undefined ? undefined : Math.max(offset, found[at])));
  const offsets = begun.map(({ topicId, partition, offset }, at) => ({
    topicId,
    partition,
    offset,
    endOffset: ends[at],
  }));
  const refusal =
    whyNotMake(node, coordinator, newGroup) ??
    (validateOnly ? undefined : await make(node, coordinator, request, offsets));
  if (refusal !== undefined) return refusal;
  return {
    partitions: begun.map(({ topic, partition, offset }, at) => {
      const endOffset = ends[at];
      return { topic, partition, offset, ...(endOffset === undefined ? {} : { endOffset }) };
    }),
  };
}

function whyNotMake(node: BrokerNode, coordinator: GroupPartition, newGroup: string): Refusal | undefined {
  const about = { group: newGroup };
  const what = `Cannot make group "${newGroup}"`;
  if (coordinator.groups.has(newGroup)) {
    const why = "there is such a group. Choose another name, or delete it first.";
    return refuse("GROUP_ALREADY_EXISTS", `${what}: ${why}`, about);
  }
  // Each sets the rate, and one of them would take it away again.
  if (!node.groups.forking.has(newGroup)) return undefined;
  return refuse("BUSY", `${what}: somebody else is making one of that name now; try again`, about);
}

async function make(
  node: BrokerNode,
  coordinator: GroupPartition,
  { newGroup, rate }: ForkGroupRequestOutput,
  offsets: ForkGroup["offsets"],
): Promise<Refusal | undefined> {
  const { forking } = node.groups;
  forking.add(newGroup);
  try {
    const made = async (): Promise<Refusal | undefined> => {
      const reply = await coordinator.call(newGroup, { kind: "fork", fork: { offsets } });
      return isRefusal(reply) ? reply : undefined;
    };
    if (rate === null) return await made();
    return await makeRated({
      newGroup,
      rate,
      before: groupRate(node.controller.image, newGroup) ?? unlimited,
      setRate: (wanted) => setRate(node, newGroup, wanted),
      whyNot: () => coordinator.whyNoCall,
      make: made,
    });
  } finally {
    forking.delete(newGroup);
  }
}

/** Where the new group begins: where the old one is, or where the position lies in every partition of its topics. */
async function begin(
  node: BrokerNode,
  old: readonly Begun[],
  topics: readonly string[],
  position: Position | undefined,
): Promise<readonly Begun[] | Refusal> {
  const chosen = topics.length === 0 ? old : old.filter(({ topic }) => topics.includes(topic));
  if (position === undefined) return chosen;
  const names = topics.length === 0 ? [...new Set(chosen.map(({ topic }) => topic))] : [...new Set(topics)];
  const places: (Place & { readonly topic: string })[] = [];
  for (const topic of names) {
    const named = node.groups.topicsHere.named(topic);
    if (named === undefined) return unknownTopic(topic);
    for (let partition = 0; partition < named.partitions; partition++) {
      places.push({ topicId: named.topicId, topic, partition });
    }
  }
  const tooMany = node.groups.translator.tooMany(places.length);
  if (tooMany !== undefined) return tooMany;
  const offsets = await offsetsAt(node, places, position);
  return isRefusal(offsets) ? offsets : places.map((place, at) => ({ ...place, offset: offsets[at] ?? 0 }));
}

async function endsOf(
  node: BrokerNode,
  begun: readonly Begun[],
  end: End,
): Promise<readonly (number | undefined)[] | Refusal> {
  switch (end.kind) {
    case "none":
    case "count":
      return begun.map(() => undefined);
    case "offset":
      return begun.map(() => end.offset);
    case "time":
      return offsetsAt(node, begun, end);
    case "latest-at-start":
      return offsetsAt(node, begun, { kind: "latest" });
  }
}

/** All of them, or why not. An end may lie ahead of the log; where to begin may not: members would begin somewhere else. */
async function offsetsAt(
  node: BrokerNode,
  places: readonly (Place & { readonly topic: string })[],
  position: Position,
): Promise<readonly number[] | Refusal> {
  const found = await node.groups.offsetsOf(places, position);
  const offsets: number[] = [];
  for (const place of places) {
    const row = found.get(keyOf(place));
    const refusal = failureOf(place.topic, row);
    if (refusal !== undefined) return refusal;
    const [offset, first, end] = [Number(row?.offset), Number(row?.logStartOffset), Number(row?.highWatermark)];
    if (position.kind === "offset" && (offset < first || offset > end)) {
      return refuse(
        "OFFSET_OUT_OF_RANGE",
        `Cannot begin in partition ${place.partition} of topic "${place.topic}": offset ${offset} is not in the log, which has ${first} to ${end}`,
        { topic: place.topic, logStartOffset: first, highWatermark: end },
      );
    }
    offsets.push(offset);
  }
  return offsets;
}

function failureOf(topic: string, found: PartitionOffsetsMessage | undefined): Refusal | undefined {
  if (found === undefined) return unknownTopic(topic);
  if (found.error === undefined || found.error === null) return undefined;
  const { reason = "", message = "", metadata = {} } = found.error;
  return isReason(reason) ? { reason, message, metadata } : refuse("INTERNAL", message);
}

function wishOf({ group, position, end }: ForkGroupRequestOutput): Wish | Refusal {
  const what = `Cannot fork group "${group}"`;
  try {
    const wished = endFromMessage(end, { kind: "none" });
    if (wished.kind === "count") {
      return refuse("INVALID_REQUEST", `${what}: a group cannot end after a count of records; use an offset or a time`);
    }
    return { position: position === null ? undefined : positionFromMessage(position, { kind: "latest" }), end: wished };
  } catch (error) {
    if (error instanceof PositionError) return refuse("INVALID_REQUEST", `${what}: ${error.message}`);
    throw error;
  }
}
