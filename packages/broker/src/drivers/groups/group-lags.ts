/** How far behind groups are, in records and in time: for people who ask about one, and for the metrics of all that are kept here. */
import type { PartitionLagMessage, PartitionOffsetsMessage } from "@varve/api";
import { type Group, type Place, endOf, keyOf, offsetOf, offsetsOf, pairsOf } from "@varve/cluster";
import { errorFieldsOf } from "../../refusal.ts";
import { unknownTopic } from "../unknown.ts";
import type { NodeGroups } from "./node-groups.ts";

/** What one look may cost: older records are read for so many partitions at most, and so many at a time. */
const timesMax = 1_000;
const timesAtOnce = 16;
/** For a leader to say where its log ends: whoever asks about a group shall not wait for one that is dead. */
const leadersMs = 3_000;

export interface GroupLag extends PartitionLagMessage {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly committedOffset: number;
  readonly lag: number;
  lagMs: number;
}

/** Every partition that one of the groups has committed or given to a member, by group, topic and partition. Never rejects. */
export async function lagsOf(groups: NodeGroups, of: readonly Group[]): Promise<GroupLag[]> {
  const owned = of.map((group) => ({ group, owners: ownersOf(group) }));
  const places = new Map(owned.flatMap(({ owners }) => [...owners].map(([key, { place }]) => [key, place])));
  const ends = await groups.offsetsOf([...places.values()], { kind: "latest" }, leadersMs);
  const lags: GroupLag[] = [];
  const behind: { readonly lag: GroupLag; readonly place: Place }[] = [];
  for (const { group, owners } of owned) {
    for (const [key, { place, memberId }] of owners) {
      const topic = groups.topicsHere.nameOf(place.topicId) ?? "";
      const lag = lagIn(group, place, { topic, memberId, end: ends.get(key) });
      lags.push(lag);
      if (lag.lag > 0) behind.push({ lag, place });
    }
  }
  await addTimes(groups, behind);
  return lags.sort((a, b) => compare(a.group, b.group) || compare(a.topic, b.topic) || a.partition - b.partition);
}

function ownersOf(group: Group): Map<string, { readonly place: Place; readonly memberId: string }> {
  const found = new Map<string, { readonly place: Place; readonly memberId: string }>();
  for (const [topicId, partition] of offsetsOf(group)) {
    const place = { topicId, partition };
    found.set(keyOf(place), { place, memberId: "" });
  }
  for (const { memberId, assigned, revoking } of group.members.values()) {
    for (const share of [assigned, revoking]) {
      for (const [topicId, partition] of pairsOf(share)) {
        const place = { topicId, partition };
        found.set(keyOf(place), { place, memberId });
      }
    }
  }
  return found;
}

function lagIn(
  group: Group,
  { topicId, partition }: Place,
  {
    topic,
    memberId,
    end,
  }: { readonly topic: string; readonly memberId: string; readonly end: PartitionOffsetsMessage | undefined },
): GroupLag {
  const committedOffset = offsetOf(group, topicId, partition)?.offset ?? -1;
  const endOffset = endOf(group, topicId, partition);
  const where = {
    group: group.groupId,
    topic,
    partition,
    committedOffset,
    memberId,
    ...(endOffset === undefined ? {} : { endOffset }),
  };
  const error = end === undefined ? errorFieldsOf(unknownTopic(topic)) : end.error;
  if (end === undefined || (error !== undefined && error !== null)) {
    return { ...where, highWatermark: -1, logStartOffset: -1, lag: -1, lagMs: -1, error: error ?? null };
  }
  const highWatermark = Number(end.highWatermark);
  const logStartOffset = Number(end.logStartOffset);
  // What is not kept any more, or lies behind the group's end, nobody waits for.
  const until = Math.min(highWatermark, endOffset ?? Infinity);
  const lag = committedOffset < 0 ? -1 : Math.max(0, until - Math.max(committedOffset, logStartOffset));
  return { ...where, highWatermark, logStartOffset, lag, lagMs: lag === 0 ? 0 : -1 };
}

async function addTimes(
  groups: NodeGroups,
  behind: readonly { readonly lag: GroupLag; readonly place: Place }[],
): Promise<void> {
  const todo = behind.slice(0, timesMax).values();
  const work = async (): Promise<void> => {
    for (const { lag, place } of todo) {
      const timeMs = await groups.recordTimeAt(place, lag.committedOffset);
      if (timeMs !== undefined) lag.lagMs = Math.max(0, groups.nowMs - timeMs);
    }
  };
  await Promise.all(Array.from({ length: timesAtOnce }, work));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
