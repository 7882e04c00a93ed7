// What a command to a group comes to: records and an answer, or a refusal. As with the controller's (controller/decision.ts), only bugs
// are thrown; the group after the records is `Decision.group`, and is the coordinator's once they are committed.

import type { Reason } from "@varve/format";
import { refuse } from "../controller/decision.ts";
import type { Refusal } from "../controller/decision.ts";
import type { Draft } from "./draft.ts";
import type { GroupRecord } from "./records.ts";
import type { TopicsView } from "./settle.ts";
import { awayEpoch } from "./state.ts";
import type { Group, Member } from "./state.ts";

export type GroupDecision<Reply> =
  | { readonly records: readonly GroupRecord[]; readonly group: Group; readonly reply: Reply }
  | { readonly refusal: Refusal };

/** What the deciding node hands in, so that decisions need no clock and no dice. */
export interface GroupContext {
  readonly nowMs: number;
  /** Never the same twice. */
  readonly newUuid: () => string;
  readonly topics: TopicsView;
  readonly limits: GroupLimits;
}

export interface GroupLimits {
  readonly membersMax: number;
  readonly sessionTimeoutMsMin: number;
  readonly sessionTimeoutMsMax: number;
  /** Of a commit's own text. */
  readonly metadataBytesMax: number;
}

export function accept<Reply>(draft: Draft, reply: Reply): GroupDecision<Reply> {
  return { records: draft.records, group: draft.group, reply };
}

/** Who says to be a member under this epoch. */
export interface MemberClaim {
  readonly memberId: string;
  /** Empty, or that of a static member. */
  readonly instanceId: string;
  readonly epoch: number;
}

/**
 * The member that `claim` is, or why it is none. `isAnswerLost`: it may not have heard of its newest epoch, and speaks under the one
 * before.
 */
export function memberOf(
  group: Group,
  { memberId, instanceId, epoch }: MemberClaim,
  what: string,
  isAnswerLost: (member: Member) => boolean = () => false,
): { readonly member: Member } | { readonly refusal: Refusal } {
  const member = group.members.get(memberId);
  const about = { group: group.groupId, member: memberId };
  const no = (reason: Reason, why: string): { readonly refusal: Refusal } =>
    refuse(reason, `Cannot ${what} in group "${group.groupId}": ${why}`, about);
  if (member === undefined) {
    const other = [...group.members.values()].find((one) => instanceId !== "" && one.instanceId === instanceId);
    if (other !== undefined) {
      return no(
        "FENCED_INSTANCE_ID",
        `instance "${instanceId}" is another member by now; only one process may use an instance id.`,
      );
    }
    return no(
      "UNKNOWN_MEMBER_ID",
      `there is no member "${memberId}"; its session has ended, or it has left. Join again.`,
    );
  }
  if (member.epoch === awayEpoch)
    return no("UNKNOWN_MEMBER_ID", `member "${memberId}" said that it leaves. Join again.`);
  if (epoch === member.epoch || (epoch === member.previousEpoch && isAnswerLost(member))) return { member };
  return no(
    epoch > member.epoch ? "FENCED_MEMBER_EPOCH" : "STALE_MEMBER_EPOCH",
    `epoch ${epoch} of member "${memberId}" is not its present one, ${member.epoch}; ` +
      "take in the newest assignment, and repeat what still belongs to the member under its epoch.",
  );
}
