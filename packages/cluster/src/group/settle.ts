// After every change of a group: who shall have what now, and how far everybody has got with it.
//
//   epoch > target epoch ──> assignor ──> target ──> each member is looked at, until nobody moves any more
//
// What one member gives back another may get, so members are looked at again while somebody changes; each look gives or takes
// something, and there is a finite number of partitions.

import { filtered, isSame, nothing, pairsOf, sizeOf } from "./assignment.ts";
import type { Assignment } from "./assignment.ts";
import type { Assign, AssignorMember } from "./assignor.ts";
import { assignCooperativeSticky } from "./cooperative-sticky.ts";
import type { Draft } from "./draft.ts";
import { assignRange } from "./range.ts";
import { reconcile } from "./reconcile.ts";
import { assignRoundRobin } from "./round-robin.ts";
import { assignorNames, awayEpoch } from "./state.ts";
import type { AssignorName, Group, Member } from "./state.ts";

/** A topic as the metadata knows it. */
export interface GroupTopic {
  readonly topicId: string;
  readonly partitions: number;
}

/** What there is to be had, from this node's metadata. */
export interface TopicsView {
  named(name: string): GroupTopic | undefined;
  /** By whole name, sorted by id. */
  matching(pattern: string): readonly GroupTopic[];
  /** Nothing is committed of it any more (O-4). */
  isGone(topicId: string): boolean;
}

/** By topic id, and partition: the member id of whoever has it. All of a group is looked at with each change, so it costs no text. */
type Owners = Map<string, (string | undefined)[]>;

const assignors: Readonly<Record<AssignorName, Assign>> = {
  "cooperative-sticky": assignCooperativeSticky,
  range: assignRange,
  "round-robin": assignRoundRobin,
};

/** Topics that `member` wants and that exist. */
export function wantedTopics(member: Pick<Member, "topics" | "pattern">, topics: TopicsView): Map<string, number> {
  const wanted = new Map<string, number>();
  const named = member.topics.map((name) => topics.named(name)).filter((topic) => topic !== undefined);
  for (const { topicId, partitions } of [...named, ...(member.pattern === "" ? [] : topics.matching(member.pattern))]) {
    wanted.set(topicId, partitions);
  }
  return wanted;
}

/** Makes the targets of the present epoch, and moves everybody as far as it goes. `owned`: what members said that they have. */
export function settle(draft: Draft, topics: TopicsView, owned: ReadonlyMap<string, Assignment> = new Map()): void {
  const wanted = new Map([...draft.group.members.values()].map((one) => [one.memberId, wantedTopics(one, topics)]));
  if (draft.group.epoch > draft.group.targetEpoch) assign(draft, wanted);
  let isMoving = true;
  while (isMoving) {
    isMoving = false;
    const owners = ownersIn(draft.group);
    for (const memberId of draft.group.members.keys()) {
      const member = draft.group.members.get(memberId) as Member;
      if (member.epoch === awayEpoch) continue;
      const next = step(draft.group, member, { owned: owned.get(memberId), wanted: wanted.get(memberId), owners });
      if (next === member) continue;
      isMoving = true;
      draft.current(next);
      follow(owners, member, next);
    }
  }
}

function step(
  { target, targetEpoch }: Group,
  member: Member,
  {
    owned,
    wanted,
    owners,
  }: {
    readonly owned: Assignment | undefined;
    readonly wanted: ReadonlyMap<string, number> | undefined;
    readonly owners: Owners;
  },
): Member {
  const share = target.get(member.memberId) ?? nothing;
  const wantedShare = filtered(share, (topicId) => (partition) => partition < (wanted?.get(topicId) ?? 0));
  // At rest, as nearly everybody is while one member gives something back.
  if (member.epoch === targetEpoch && member.revoking.size === 0 && isSame(member.assigned, wantedShare)) return member;
  return reconcile(member, {
    target: wantedShare,
    targetEpoch,
    owned,
    isTaken: (topicId, partition) => {
      const owner = owners.get(topicId)?.[partition];
      return owner !== undefined && owner !== member.memberId;
    },
  });
}

function ownersIn({ members }: Group): Owners {
  const owners: Owners = new Map();
  for (const member of members.values()) own(owners, member, member.memberId);
  return owners;
}

function follow(owners: Owners, before: Member, after: Member): void {
  own(owners, before, undefined);
  own(owners, after, after.memberId);
}

function own(owners: Owners, { assigned, revoking }: Member, owner: string | undefined): void {
  for (const share of [assigned, revoking]) {
    for (const [topicId, partitions] of share) {
      let known = owners.get(topicId);
      if (known === undefined) owners.set(topicId, (known = []));
      for (const partition of partitions) known[partition] = owner;
    }
  }
}

function assign(draft: Draft, wanted: ReadonlyMap<string, ReadonlyMap<string, number>>): void {
  const { members, target, epoch } = draft.group;
  const assignor = mostWanted([...members.values()]);
  const partitions = new Map([...wanted.values()].flatMap((topics) => [...topics]));
  const input = [...members.values()].map(({ memberId, instanceId }): AssignorMember => ({
    memberId,
    sortKey: instanceId === "" ? memberId : instanceId,
    topicIds: new Set(wanted.get(memberId)?.keys()),
    owned: target.get(memberId) ?? nothing,
  }));
  const shares = assignors[assignor]({ members: input, partitions });
  for (const [memberId, share] of shares) {
    if (sizeOf(share) > 0 || target.has(memberId)) draft.target(memberId, share);
  }
  draft.assignor(assignor);
  draft.reached(epoch);
}

/** What most members would like; of several the first by name, so that who joins first makes no difference. */
export function mostWanted(members: readonly Pick<Member, "assignor">[]): AssignorName {
  const votes = (name: AssignorName): number => members.filter(({ assignor }) => assignor === name).length;
  return assignorNames.reduce((best, name) => (votes(name) > votes(best) ? name : best));
}

/** Whether anything would be shared out otherwise than it is: topics came, went, or grew. */
export function isOutdated(group: Group, topics: TopicsView): boolean {
  const there = new Map<string, number>();
  for (const member of group.members.values()) {
    for (const [topicId, partitions] of wantedTopics(member, topics)) there.set(topicId, partitions);
  }
  let count = 0;
  for (const share of group.target.values()) {
    for (const [topicId, partition] of pairsOf(share)) {
      if (partition >= (there.get(topicId) ?? 0)) return true;
      count += 1;
    }
  }
  return count !== [...there.values()].reduce((sum, partitions) => sum + partitions, 0);
}
