// A group as its coordinator knows it: a value, made of records by `replay` and by nothing else, live and at load alike. What is not
// kept, who was heard when, is in sessions.ts.

import { PersistentMap } from "../persistent-map.ts";
import { isSame, nothing, pairsOf } from "./assignment.ts";
import type { Assignment } from "./assignment.ts";
import { assignmentOfShares } from "./records.ts";
import type { GroupRecord } from "./records.ts";

/** A static member that said it will be back: its partitions wait for it. */
export const awayEpoch = -2;

export const assignorNames = ["cooperative-sticky", "range", "round-robin"] as const;
export type AssignorName = (typeof assignorNames)[number];

export interface Member {
  readonly memberId: string;
  /** Empty: a dynamic member. */
  readonly instanceId: string;
  readonly clientId: string;
  readonly clientHost: string;
  readonly topics: readonly string[];
  /** Empty: none. */
  readonly pattern: string;
  readonly assignor: AssignorName;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** 0: it has joined and heard nothing yet. */
  readonly epoch: number;
  readonly previousEpoch: number;
  /** What it has, and nobody else. */
  readonly assigned: Assignment;
  /** What it is asked to give back, and has still. Not in `assigned`. */
  readonly revoking: Assignment;
}

export interface CommittedOffset {
  /** Of the next record that the group wants. */
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly committedAtMs: number;
  /** The group's epoch when a reset moved it; -1: none did. Whoever has the partition goes on from here once it hears of that epoch. */
  readonly movedEpoch: number;
}

export interface Group {
  readonly groupId: string;
  readonly epoch: number;
  readonly targetEpoch: number;
  readonly assignor: AssignorName;
  /** When its last member left; -1: it has some. */
  readonly emptySinceMs: number;
  readonly members: ReadonlyMap<string, Member>;
  /** By member id; who is not in it shall have nothing. */
  readonly target: ReadonlyMap<string, Assignment>;
  /** Where the group ends, exclusive, by topic id and partition as text; empty: nowhere. */
  readonly ends: PersistentMap<PersistentMap<number>>;
  /** By topic id, and partition as text: a commit changes a path of it, however much the group has. Its order means nothing. */
  readonly offsets: PersistentMap<PersistentMap<CommittedOffset>>;
}

export function emptyGroup(groupId: string): Group {
  return {
    groupId,
    epoch: 0,
    targetEpoch: 0,
    assignor: "cooperative-sticky",
    emptySinceMs: -1,
    members: new Map(),
    target: new Map(),
    ends: PersistentMap.empty(),
    offsets: PersistentMap.empty(),
  };
}

/** How far the group is in a partition; undefined: it has not said. */
export function offsetOf({ offsets }: Group, topicId: string, partition: number): CommittedOffset | undefined {
  return offsets.get(topicId)?.get(String(partition));
}

/** Every offset of the group, or those of one topic. */
export function* offsetsOf(
  { offsets }: Group,
  only?: string,
): Generator<readonly [topicId: string, partition: number, committed: CommittedOffset]> {
  const own = only === undefined ? undefined : offsets.get(only);
  const topics = only === undefined ? offsets : own === undefined ? [] : [[only, own] as const];
  for (const [topicId, partitions] of topics) {
    for (const [partition, committed] of partitions) yield [topicId, Number(partition), committed];
  }
}

/** Where the group ends in a partition, exclusive; undefined: nowhere. */
export function endOf({ ends }: Group, topicId: string, partition: number): number | undefined {
  return ends.get(topicId)?.get(String(partition));
}

/** It has an end, and has committed all of it. */
export function isFinished(group: Group): boolean {
  for (const [topicId, partitions] of group.ends) {
    for (const [partition, end] of partitions) {
      if ((offsetOf(group, topicId, Number(partition))?.offset ?? -1) < end) return false;
    }
  }
  return group.ends.size > 0;
}

/** Nothing is known of it: as if it had never been. */
export function isBlank({ epoch, members, target, offsets, ends }: Group): boolean {
  return epoch === 0 && members.size === 0 && target.size === 0 && offsets.size === 0 && ends.size === 0;
}

export type GroupPhase = "empty" | "assigning" | "reconciling" | "stable" | "finished";

/** What people are told of it. Stable: everybody has what it shall have, whether it has heard of the newest epoch or not. */
export function phaseOf(group: Group): GroupPhase {
  const { members, epoch, targetEpoch, target } = group;
  if (isFinished(group)) return "finished";
  if (members.size === 0) return "empty";
  if (epoch > targetEpoch) return "assigning";
  for (const member of members.values()) {
    const isThere = member.revoking.size === 0 && isSame(member.assigned, target.get(member.memberId) ?? nothing);
    if (member.epoch !== awayEpoch && !isThere) return "reconciling";
  }
  return "stable";
}

export function memberOfInstance({ members }: Group, instanceId: string): Member | undefined {
  if (instanceId === "") return undefined;
  for (const member of members.values()) if (member.instanceId === instanceId) return member;
  return undefined;
}

/** Whose a partition is: it was given to it and is not given back. Undefined: it is free. */
export function ownerOf({ members }: Group, topicId: string, partition: number): Member | undefined {
  for (const member of members.values()) {
    for (const share of [member.assigned, member.revoking]) {
      if (share.get(topicId)?.includes(partition) === true) return member;
    }
  }
  return undefined;
}

/** By `topicId/partition`: the member id of whoever has it. */
export function ownersOf({ members }: Group): Map<string, string> {
  const owners = new Map<string, string>();
  for (const { memberId, assigned, revoking } of members.values()) {
    for (const share of [assigned, revoking]) {
      for (const [topicId, partition] of pairsOf(share)) owners.set(`${topicId}/${partition}`, memberId);
    }
  }
  return owners;
}

/** Maps that nobody else has a hold of yet. */
export type OwnMaps = Set<ReadonlyMap<string, unknown>>;

/**
 * The group after `record`. A member's parts may come in any order: compaction keeps the newest of each, wherever it lies. Maps that are
 * among `own` are changed in place, and copies that are made join them: a thousand members take a thousand steps, not a million. So the
 * value before must not be used any more by whoever hands in `own`.
 */
export function replayGroup(group: Group, record: GroupRecord, own: OwnMaps = new Set()): Group {
  switch (record.type) {
    case "Group": {
      if (record.value === null) return { ...emptyGroup(group.groupId), offsets: group.offsets, ends: group.ends };
      const { epoch, targetEpoch, assignor, emptySinceMs } = record.value;
      return { ...group, epoch, targetEpoch, assignor: assignor as AssignorName, emptySinceMs };
    }
    case "Member": {
      const { memberId } = record.key;
      if (record.value === null) return { ...group, members: without(group.members, memberId, own) };
      const before = group.members.get(memberId) ?? newcomer(memberId);
      const member = { ...before, ...record.value, assignor: record.value.assignor as AssignorName };
      return { ...group, members: withEntry(group.members, memberId, member, own) };
    }
    case "Target": {
      const { memberId } = record.key;
      if (record.value === null) return { ...group, target: without(group.target, memberId, own) };
      return {
        ...group,
        target: withEntry(group.target, memberId, assignmentOfShares(record.value.partitions), own),
      };
    }
    case "Current": {
      const { memberId } = record.key;
      if (record.value === null) return group;
      const before = group.members.get(memberId) ?? newcomer(memberId);
      const { epoch, previousEpoch, assigned, revoking } = record.value;
      const shares = { assigned: assignmentOfShares(assigned), revoking: assignmentOfShares(revoking) };
      const member = { ...before, epoch, previousEpoch, ...shares };
      return { ...group, members: withEntry(group.members, memberId, member, own) };
    }
    case "Offset": {
      const { topicId, partition } = record.key;
      const before = group.offsets.get(topicId) ?? PersistentMap.empty<CommittedOffset>();
      const after =
        record.value === null ? before.delete(String(partition)) : before.set(String(partition), record.value);
      const offsets = after.size === 0 ? group.offsets.delete(topicId) : group.offsets.set(topicId, after);
      return { ...group, offsets };
    }
    case "End": {
      const { topicId, partition } = record.key;
      const before = group.ends.get(topicId) ?? PersistentMap.empty<number>();
      const after =
        record.value === null
          ? before.delete(String(partition))
          : before.set(String(partition), record.value.endOffset);
      return { ...group, ends: after.size === 0 ? group.ends.delete(topicId) : group.ends.set(topicId, after) };
    }
  }
}

function newcomer(memberId: string): Member {
  return {
    memberId,
    instanceId: "",
    clientId: "",
    clientHost: "",
    topics: [],
    pattern: "",
    assignor: "cooperative-sticky",
    sessionTimeoutMs: 0,
    rebalanceTimeoutMs: 0,
    epoch: 0,
    previousEpoch: 0,
    assigned: nothing,
    revoking: nothing,
  };
}

function withEntry<V>(map: ReadonlyMap<string, V>, key: string, value: V, own: OwnMaps): ReadonlyMap<string, V> {
  return owned(map, own).set(key, value);
}

function without<V>(map: ReadonlyMap<string, V>, key: string, own: OwnMaps): ReadonlyMap<string, V> {
  if (!map.has(key)) return map;
  const rest = owned(map, own);
  rest.delete(key);
  return rest;
}

function owned<V>(map: ReadonlyMap<string, V>, own: OwnMaps): Map<string, V> {
  if (own.has(map)) return map as Map<string, V>;
  const copy = new Map(map);
  own.add(copy);
  return copy;
}
