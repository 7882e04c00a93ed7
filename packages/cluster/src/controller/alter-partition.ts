// AlterPartition: the leader of a partition proposes another ISR, or says that it has recovered (A-1 to A-6, 6.6). It is the only
// way in which an ISR grows. Both sides may be out of date, so every proposal carries the epochs it was made under, and each
// member the broker epoch of the fetches that proved it.
//
// Whatever was decided moves the partition epoch: also an acceptance that changes nothing, and the refusal of a member that
// may not join. That kills every older copy of the request, and as the move is committed it proves that this controller was
// no zombie; so the leader may take a refusal for what it is. Other refusals say nothing about what happened: the
// leader keeps counting whom it proposed, and asks again.

import { alterPartitionsMax } from "../limits.ts";
import type { CommittedIsr, IsrProposal } from "../partition/isr.ts";
import { staleBroker } from "./broker-epoch.ts";
import { accept, refuse } from "./decision.ts";
import type { Decision, Refusal } from "./decision.ts";
import { activeReplicas, brokerOf, partitionOf, presentDirs } from "./image.ts";
import { planPartitionChange } from "./partition-change.ts";
import type { PartitionChangeRecord } from "./records.ts";
import type { ControllerImage, Partition } from "./state.ts";

export interface PartitionProposal extends IsrProposal {
  readonly topicId: string;
  readonly partition: number;
}

export interface AlterPartition {
  readonly kind: "alterPartition";
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly partitions: readonly PartitionProposal[];
}

/**
 * `changed`: as proposed. `ineligible`: a member may not join now; nothing but the partition epoch has changed. `leaderMoved`: as
 * proposed, which ended the sender's leadership: it waits for the metadata. `refused`: nothing was decided.
 */
export type PartitionVerdict = { readonly topicId: string; readonly partition: number } & (
  | Decided
  | { readonly kind: "refused"; readonly refusal: Refusal }
);

interface Decided {
  readonly kind: "changed" | "ineligible" | "leaderMoved";
  readonly state: CommittedIsr & { readonly leader: number };
}

/** One verdict for each proposal, in their order. */
export interface AlterPartitionReply {
  readonly partitions: readonly PartitionVerdict[];
}

export function decideAlterPartition(image: ControllerImage, command: AlterPartition): Decision<AlterPartitionReply> {
  const stale = staleBroker(image, command);
  if (stale !== undefined) return stale;
  const { partitions } = command;
  const names = new Set(partitions.map(({ topicId, partition }) => `${topicId}/${partition}`));
  if (names.size !== partitions.length || partitions.length > alterPartitionsMax) {
    const message = `Cannot alter ${partitions.length} partitions: at most ${alterPartitionsMax}, and each of them once.`;
    return refuse("INVALID_REQUEST", message);
  }
  const records: PartitionChangeRecord[] = [];
  const verdicts = partitions.map((proposal): PartitionVerdict => {
    const { topicId, partition: number } = proposal;
    const partition = partitionOf(image, topicId, number);
    const refused = refuseProposal(partition, proposal, command.brokerId);
    if (refused !== undefined) return { topicId, partition: number, kind: "refused", refusal: refused.refusal };
    const decided = decideOne(image, partition as Partition, proposal);
    if (decided.record !== undefined) records.push(decided.record);
    return { topicId, partition: number, ...decided.verdict };
  });
  return accept({ partitions: verdicts }, records);
}

/** A proposal of the leader, of the present epochs. */
function decideOne(
  image: ControllerImage,
  before: Partition,
  proposal: PartitionProposal,
): { readonly record: PartitionChangeRecord | undefined; readonly verdict: Decided } {
  const members = proposal.newIsr.map(({ brokerId }) => brokerId);
  // A replica that was filled again in another directory than the recorded one is at home there once it is in sync.
  const placed = { ...before, dirs: presentDirs(image, before, (id) => members.includes(id)) };
  const isActive = activeReplicas(image, placed);
  const mayJoin = proposal.newIsr.every(
    ({ brokerId, brokerEpoch }) => isActive(brokerId) && brokerOf(image, brokerId)?.brokerEpoch === brokerEpoch,
  );
  const wanted = mayJoin ? { isr: members, dirs: placed.dirs, recovered: !proposal.recovering } : {};
  const planned = planPartitionChange(
    before,
    { ...wanted, movesEpoch: true },
    mayJoin ? isActive : activeReplicas(image, before),
  );
  const after = planned?.after ?? before;
  const { leader, leaderEpoch, partitionEpoch, isr, minIsr, recovering } = after;
  const state = { leader, leaderEpoch, partitionEpoch, isr, minIsr, recovering };
  const kind = !mayJoin ? "ineligible" : leaderEpoch === before.leaderEpoch ? "changed" : "leaderMoved";
  return { record: planned?.record, verdict: { kind, state } };
}

/** In this order, because the answers mean different things to the leader. */
function refuseProposal(
  partition: Partition | undefined,
  proposal: PartitionProposal,
  brokerId: number,
): { refusal: Refusal } | undefined {
  const failed = `Cannot alter partition ${proposal.partition} of topic id "${proposal.topicId}"`;
  if (partition === undefined) return refuse("UNKNOWN_TOPIC", `${failed}: there is none.`);
  const { leader, leaderEpoch, partitionEpoch, replicas } = partition;
  const metadata = {
    leader: String(leader),
    leaderEpoch: String(leaderEpoch),
    partitionEpoch: String(partitionEpoch),
  };
  // The sender knows more than this controller: it is the controller that is behind (KAFKA-14154).
  if (proposal.leaderEpoch > leaderEpoch || proposal.partitionEpoch > partitionEpoch) {
    const message = `${failed}: leader epoch ${proposal.leaderEpoch} and partition epoch ${proposal.partitionEpoch} are not known here yet.`;
    return refuse("NOT_CONTROLLER", message, metadata);
  }
  if (proposal.leaderEpoch !== leaderEpoch) {
    return refuse("FENCED_LEADER_EPOCH", `${failed}: the leader epoch is ${leaderEpoch} by now.`, metadata);
  }
  const members = proposal.newIsr.map((member) => member.brokerId);
  const isShapely = new Set(members).size === members.length && members.every((id) => replicas.includes(id));
  if (leader !== brokerId || !members.includes(brokerId) || !isShapely) {
    const message = `${failed}: broker ${brokerId} proposed the ISR [${members.slice(0, replicas.length + 1).join(", ")}], its leader is ${leader} and its replicas are [${replicas.join(", ")}].`;
    return refuse("INVALID_REQUEST", message, metadata);
  }
  if (proposal.partitionEpoch !== partitionEpoch) {
    return refuse("INVALID_UPDATE_VERSION", `${failed}: its partition epoch is ${partitionEpoch} by now.`, metadata);
  }
  if (proposal.recovering && (!partition.recovering || members.length > 1)) {
    return refuse("INVALID_REQUEST", `${failed}: a leader that recovers is alone, and recovers once.`, metadata);
  }
  return undefined;
}
