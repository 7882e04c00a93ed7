// Who is in a group: joining, being there, leaving, being given up. Each of these may change what everybody shall have, and moves
// everybody as far as that goes at once (settle.ts).

import { refuse } from "../controller/decision.ts";
import type { Refusal } from "../controller/decision.ts";
import { isSubset, nothing, union } from "./assignment.ts";
import type { Assignment } from "./assignment.ts";
import { accept, memberOf } from "./decision.ts";
import type { GroupContext, GroupDecision, MemberClaim } from "./decision.ts";
import { Draft } from "./draft.ts";
import type { MemberWishes } from "./draft.ts";
import { isOutdated, settle } from "./settle.ts";
import { assignorNames, awayEpoch, memberOfInstance } from "./state.ts";
import type { Group, Member } from "./state.ts";

/** Somebody comes, or a static member comes back. */
export interface JoinGroup extends MemberWishes {
  /** Empty: a new member. */
  readonly memberId: string;
  /** Of the client's own making, for a new member: said again, it is the same member. Without: it gets one. */
  readonly newMemberId?: string;
}

/** What a member has to know: its epoch, what it has, and what it is asked to give back. */
export interface MemberReply {
  readonly memberId: string;
  readonly epoch: number;
  readonly assigned: Assignment;
  readonly revoking: Assignment;
}

export function decideJoin(group: Group, join: JoinGroup, context: GroupContext): GroupDecision<MemberReply> {
  const refusal = whyNotJoin(group, join, context);
  if (refusal !== undefined) return { refusal };
  const { instanceId } = join;
  const draft = new Draft(group);
  const before = memberOfInstance(group, instanceId);
  const { memberId: known, newMemberId = "", ...wishes } = join;
  const memberId = known || newMemberId || `${join.clientId || "member"}-${context.newUuid()}`;
  if (before !== undefined && isSameWish(before, wishes)) takeOver(draft, before, { ...wishes, memberId });
  else {
    if (before !== undefined) draft.forget(before.memberId);
    draft.member({ ...wishes, memberId });
    draft.current({ ...newMember(memberId), ...wishes });
    draft.nextEpoch();
  }
  draft.emptySince(-1);
  settle(draft, context.topics);
  return accept(draft, replyOf(draft.group.members.get(memberId) as Member));
}

function whyNotJoin(group: Group, join: JoinGroup, { limits }: GroupContext): Refusal | undefined {
  const { groupId, members } = group;
  const what = `Cannot join group "${groupId}"`;
  const about = { group: groupId };
  const { sessionTimeoutMs, topics, pattern, instanceId } = join;
  const memberId = join.memberId || (join.newMemberId ?? "");
  const [min, max] = [limits.sessionTimeoutMsMin, limits.sessionTimeoutMsMax];
  if (sessionTimeoutMs < min || sessionTimeoutMs > max) {
    const why = `a session timeout of ${sessionTimeoutMs} ms is not between ${min} and ${max}.`;
    return refuse("INVALID_SESSION_TIMEOUT", `${what}: ${why}`, about).refusal;
  }
  if (topics.length === 0 && pattern === "") {
    return refuse("INVALID_REQUEST", `${what}: name the topics to subscribe to, or a pattern.`, about).refusal;
  }
  if (!assignorNames.includes(join.assignor)) {
    const why = `there is no assignor "${join.assignor as string}"; there are ${assignorNames.join(", ")}.`;
    return refuse("UNSUPPORTED_ASSIGNOR", `${what}: ${why}`, about).refusal;
  }
  const known = memberOfInstance(group, instanceId);
  if (known !== undefined && known.memberId !== memberId && known.epoch !== awayEpoch) {
    const why = `instance "${instanceId}" is in it as "${known.memberId}". Give each process an instance id of its own, or wait until that one's session has ended.`;
    return refuse("UNRELEASED_INSTANCE_ID", `${what}: ${why}`, about).refusal;
  }
  if (known === undefined && !members.has(memberId) && members.size >= limits.membersMax) {
    return refuse("GROUP_MAX_SIZE_REACHED", `${what}: it has ${members.size} members, and may not have more.`, about)
      .refusal;
  }
  return undefined;
}

/** A static member comes back, perhaps under another member id: what it shall have, and has, is its own still. */
function takeOver(draft: Draft, before: Member, after: MemberWishes & { readonly memberId: string }): void {
  const share = draft.group.target.get(before.memberId) ?? nothing;
  const { targetEpoch } = draft.group;
  if (before.memberId !== after.memberId) draft.forget(before.memberId);
  draft.member(after);
  draft.target(after.memberId, share);
  const assigned = union(before.assigned, before.revoking);
  draft.current({
    ...before,
    memberId: after.memberId,
    epoch: targetEpoch,
    previousEpoch: targetEpoch,
    assigned,
    revoking: nothing,
  });
}

/**
 * A member comes back on another connection, without the epoch that it knew: what it has still stays its own, and what it was asked for
 * and has not any more is given back. One that is not known any more is told so, and joins with nothing: meanwhile the group may have been
 * deleted, and its epochs, by which it would know what was moved, have begun anew. A new member whose first answer was lost says the id
 * that it made again: it is the member that it is by then, and has heard of nothing.
 */
export function decideReturn(
  group: Group,
  { join, owned }: { readonly join: JoinGroup; readonly owned: Assignment },
  context: GroupContext,
): GroupDecision<MemberReply> {
  const { newMemberId = "", instanceId, topics, pattern } = join;
  const memberId = join.memberId === "" && group.members.has(newMemberId) ? newMemberId : join.memberId;
  const member = group.members.get(memberId);
  if (memberId === "" || member?.epoch === awayEpoch) return decideJoin(group, join, context);
  if (topics.length === 0 && pattern === "") return decideJoin(group, join, context);
  const beat = { memberId, instanceId, epoch: member?.epoch ?? 0, owned, wishes: { topics, pattern } };
  return decideHeartbeat(group, beat, context);
}

/** A member is there, says what it has, and perhaps that it wants something else. */
export interface Heartbeat extends MemberClaim {
  /** Undefined: as before. */
  readonly owned?: Assignment;
  readonly wishes?: Pick<MemberWishes, "topics" | "pattern">;
}

export function decideHeartbeat(group: Group, beat: Heartbeat, context: GroupContext): GroupDecision<MemberReply> {
  // What raised its epoch may not have reached it: then it has no more than what is its own.
  const isAnswerLost = ({ assigned, revoking }: Member): boolean =>
    beat.owned !== undefined && isSubset(beat.owned, union(assigned, revoking));
  const found = memberOf(group, beat, "stay", isAnswerLost);
  if ("refusal" in found) return found;
  const { member } = found;
  const draft = new Draft(group);
  if (beat.wishes !== undefined && !isSameWish(member, { ...member, ...beat.wishes })) {
    draft.member({ ...wishesOf(member), ...beat.wishes, memberId: member.memberId });
    draft.nextEpoch();
  }
  const owned = new Map(beat.owned === undefined ? [] : [[member.memberId, beat.owned]]);
  settle(draft, context.topics, owned);
  return accept(draft, replyOf(draft.group.members.get(member.memberId) as Member));
}

/** A member goes. `away`: a static one that will be back before its session ends; what it has waits for it. */
export interface LeaveGroup extends MemberClaim {
  readonly mode: "gone" | "away";
}

export function decideLeave(group: Group, leave: LeaveGroup, context: GroupContext): GroupDecision<undefined> {
  const found = memberOf(group, leave, "leave", () => true);
  if ("refusal" in found) return found;
  const { member } = found;
  if (leave.mode === "away" && member.instanceId !== "") {
    const draft = new Draft(group);
    draft.current({ ...member, epoch: awayEpoch });
    return accept(draft, undefined);
  }
  return decideRemove(group, [member.memberId], context);
}

/**
 * Their sessions have ended, they did not give back what they were asked for in time, or an operator wants them out. Nothing when they are
 * gone. Together: what they had is shared out once.
 */
export function decideRemove(
  group: Group,
  memberIds: readonly string[],
  context: GroupContext,
): GroupDecision<undefined> {
  const draft = new Draft(group);
  const present = memberIds.filter((memberId) => group.members.has(memberId));
  if (present.length > 0) {
    for (const memberId of present) draft.forget(memberId);
    draft.nextEpoch();
    if (draft.group.members.size === 0) draft.emptySince(context.nowMs);
    settle(draft, context.topics);
  }
  return accept(draft, undefined);
}

/** Topics came, went or grew: who wants them gets them. */
export function decideTopicsChanged(group: Group, context: GroupContext): GroupDecision<undefined> {
  const draft = new Draft(group);
  if (isOutdated(group, context.topics)) {
    draft.nextEpoch();
    settle(draft, context.topics);
  }
  return accept(draft, undefined);
}

function newMember(memberId: string): Pick<Member, "memberId" | "epoch" | "previousEpoch" | "assigned" | "revoking"> {
  return { memberId, epoch: 0, previousEpoch: 0, assigned: nothing, revoking: nothing };
}

export function replyOf({ memberId, epoch, assigned, revoking }: Member): MemberReply {
  return { memberId, epoch, assigned, revoking };
}

function wishesOf(member: Member): MemberWishes {
  const { instanceId, clientId, clientHost, topics, pattern, assignor, sessionTimeoutMs, rebalanceTimeoutMs } = member;
  return { instanceId, clientId, clientHost, topics, pattern, assignor, sessionTimeoutMs, rebalanceTimeoutMs };
}

function isSameWish(a: Pick<MemberWishes, "topics" | "pattern" | "assignor">, b: typeof a): boolean {
  const topics = new Set(a.topics);
  const isSameTopics = topics.size === new Set(b.topics).size && b.topics.every((name) => topics.has(name));
  return isSameTopics && a.pattern === b.pattern && a.assignor === b.assignor;
}
