// The in-sync replicas of a partition as its leader sees them: what the controller has committed, and what the leader has
// asked for and does not know the fate of. Pure values; one request at a time.
//
//   committed ── propose ──> pendingExpand | pendingShrink | pendingRecovery ── a committed state with a higher ──> committed
//                                                                                partition epoch, and nothing else
//
// While something is pending the high watermark waits for everybody who is a member before or after it (the *maximal* ISR):
// the controller may have applied the change already and its answer be on the way, so it may elect anybody of both (W2).
//
// Why pending ends in one way only: an error, a time-out or a lost answer says nothing about what happened, and a copy of
// the request that is still under way may be accepted later. Only a partition epoch above the one that the request carried
// proves that no copy of it can be applied any more. So a refusal moves the partition epoch too, and is then a success like
// any other: a committed state.

import type { Partition } from "../controller/state.ts";

/** What the leader uses of a committed partition state. `minIsr` is of the same partition epoch as `isr` (C-7, W4). */
export type CommittedIsr = Pick<Partition, "leaderEpoch" | "partitionEpoch" | "isr" | "minIsr" | "recovering">;

export interface ProposedMember {
  readonly brokerId: number;
  /** Of the incarnation whose fetches proved that it is caught up; the leader's own for itself. */
  readonly brokerEpoch: number;
}

/** What goes to the controller. Retries send the very same value. */
export interface IsrProposal {
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly newIsr: readonly ProposedMember[];
  readonly recovering: boolean;
}

export type IsrState =
  | { readonly kind: "committed"; readonly committed: CommittedIsr }
  | {
      readonly kind: "pendingExpand";
      readonly committed: CommittedIsr;
      readonly add: readonly number[];
      readonly proposal: IsrProposal;
    }
  | {
      readonly kind: "pendingShrink";
      readonly committed: CommittedIsr;
      readonly drop: readonly number[];
      readonly proposal: IsrProposal;
    }
  | { readonly kind: "pendingRecovery"; readonly committed: CommittedIsr; readonly proposal: IsrProposal };

export function committedIsr({ leaderEpoch, partitionEpoch, isr, minIsr, recovering }: CommittedIsr): IsrState {
  return { kind: "committed", committed: { leaderEpoch, partitionEpoch, isr, minIsr, recovering } };
}

/** Everybody whom the controller may count as a member by now: what the high watermark waits for. */
export function maximalIsr(state: IsrState): readonly number[] {
  return state.kind === "pendingExpand" ? [...state.committed.isr, ...state.add] : state.committed.isr;
}

/** What waits to be decided, if anything. */
export function pendingProposal(state: IsrState): IsrProposal | undefined {
  return state.kind === "committed" ? undefined : state.proposal;
}

/**
 * After a committed state was heard of, by an answer or in the metadata. Older ones, and those of another leader
 * epoch, change nothing here: a new epoch is a matter of role.ts.
 */
export function adoptCommitted(state: IsrState, next: CommittedIsr): IsrState {
  const { leaderEpoch, partitionEpoch } = state.committed;
  if (next.leaderEpoch !== leaderEpoch || next.partitionEpoch <= partitionEpoch) return state;
  return committedIsr(next);
}

/** What `isr.ts` has to know of the members: the broker epochs that their fetches carried. */
export type BrokerEpochOf = (brokerId: number) => number;

/** H-4: `add` are caught up. They count from now on, whatever becomes of the request. */
export function proposeExpand(state: IsrState, add: readonly number[], epochOf: BrokerEpochOf): IsrState {
  if (state.kind !== "committed" || add.length === 0) return state;
  const { committed } = state;
  return {
    kind: "pendingExpand",
    committed,
    add,
    proposal: proposalOf(committed, [...committed.isr, ...add], epochOf),
  };
}

/** H-5: `drop` lag behind. They count until their going is committed. */
export function proposeShrink(state: IsrState, drop: readonly number[], epochOf: BrokerEpochOf): IsrState {
  if (state.kind !== "committed" || drop.length === 0) return state;
  const { committed } = state;
  const isr = committed.isr.filter((id) => !drop.includes(id));
  return { kind: "pendingShrink", committed, drop, proposal: proposalOf(committed, isr, epochOf) };
}

/** After an unclean election: the leader is done with what it found, and others may join. */
export function proposeRecovered(state: IsrState, epochOf: BrokerEpochOf): IsrState {
  if (state.kind !== "committed" || !state.committed.recovering) return state;
  const { committed } = state;
  return { kind: "pendingRecovery", committed, proposal: proposalOf(committed, committed.isr, epochOf) };
}

/** Nothing but numbers that were copied: a retry must not say anything else. */
function proposalOf(committed: CommittedIsr, isr: readonly number[], epochOf: BrokerEpochOf): IsrProposal {
  return {
    leaderEpoch: committed.leaderEpoch,
    partitionEpoch: committed.partitionEpoch,
    newIsr: isr.map((brokerId) => ({ brokerId, brokerEpoch: epochOf(brokerId) })),
    recovering: false,
  };
}
