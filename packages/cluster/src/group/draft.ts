// What one command comes to, in the making: records, and the group as it is with them. Thrown away when they are not committed.

import type { Assignment } from "./assignment.ts";
import { isSame } from "./assignment.ts";
import { sharesOf } from "./records.ts";
import type { GroupRecord } from "./records.ts";
import { replayGroup } from "./state.ts";
import type { CommittedOffset, Group, Member, OwnMaps } from "./state.ts";

export class Draft {
  #group: Group;
  readonly #own: OwnMaps = new Set();
  readonly records: GroupRecord[] = [];

  constructor(group: Group) {
    this.#group = group;
  }

  /** As it is now. Its maps are changed by what is put after: take what you need from it before. */
  get group(): Group {
    return this.#group;
  }

  put(record: GroupRecord): void {
    this.records.push(record);
    this.#group = replayGroup(this.#group, record, this.#own);
  }

  /** Somebody came, went or wants something else, or there is something else to be had. */
  nextEpoch(): void {
    const { epoch } = this.#group;
    this.#putGroup({ epoch: epoch + 1 });
  }

  reached(targetEpoch: number): void {
    if (this.#group.targetEpoch !== targetEpoch) this.#putGroup({ targetEpoch });
  }

  emptySince(emptySinceMs: number): void {
    if (this.#group.emptySinceMs !== emptySinceMs) this.#putGroup({ emptySinceMs });
  }

  assignor(assignor: Group["assignor"]): void {
    if (this.#group.assignor !== assignor) this.#putGroup({ assignor });
  }

  member({ memberId, ...told }: Pick<Member, "memberId"> & MemberWishes): void {
    const value = { ...told, topics: [...told.topics] };
    this.put({ type: "Member", key: this.#key(memberId), value });
  }

  current({ memberId, epoch, previousEpoch, assigned, revoking }: Member): void {
    const value = { epoch, previousEpoch, assigned: sharesOf(assigned), revoking: sharesOf(revoking) };
    this.put({ type: "Current", key: this.#key(memberId), value });
  }

  target(memberId: string, share: Assignment): void {
    const before = this.#group.target.get(memberId);
    if (before !== undefined && isSame(before, share)) return;
    this.put({ type: "Target", key: this.#key(memberId), value: { partitions: sharesOf(share) } });
  }

  forget(memberId: string): void {
    const key = this.#key(memberId);
    if (this.#group.target.has(memberId)) this.put({ type: "Target", key, value: null });
    this.put({ type: "Current", key, value: null });
    this.put({ type: "Member", key, value: null });
  }

  offset(topicId: string, partition: number, committed: CommittedOffset | null): void {
    this.put({ type: "Offset", key: { groupId: this.#group.groupId, topicId, partition }, value: committed });
  }

  end(topicId: string, partition: number, endOffset: number | null): void {
    const key = { groupId: this.#group.groupId, topicId, partition };
    this.put({ type: "End", key, value: endOffset === null ? null : { endOffset } });
  }

  /** Nothing is left of the ends. */
  endless(): void {
    for (const [topicId, partitions] of this.#group.ends) {
      for (const partition of partitions.keys()) this.end(topicId, Number(partition), null);
    }
  }

  #key(memberId: string): { readonly groupId: string; readonly memberId: string } {
    return { groupId: this.#group.groupId, memberId };
  }

  #putGroup(change: Partial<Pick<Group, "epoch" | "targetEpoch" | "assignor" | "emptySinceMs">>): void {
    const { groupId, epoch, targetEpoch, assignor, emptySinceMs } = this.#group;
    this.put({ type: "Group", key: { groupId }, value: { epoch, targetEpoch, assignor, emptySinceMs, ...change } });
  }
}

/** What a member says of itself and wants. */
export type MemberWishes = Pick<
  Member,
  | "instanceId"
  | "clientId"
  | "clientHost"
  | "topics"
  | "pattern"
  | "assignor"
  | "sessionTimeoutMs"
  | "rebalanceTimeoutMs"
>;
