// Where a group is: commits of its members, fenced by epoch and by what they have, and the ways in which offsets move without them:
// resets while they run, expiry of groups that nobody uses, topics that are deleted.

import { refuse } from "../controller/decision.ts";
import type { Refusal } from "../controller/decision.ts";
import { has, nothing } from "./assignment.ts";
import { accept, memberOf } from "./decision.ts";
import type { GroupContext, GroupDecision, MemberClaim } from "./decision.ts";
import { Draft } from "./draft.ts";
import { awayEpoch, isBlank, offsetOf, offsetsOf } from "./state.ts";
import type { Group, Member } from "./state.ts";

export interface OffsetToCommit {
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  /** -1: not said. */
  readonly leaderEpoch: number;
  readonly metadata: string;
  /** The member has not been told in its session that it has it: what it says is of before it came back. */
  readonly isUntold?: boolean;
}

export interface CommitOffsets {
  /** Undefined: somebody who is no member, of a group that has none. */
  readonly claim: MemberClaim | undefined;
  readonly offsets: readonly OffsetToCommit[];
}

/** Of each offset, in order: undefined when it is in. */
export type CommitVerdict = Refusal | undefined;

/**
 * O-3: a commit lands in the epoch that the member has at its append, and for what it has: what was given back, or was moved by a reset,
 * is not committed over.
 */
export function decideCommit(
  group: Group,
  { claim, offsets }: CommitOffsets,
  context: GroupContext,
): GroupDecision<readonly CommitVerdict[]> {
  let member: Member | undefined;
  if (claim !== undefined) {
    const found = memberOf(group, claim, "commit");
    if ("refusal" in found) return found;
    member = found.member;
  } else if (group.members.size > 0) {
    const why = "it has members, and they commit. Reset its offsets instead (`varve group reset`), or stop them first.";
    return refuse("UNKNOWN_MEMBER_ID", `Cannot commit in group "${group.groupId}": ${why}`, { group: group.groupId });
  }
  const draft = new Draft(group);
  const verdicts = offsets.map((one): CommitVerdict => {
    const refusal = whyNotCommit(group, member, one, context);
    if (refusal === undefined) put(draft, one, context.nowMs);
    return refusal;
  });
  return accept(draft, verdicts);
}

function whyNotCommit(
  { groupId }: Group,
  member: Member | undefined,
  { topicId, partition, offset, metadata, isUntold = false }: OffsetToCommit,
  { limits, topics }: GroupContext,
): Refusal | undefined {
  const what = `Cannot commit ${offset} of ${topicId}/${partition} in group "${groupId}"`;
  const about = { group: groupId, topicId, partition: String(partition) };
  if (!Number.isSafeInteger(offset) || offset < 0)
    return refuse("INVALID_REQUEST", `${what}: an offset is a whole number from 0 up.`, about).refusal;
  if (Buffer.byteLength(metadata) > limits.metadataBytesMax) {
    const why = `its text is longer than ${limits.metadataBytesMax} bytes.`;
    return refuse("OFFSET_METADATA_TOO_LARGE", `${what}: ${why}`, about).refusal;
  }
  // O-4: a member that is asked to give it back may not have heard.
  if (topics.isGone(topicId)) return refuse("UNKNOWN_TOPIC", `${what}: the topic is gone.`, about).refusal;
  if (member === undefined) return undefined;
  const whose = { ...about, member: member.memberId };
  const isAssigned = has(member.assigned, topicId, partition);
  if (!isAssigned && !has(member.revoking, topicId, partition)) {
    const why = `member "${member.memberId}" does not have it any more.`;
    return refuse("NOT_ASSIGNED", `${what}: ${why}`, whose).refusal;
  }
  if (!isUntold) return undefined;
  // Somebody else may have had it meanwhile and gone further, or a reset may have moved it.
  const why = `member "${member.memberId}" has not been told where to go on in it since it came back`;
  if (isAssigned)
    return refuse("STALE_MEMBER_EPOCH", `${what}: ${why}; take in the assignment that names it first.`, whose).refusal;
  return refuse("NOT_ASSIGNED", `${what}: ${why}, and is asked to give it back.`, whose).refusal;
}

function put(
  draft: Draft,
  { topicId, partition, offset, leaderEpoch, metadata }: OffsetToCommit,
  committedAtMs: number,
): void {
  const movedEpoch = offsetOf(draft.group, topicId, partition)?.movedEpoch ?? -1;
  draft.offset(topicId, partition, { offset, leaderEpoch, metadata, committedAtMs, movedEpoch });
}

export interface StartMember {
  readonly memberId: string;
  readonly offsets: readonly Pick<OffsetToCommit, "topicId" | "partition" | "offset" | "leaderEpoch">[];
}

/**
 * Where a member begins in what nobody has committed yet: from then on it is committed, and only a reset begins elsewhere. Of what it has
 * lost since that was looked up, the next one says where it begins.
 */
export function decideStart(
  group: Group,
  { memberId, offsets }: StartMember,
  { nowMs, topics }: Pick<GroupContext, "nowMs" | "topics">,
): GroupDecision<undefined> {
  const draft = new Draft(group);
  const assigned = group.members.get(memberId)?.assigned ?? nothing;
  for (const one of offsets) {
    if (topics.isGone(one.topicId) || !has(assigned, one.topicId, one.partition)) continue;
    if (offsetOf(draft.group, one.topicId, one.partition) === undefined) put(draft, { ...one, metadata: "" }, nowMs);
  }
  return accept(draft, undefined);
}

export interface ResetReply {
  /** Whoever has one of the partitions. */
  readonly members: readonly string[];
  /** Where the group was, in order; undefined: nobody had said. */
  readonly from: readonly (number | undefined)[];
}

export interface ResetOffsets {
  readonly offsets: readonly Pick<OffsetToCommit, "topicId" | "partition" | "offset">[];
}

/**
 * Moves a group, while its members run or not. O-2: the offsets and the epoch of every member that has one of these partitions change
 * in one batch, so that nothing they commit under the old epoch can land, and who hears of the new one hears of the new position.
 */
export function decideReset(group: Group, { offsets }: ResetOffsets, context: GroupContext): GroupDecision<ResetReply> {
  const gone = offsets.find(({ topicId }) => context.topics.isGone(topicId));
  if (gone !== undefined) {
    const why = `topic ${gone.topicId} is gone.`;
    return refuse("UNKNOWN_TOPIC", `Cannot reset group "${group.groupId}": ${why}`, { topicId: gone.topicId });
  }
  const draft = new Draft(group);
  if (offsets.length === 0) return accept(draft, { members: [], from: [] });
  const moved = new Set<string>();
  for (const { topicId, partition } of offsets) {
    for (const { memberId, assigned, revoking } of group.members.values()) {
      if (has(assigned, topicId, partition) || has(revoking, topicId, partition)) moved.add(memberId);
    }
  }
  // Also of what nobody has: each reset is told apart from every other.
  draft.nextEpoch();
  const { epoch } = draft.group;
  for (const { topicId, partition, offset } of offsets) {
    const committedAtMs = context.nowMs;
    draft.offset(topicId, partition, { offset, leaderEpoch: -1, metadata: "", committedAtMs, movedEpoch: epoch });
  }
  // Who shall have what stays as it was made, if it was made.
  if (group.targetEpoch === group.epoch) draft.reached(epoch);
  for (const memberId of moved) {
    const member = draft.group.members.get(memberId) as Member;
    if (member.epoch !== awayEpoch) draft.current({ ...member, epoch, previousEpoch: member.epoch });
  }
  const from = offsets.map(({ topicId, partition }) => offsetOf(group, topicId, partition)?.offset);
  return accept(draft, { members: [...moved], from });
}

/** A group that begins at these places, and perhaps ends. */
export interface ForkGroup {
  readonly offsets: readonly (Pick<OffsetToCommit, "topicId" | "partition" | "offset"> & {
    readonly endOffset: number | undefined;
  })[];
}

/** Makes a group; one that is known is refused. */
export function decideFork(
  group: Group,
  { offsets }: ForkGroup,
  { nowMs, topics }: Pick<GroupContext, "nowMs" | "topics">,
): GroupDecision<undefined> {
  const { groupId } = group;
  if (!isBlank(group)) {
    const why = "there is such a group. Choose another name, or delete it first.";
    return refuse("GROUP_ALREADY_EXISTS", `Cannot make group "${groupId}": ${why}`, { group: groupId });
  }
  const gone = offsets.find(({ topicId }) => topics.isGone(topicId));
  if (gone !== undefined) {
    const why = `topic ${gone.topicId} is gone.`;
    return refuse("UNKNOWN_TOPIC", `Cannot make group "${groupId}": ${why}`, { topicId: gone.topicId });
  }
  const draft = new Draft(group);
  for (const { topicId, partition, offset, endOffset } of offsets) {
    put(draft, { topicId, partition, offset, leaderEpoch: -1, metadata: "" }, nowMs);
    if (endOffset !== undefined) draft.end(topicId, partition, endOffset);
  }
  return accept(draft, undefined);
}

/** So much is taken back at once: it fits into a batch, however long the name of the group is, and the rest follows. */
const takenBackMax = 4_000;

/** O-4: a topic is deleted, and nothing is left to be committed of it. Asked again until nothing is. */
export function decideForgetTopic(group: Group, topicId: string): GroupDecision<undefined> {
  const draft = new Draft(group);
  for (const [, partition] of offsetsOf(group, topicId)) {
    if (draft.records.length < takenBackMax) draft.offset(topicId, partition, null);
  }
  for (const partition of group.ends.get(topicId)?.keys() ?? []) {
    if (draft.records.length < takenBackMax) draft.end(topicId, Number(partition), null);
  }
  return accept(draft, undefined);
}

/** A group without members is forgotten so long after the last of them left, and after the last commit: with it what it committed. */
export function decideExpire(
  group: Group,
  { nowMs, retentionMs }: { readonly nowMs: number; readonly retentionMs: number },
): GroupDecision<{ readonly isGone: boolean }> {
  const draft = new Draft(group);
  if (group.members.size > 0) return accept(draft, { isGone: false });
  let isGone = true;
  for (const [topicId, partition, { committedAtMs }] of offsetsOf(group)) {
    if (draft.records.length >= takenBackMax) isGone = false;
    else if (nowMs - Math.max(committedAtMs, group.emptySinceMs) >= retentionMs) draft.offset(topicId, partition, null);
    else isGone = false;
  }
  if (group.emptySinceMs >= 0 && nowMs - group.emptySinceMs < retentionMs) isGone = false;
  if (isGone) draft.endless();
  if (isGone) draft.put({ type: "Group", key: { groupId: group.groupId }, value: null });
  return accept(draft, { isGone });
}

/** At once, with everything that it committed; refused while it has members. */
export function decideDelete(group: Group): GroupDecision<undefined> {
  const { groupId, members } = group;
  if (members.size > 0) {
    const why = `it has ${members.size} members. Stop them first.`;
    return refuse("NON_EMPTY_GROUP", `Cannot delete group "${groupId}": ${why}`, { group: groupId });
  }
  const draft = new Draft(group);
  for (const [topicId, partition] of offsetsOf(group)) draft.offset(topicId, partition, null);
  draft.endless();
  draft.put({ type: "Group", key: { groupId }, value: null });
  return accept(draft, undefined);
}
