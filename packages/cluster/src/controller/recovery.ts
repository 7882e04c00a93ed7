// When ISR and ELR of a partition are empty: nobody is known to be complete, because everybody who was has lost something, or
// may have (W11: all containers were killed at once). Then the replicas are asked what they have, and the one with most of it
// leads, marked as an unclean election. If fewer than `minIsr` of them really lost data, nothing acknowledged is lost.
//
// Who is asked: every replica whose recorded directory its broker still has. A wiped or replaced directory is no candidate,
// whatever the broker used to be: the last leader with an empty disk would cut the others back to nothing.
//
// A whole log with less against a damaged one with more: the whole one leads while fewer than `minIsr` of those that were complete last are
// known to have lost something, for then one of the whole ones has all that was acknowledged. Once as many have, perhaps nobody has: what
// lies before the damage may be the last copy, and following a log with less would delete it. An operator decides (`balanced`). He does
// too when the damaged one knows that more was committed than the whole one has: one that was being filled anew looks whole.

import { activeReplicas, brokerOf } from "./image.ts";
import { noLeader } from "./state.ts";
import type { ControllerImage, Partition } from "./state.ts";

/**
 * `manual`: an operator decides. `balanced`: whoever was complete last has to answer, the others are given some time.
 * `aggressive`: whoever answers in that time.
 */
export type RecoveryMode = "manual" | "balanced" | "aggressive";

/** What a replica says it has; below damage, if there is any. */
export interface ReplicaReport {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  /** Of its last batch; -1 for an empty log. */
  readonly lastEpoch: number;
  /** Exclusive. */
  readonly logEnd: number;
  /** Up to where it knows its records to be committed, were it behind the damage. */
  readonly highWatermark: number;
  /** It could not lead before somebody gave up what is damaged. */
  readonly damaged?: boolean;
}

export type RecoveryPlan =
  /** Somebody leads, or may be elected without loss. */
  | { readonly kind: "notNeeded" }
  /** These have to answer; empty: it is a matter of time, or of an operator. */
  | { readonly kind: "wait"; readonly for: readonly number[] }
  | { readonly kind: "elect"; readonly brokerId: number; readonly brokerEpoch: number };

/** How long replicas that were not complete last are given. */
const othersWaitMs = 10_000;

/** Whether to go on waiting, or whom to elect with `recoverWith`. `waitedMs`: since the replicas were first asked. */
export function planRecovery(
  image: ControllerImage,
  partition: Partition,
  {
    mode,
    reports,
    waitedMs,
  }: { readonly mode: RecoveryMode; readonly reports: readonly ReplicaReport[]; readonly waitedMs: number },
): RecoveryPlan {
  const { leader, isr, elr, replicas, lastKnownElr, lastKnownLeader } = partition;
  // `aggressive` does not wait for those that are known to be complete either, and not here.
  const isKnown = elr.length > 0 && mode !== "aggressive";
  if (leader !== noLeader || isr.length > 0 || isKnown) return { kind: "notNeeded" };
  if (mode === "manual") return { kind: "wait", for: [] };
  const isActive = activeReplicas(image, partition);
  const valid = reports.filter(
    ({ brokerId, brokerEpoch }) => isActive(brokerId) && brokerOf(image, brokerId)?.brokerEpoch === brokerEpoch,
  );
  const missing = replicas.filter(
    (id) => hasDirectory(image, partition, id) && !valid.some(({ brokerId }) => brokerId === id),
  );
  const wereComplete = replicas.filter((id) => id === lastKnownLeader || lastKnownElr.includes(id));
  const awaited = missing.filter((id) => wereComplete.includes(id));
  if (mode === "balanced" && awaited.length > 0) return { kind: "wait", for: awaited };
  if (missing.length > 0 && waitedMs < othersWaitMs) return { kind: "wait", for: missing };
  // A damaged log is refilled once somebody else leads. Of a single replica it leads, and an operator says what becomes of it.
  const candidates = replicas.length === 1 ? valid : valid.filter(({ damaged }) => damaged !== true);
  const best = mostComplete(partition, candidates);
  if (best === undefined) return { kind: "wait", for: missing };
  if (mode === "balanced") {
    const damaged = valid.filter((report) => report.damaged === true);
    const isKnownLossy = (id: number): boolean =>
      !hasDirectory(image, partition, id) || damaged.some(({ brokerId }) => brokerId === id);
    const mayBeLastCopy = wereComplete.filter(isKnownLossy).length >= partition.minIsr;
    const isLastCopy = ({ highWatermark }: ReplicaReport): boolean => mayBeLastCopy || highWatermark > best.logEnd;
    if (damaged.some((report) => hasMore(report, best) && isLastCopy(report))) return { kind: "wait", for: [] };
  }
  const { brokerId, brokerEpoch } = best;
  return { kind: "elect", brokerId, brokerEpoch };
}

/** Who has most, the first of the replicas among equals; undefined of no reports. */
export function mostComplete(
  { replicas }: Pick<Partition, "replicas">,
  reports: readonly ReplicaReport[],
): ReplicaReport | undefined {
  const inOrder = reports
    .filter(({ brokerId }) => replicas.includes(brokerId))
    .sort((a, b) => replicas.indexOf(a.brokerId) - replicas.indexOf(b.brokerId));
  return inOrder.reduce<ReplicaReport | undefined>(
    (best, report) => (best === undefined || hasMore(report, best) ? report : best),
    undefined,
  );
}

/** As last registered: a broker that is down still has it, until it comes back without. */
function hasDirectory(image: ControllerImage, { replicas, dirs }: Partition, brokerId: number): boolean {
  const dir = dirs[replicas.indexOf(brokerId)];
  return dir !== undefined && brokerOf(image, brokerId)?.dirs.includes(dir) === true;
}

/** The later epoch counts before the longer log. */
function hasMore(a: ReplicaReport, b: ReplicaReport): boolean {
  return a.lastEpoch === b.lastEpoch ? a.logEnd > b.logEnd : a.lastEpoch > b.lastEpoch;
}
