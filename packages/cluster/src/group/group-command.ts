// What can be asked of a group, as data, and what decides it. One of these after the other makes the group.

import type { Refusal } from "../controller/decision.ts";
import type { Assignment } from "./assignment.ts";
import type { GroupContext, GroupDecision, MemberClaim } from "./decision.ts";
import {
  decideHeartbeat,
  decideJoin,
  decideLeave,
  decideRemove,
  decideReturn,
  decideTopicsChanged,
} from "./membership.ts";
import type { Heartbeat, JoinGroup, LeaveGroup, MemberReply } from "./membership.ts";
import {
  decideCommit,
  decideDelete,
  decideExpire,
  decideFork,
  decideForgetTopic,
  decideReset,
  decideStart,
} from "./offsets.ts";
import type { CommitOffsets, CommitVerdict, ForkGroup, ResetOffsets, ResetReply, StartMember } from "./offsets.ts";
import type { Group } from "./state.ts";

type WithoutEpoch<Claim extends MemberClaim> = Omit<Claim, "epoch"> & { readonly epoch?: number };

export type GroupCommand =
  | { readonly kind: "join"; readonly join: JoinGroup }
  /** A member comes back on another connection; one that is not known any more is told so. */
  | { readonly kind: "return"; readonly join: JoinGroup; readonly owned: Assignment }
  /** Without an epoch: of the one that the member has now, because its connection speaks for it. */
  | { readonly kind: "beat"; readonly beat: WithoutEpoch<Heartbeat> }
  | { readonly kind: "leave"; readonly leave: WithoutEpoch<LeaveGroup> }
  | { readonly kind: "remove"; readonly memberIds: readonly string[] }
  | { readonly kind: "commit"; readonly commit: CommitOffsets }
  /** Where a member begins in what it has and nobody has committed yet. */
  | ({ readonly kind: "start" } & StartMember)
  | { readonly kind: "reset"; readonly reset: ResetOffsets }
  | { readonly kind: "fork"; readonly fork: ForkGroup }
  | { readonly kind: "topics" }
  | { readonly kind: "forget"; readonly topicId: string }
  | { readonly kind: "expire"; readonly retentionMs: number }
  | { readonly kind: "delete" };

export interface GroupReplies {
  readonly join: MemberReply;
  readonly return: MemberReply;
  readonly beat: MemberReply;
  readonly leave: undefined;
  readonly remove: undefined;
  readonly commit: readonly CommitVerdict[];
  readonly start: undefined;
  readonly reset: ResetReply;
  readonly fork: undefined;
  readonly topics: undefined;
  readonly forget: undefined;
  readonly expire: { readonly isGone: boolean };
  readonly delete: undefined;
}

export type GroupReplyOf<C extends GroupCommand> = GroupReplies[C["kind"]];

/** What a command comes to: a reply of its kind, or why it was not done. */
export type GroupOutcome = { readonly reply: GroupReplies[keyof GroupReplies] } | { readonly refusal: Refusal };

export function decideGroup(
  group: Group,
  command: GroupCommand,
  context: GroupContext,
): GroupDecision<GroupReplies[keyof GroupReplies]> {
  switch (command.kind) {
    case "join":
      return decideJoin(group, command.join, context);
    case "return":
      return decideReturn(group, command, context);
    case "beat":
      return decideHeartbeat(group, withEpoch(group, command.beat), context);
    case "leave":
      return decideLeave(group, withEpoch(group, command.leave), context);
    case "remove":
      return decideRemove(group, command.memberIds, context);
    case "commit":
      return decideCommit(group, command.commit, context);
    case "start":
      return decideStart(group, command, context);
    case "reset":
      return decideReset(group, command.reset, context);
    case "fork":
      return decideFork(group, command.fork, context);
    case "topics":
      return decideTopicsChanged(group, context);
    case "forget":
      return decideForgetTopic(group, command.topicId);
    case "expire":
      return decideExpire(group, { nowMs: context.nowMs, retentionMs: command.retentionMs });
    case "delete":
      return decideDelete(group);
  }
}

function withEpoch<Claim extends { readonly memberId: string; readonly epoch?: number }>(
  { members }: Group,
  claim: Claim,
): Claim & { readonly epoch: number } {
  return { ...claim, epoch: claim.epoch ?? members.get(claim.memberId)?.epoch ?? 0 };
}
