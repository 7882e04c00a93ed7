// How a partition's state may change: one pure function that every caller goes through, so that ISR, ELR, minIsr, the leader and
// the epochs stay consistent whoever asks. It answers with the one record to write, or nothing when nothing would change.
//
//   wanted ─> 1 finished reassignment ─> 2 minIsr ─> 3 ELR ─> 4 election ─> 5, 6 what it does to ISR and ELR ─> 7-9 the record
//
// Two quorums meet here. The *replication quorum* is what the leader waits for before it moves the high watermark; the
// *election quorum*, ISR and ELR together, is whom the controller may elect. The first must always contain the second.
//
// Why ELR is safe: below `minIsr` no leader can move the high watermark, so a replica that was complete when it left the ISR
// stays complete until the ISR is back at `minIsr`; at that moment ELR is emptied.

import { invariant } from "@varve/format";
import type { PartitionChangeRecord } from "./records.ts";
import { noLeader } from "./state.ts";
import type { FlushState, Partition } from "./state.ts";

/**
 * `online`: a leader that may lead stays. `preferred`: the first replica is taken if it may lead. `unclean`: when nobody may
 * lead, the candidate or else the first active replica is taken all the same, and what it lacks is lost.
 */
export type ElectionMode = "online" | "preferred" | "unclean";

/** What a caller wants; absent: as it is. */
export interface WantedPartition {
  /** What the partition's leader proposes; nobody else may let the ISR grow. */
  readonly isr?: readonly number[];
  /** Leaves the ISR, and may not lead: fenced, on its way out, or its directory failed. It is complete all the same. */
  readonly remove?: number;
  /** Leaves ISR and ELR, and may not lead: it restarted and may have lost what it had, or found damage (B-4, F-9). */
  readonly unclean?: number;
  /** A reassignment: together with `dirs`, `adding` and `removing`. */
  readonly replicas?: readonly number[];
  readonly dirs?: readonly string[];
  readonly adding?: readonly number[];
  readonly removing?: readonly number[];
  /** @default "online" */
  readonly election?: ElectionMode;
  /** Of an unclean election: whom to take when nobody is known to be complete and it may lead. @default the first active replica */
  readonly candidate?: number | undefined;
  /** Leads from now on if it may and is complete: its leader has no room (H-13), and stays where it is otherwise. */
  readonly handOverTo?: number;
  /** When ISR and ELR are empty: whom to lead, after everybody was asked what they still have (6.11). Marked as unclean. */
  readonly recoverWith?: number;
  /** As configured; it is bounded by the number of replicas here. */
  readonly minIsr?: number;
  /** As configured. From `os`, `sync` is reached by way of `syncing`. */
  readonly flush?: "sync" | "os";
  /** The leader reports that all of its ISR has on disk what there was when `syncing` began. */
  readonly flushConfirmed?: boolean;
  /** The leader is assigned again, so that a new leader epoch begins (J-3). */
  readonly newLeaderEpoch?: boolean;
  /** The leader reports that it is done with what an unclean election left. */
  readonly recovered?: boolean;
  /** The partition epoch moves although nothing else does: older copies of a request are void. */
  readonly movesEpoch?: boolean;
}

/** Registered, not fenced, not on its way out, its directory there; as it will be when the ongoing command is done. */
export type IsActive = (brokerId: number) => boolean;

type ReplicaSets = Pick<Partition, "replicas" | "dirs" | "adding" | "removing" | "isr">;
type Eligible = Pick<Partition, "elr" | "lastKnownElr">;

export interface PlannedChange {
  readonly record: PartitionChangeRecord;
  /** The partition once `record` is replayed. */
  readonly after: Partition;
}

/** What takes `before` where the caller wants it, or undefined when it is there already. */
export function planPartitionChange(
  before: Partition,
  wanted: WantedPartition,
  isActive: IsActive,
): PlannedChange | undefined {
  const isOut = (id: number): boolean => id === wanted.remove || id === wanted.unclean;
  const mayLead: IsActive = (id) => !isOut(id) && isActive(id);
  const placed = placeReplicas(before, wanted, isOut);
  const minIsr = Math.min(wanted.minIsr ?? before.minIsr, placed.replicas.length);
  const eligible = keepEligible(before, placed, { minIsr, unclean: wanted.unclean });
  const elected = elect({ ...before, ...placed, ...eligible }, wanted, mayLead);
  const lostReplicas = before.replicas.some((id) => !placed.replicas.includes(id));
  const isAssigned =
    elected.leader !== before.leader ||
    (elected.leader !== noLeader && (lostReplicas || loosensFlush(before, wanted) || wanted.newLeaderEpoch === true));
  const leaderEpoch = before.leaderEpoch + (isAssigned ? 1 : 0);
  const settled = settle({ ...placed, ...eligible, minIsr }, elected);
  const after: Partition = {
    ...before,
    ...placed,
    ...settled,
    minIsr,
    flush: nextFlush(before.flush, wanted, settled.elr),
    leader: elected.leader,
    leaderEpoch,
    lastKnownLeader: isAssigned ? lastKnownLeaderOf(before, elected.leader) : before.lastKnownLeader,
    recovering: elected.isUnclean || (before.recovering && wanted.recovered !== true),
    uncleanEpoch: elected.isUnclean ? leaderEpoch : before.uncleanEpoch,
  };
  checkChange(before, after, { proposed: wanted.isr, isElected: isAssigned, mayLead });
  const record = recordOf(before, after, isAssigned);
  if (Object.keys(record).length === unchangedFields && wanted.movesEpoch !== true) return undefined;
  return { record, after: { ...after, partitionEpoch: before.partitionEpoch + 1 } };
}

/** Step 1: who holds the partition, and the ISR among them. A reassignment whose targets are all in sync is finished here. */
function placeReplicas(before: Partition, wanted: WantedPartition, isOut: IsActive): ReplicaSets {
  const { replicas = before.replicas, adding = before.adding, removing = before.removing } = wanted;
  const dirs = wanted.dirs ?? before.dirs;
  const proposed = wanted.isr ?? before.isr;
  const isr = replicas.filter((id) => proposed.includes(id) && !isOut(id));
  const target = replicas.filter((id) => !removing.includes(id));
  const isPending = adding.length > 0 || removing.length > 0;
  // All targets in sync is more than min(minIsr, targets) of them: never fewer complete replicas than promised (ID19).
  if (!isPending || target.length === 0 || !target.every((id) => isr.includes(id))) {
    return { replicas, dirs, adding, removing, isr };
  }
  const targetDirs = dirs.filter((_, index) => target.includes(replicas[index] as number));
  return { replicas: target, dirs: targetDirs, adding: [], removing: [], isr: target };
}

/** Step 3: who is complete outside of the ISR. At `minIsr` nobody is counted so any more: from there on data moves without them. */
function keepEligible(
  before: Partition,
  { replicas, isr }: ReplicaSets,
  { minIsr, unclean }: { readonly minIsr: number; readonly unclean: number | undefined },
): Eligible {
  if (isr.length >= minIsr) return { elr: [], lastKnownElr: [] };
  const was = (id: number): boolean => before.elr.includes(id) || before.isr.includes(id);
  const elr = replicas.filter((id) => was(id) && !isr.includes(id) && id !== unclean);
  const isLastKnown = (id: number): boolean => was(id) || before.lastKnownElr.includes(id);
  return { elr, lastKnownElr: replicas.filter((id) => isLastKnown(id) && !isr.includes(id) && !elr.includes(id)) };
}

interface Elected {
  readonly leader: number;
  /** It may lack what was committed. */
  readonly isUnclean: boolean;
}

/** Step 4. `partition` has its new sets, and still its old leader. Candidates are looked at in the order of the replicas. */
function elect(partition: Partition, wanted: WantedPartition, mayLead: IsActive): Elected {
  const { replicas, isr, elr, leader } = partition;
  const isComplete = (id: number): boolean => isr.includes(id) || (isr.length === 0 && elr.includes(id));
  const isEligible = (id: number): boolean => isComplete(id) && mayLead(id);
  const clean = (id: number): Elected => ({ leader: id, isUnclean: false });
  const preferred = replicas[0];
  if (wanted.election === "preferred" && preferred !== undefined && isEligible(preferred)) return clean(preferred);
  const { handOverTo } = wanted;
  if (handOverTo !== undefined && isEligible(handOverTo)) return clean(handOverTo);
  // A leader in the ISR stays until somebody removes it: one that is on its way out leads until it is told.
  if (isr.includes(leader)) return clean(leader);
  const next = replicas.find(isEligible);
  if (next !== undefined) return clean(next);
  const lastResort =
    wanted.election === "unclean" ? unclean(replicas, wanted, mayLead) : recoverable(partition, wanted, mayLead);
  return lastResort === undefined ? clean(noLeader) : { leader: lastResort, isUnclean: true };
}

function unclean(replicas: readonly number[], { candidate }: WantedPartition, mayLead: IsActive): number | undefined {
  return replicas.find((id) => id === candidate && mayLead(id)) ?? replicas.find(mayLead);
}

/** What was learned by asking holds only as long as nobody is known to be complete. */
function recoverable(
  { replicas, isr, elr }: Partition,
  wanted: WantedPartition,
  mayLead: IsActive,
): number | undefined {
  const { recoverWith } = wanted;
  const isLast = isr.length === 0 && elr.length === 0;
  return isLast && recoverWith !== undefined && replicas.includes(recoverWith) && mayLead(recoverWith)
    ? recoverWith
    : undefined;
}

/** Steps 5 and 6: a leader from outside of the ISR is the new ISR. */
function settle(
  { isr, elr, lastKnownElr, minIsr }: ReplicaSets & Eligible & Pick<Partition, "minIsr">,
  { leader, isUnclean }: Elected,
): Pick<Partition, "isr" | "elr" | "lastKnownElr"> {
  if (isUnclean) return { isr: [leader], elr: [], lastKnownElr: [] };
  if (leader === noLeader || isr.includes(leader)) return { isr, elr, lastKnownElr };
  // `minIsr` may have been lowered while nobody led: then the leader alone moves on, and the others are complete no more.
  if (minIsr <= 1) return { isr: [leader], elr: [], lastKnownElr: [] };
  return { isr: [leader], elr: elr.filter((id) => id !== leader), lastKnownElr };
}

/** Step 8: of a partition without leader, who led it last. */
function lastKnownLeaderOf(before: Partition, leader: number): number {
  return leader === noLeader ? before.leader : noLeader;
}

/**
 * The leader can speak for its ISR only. Replicas of ELR may hold in memory what was committed under `os`, and would be taken for
 * retained after a power cut: `syncing` lasts until there are none.
 */
function nextFlush(current: FlushState, wanted: WantedPartition, elr: readonly number[]): FlushState {
  if (wanted.flush === "os") return "os";
  if (wanted.flush === "sync" && current === "os") return "syncing";
  if (wanted.flushConfirmed === true && current === "syncing" && elr.length === 0) return "sync";
  return current;
}

/**
 * To `os` by a new leader epoch: a follower that has not heard of it fetches what it has in memory alone, and would be counted up to
 * there. Who fetches in the new epoch has heard.
 */
function loosensFlush({ flush }: Partition, wanted: WantedPartition): boolean {
  return wanted.flush === "os" && flush !== "os";
}

/** What must hold of every result (ID9); anything else is a bug here or in a caller. Replay checks the shape once more. */
function checkChange(before: Partition, after: Partition, how: Change): void {
  const broken = brokenRule(before, after, how);
  if (broken !== undefined) invariant(false, `of ${after.topicId}/${after.partition} ${broken}`);
}

interface Change {
  readonly proposed: readonly number[] | undefined;
  readonly isElected: boolean;
  readonly mayLead: IsActive;
}

function brokenRule(before: Partition, after: Partition, { proposed, isElected, mayLead }: Change): string | undefined {
  const { isr, elr, leader, minIsr } = after;
  const joined = isr.filter((id) => !before.isr.includes(id));
  const isNewLeader = (id: number): boolean => isElected && id === leader;
  if (!joined.every((id) => isNewLeader(id) || proposed?.includes(id) === true)) {
    return "only the leader, or an election, lets the ISR grow";
  }
  if (!joined.every(mayLead)) return "whoever joins the ISR is active";
  if (leader !== before.leader && leader !== noLeader && !mayLead(leader)) return "whoever becomes leader is active";
  if (leader !== noLeader && !isr.includes(leader)) return "the leader is in the ISR";
  if (elr.length > 0 && isr.length >= minIsr) return "the ELR is empty at minIsr";
  if (elr.some((id) => isr.includes(id))) return "ISR and ELR have nothing in common";
  return undefined;
}

/** What names the partition and its epoch. */
const unchangedFields = 4;

/** Step 9: what is different. Replay adds one to the epochs. */
function recordOf(before: Partition, after: Partition, isAssigned: boolean): PartitionChangeRecord {
  const { topicId, partition, partitionEpoch } = before;
  return {
    type: "PartitionChange",
    topicId,
    partition,
    expectedPartitionEpoch: partitionEpoch,
    ...(isAssigned ? { leader: after.leader } : {}),
    ...changedLists(before, after),
    ...(after.minIsr === before.minIsr ? {} : { minIsr: after.minIsr }),
    ...(after.flush === before.flush ? {} : { flush: after.flush }),
    ...(after.recovering === before.recovering ? {} : { recovering: after.recovering ? 1 : 0 }),
    ...(after.lastKnownLeader === before.lastKnownLeader ? {} : { lastKnownLeader: after.lastKnownLeader }),
    ...(after.uncleanEpoch === before.uncleanEpoch ? {} : { uncleanEpoch: after.uncleanEpoch }),
  };
}

const lists = ["isr", "elr", "replicas", "dirs", "adding", "removing", "lastKnownElr"] as const;

function changedLists(before: Partition, after: Partition): Partial<Pick<Partition, (typeof lists)[number]>> {
  const changed: Record<string, readonly unknown[]> = {};
  for (const name of lists) {
    if (!sameList(before[name], after[name])) changed[name] = after[name];
  }
  return changed;
}

function sameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}
