// What becomes of a broker's partitions when the broker comes and goes: fenced, let in again, registered anew, damaged. Each is
// the partition-change function for one partition after the other, and each record is right by itself, so the series may be
// spread over several batches (C-5). The broker's own record comes last when it loses something and first when it gains:
// nobody in an ISR is ever fenced, nobody fenced is elected.

import { alterPartitionsMax } from "../limits.ts";
import { staleBroker } from "./broker-epoch.ts";
import { accept, refuse } from "./decision.ts";
import type { Decision } from "./decision.ts";
import { activeReplicas, brokerOf, partitionOf, presentDirs } from "./image.ts";
import { planPartitionChange } from "./partition-change.ts";
import type { WantedPartition } from "./partition-change.ts";
import type { MetadataRecord } from "./records.ts";
import { noLeader } from "./state.ts";
import type { ControllerImage, Partition } from "./state.ts";

/** B-5: its session ended, or it asked for it. */
export interface FenceBroker {
  readonly kind: "fenceBroker";
  readonly brokerId: number;
  readonly brokerEpoch: number;
}

/** B-7: it wants to stop: nothing is led by it any more, and nobody counts on it, before it does. */
export interface ShutDownBroker {
  readonly kind: "shutDownBroker";
  readonly brokerId: number;
  readonly brokerEpoch: number;
}

export interface PartitionName {
  readonly topicId: string;
  readonly partition: number;
}

/** F-9: damage was found in what this replica had acknowledged. It may cut back and refill only once this is committed. */
export interface ReportLossy {
  readonly kind: "reportLossy";
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly partitions: readonly PartitionName[];
}

/** An operator, or the balancer, asks for elections. */
export interface ElectLeaders {
  readonly kind: "electLeaders";
  readonly mode: "preferred" | "unclean";
  readonly partitions: readonly PartitionName[];
  /** With `unclean`: who has most of each of them, in the same order, as far as anybody knows. @default the first active replica */
  readonly candidates?: readonly number[];
}

/** 6.11: nobody was known to be complete, everybody was asked, and this replica has most (recovery.ts). Marked as unclean. */
export interface RecoverPartition {
  readonly kind: "recoverPartition";
  readonly topicId: string;
  readonly partition: number;
  readonly leader: number;
  /** Of the registration under which it said what it has: a later one may have less. */
  readonly brokerEpoch: number;
}

/** Partitions that were changed. */
export interface PartitionsReply {
  readonly partitions: number;
}

export function decideFenceBroker(image: ControllerImage, command: FenceBroker): Decision<PartitionsReply> {
  const stale = staleBroker(image, command);
  if (stale !== undefined) return stale;
  const { brokerId, brokerEpoch } = command;
  if (brokerOf(image, brokerId)?.fenced === true) return accept({ partitions: 0 });
  const changes = leavingRecords(image, brokerId, () => false);
  const fenced: MetadataRecord = { type: "BrokerChange", brokerId, brokerEpoch, fenced: 1 };
  return { records: [...changes, fenced], reply: { partitions: changes.length }, atomic: false };
}

/** The flag comes first: from then on nobody elects it (B-8). Where nobody else may lead, nobody does. */
export function decideShutDownBroker(image: ControllerImage, command: ShutDownBroker): Decision<PartitionsReply> {
  const stale = staleBroker(image, command);
  if (stale !== undefined) return stale;
  const { brokerId, brokerEpoch } = command;
  const broker = brokerOf(image, brokerId);
  const changes = leavingRecords(image, brokerId, () => false);
  const flag: MetadataRecord = { type: "BrokerChange", brokerId, brokerEpoch, inControlledShutdown: 1 };
  const records = broker?.inControlledShutdown === true ? changes : [flag, ...changes];
  return { records, reply: { partitions: changes.length }, atomic: false };
}

/**
 * A new leader epoch goes with it: a fetch from before the damage, still under way, would show a log that is no more. The
 * replica begins to refill when it sees that epoch.
 */
export function decideReportLossy(image: ControllerImage, command: ReportLossy): Decision<PartitionsReply> {
  const stale = staleBroker(image, command);
  if (stale !== undefined) return stale;
  const { brokerId } = command;
  return changeNamed(image, command.partitions, (partition) =>
    partition.replicas.includes(brokerId) ? { unclean: brokerId, newLeaderEpoch: true } : undefined,
  );
}

/**
 * With loss, even a replica whose directory is gone may lead when nobody else can: the operator has said that what was there
 * need not come back. The replicas are at home in their brokers' present directories then.
 */
export function decideElectLeaders(image: ControllerImage, command: ElectLeaders): Decision<PartitionsReply> {
  const { mode: election, partitions, candidates = [] } = command;
  const candidateOf = ({ topicId, partition }: Partition): number | undefined =>
    candidates[partitions.findIndex((name) => name.topicId === topicId && name.partition === partition)];
  return changeNamed(image, partitions, (partition) => {
    const wanted = { election, candidate: candidates.length === 0 ? undefined : candidateOf(partition) };
    const planned = planPartitionChange(partition, wanted, activeReplicas(image, partition));
    const { leader } = planned?.after ?? partition;
    return election === "unclean" && leader === noLeader
      ? { ...wanted, dirs: presentDirs(image, partition, () => true) }
      : wanted;
  });
}

/** Changes nothing when somebody is known to be complete by now. */
export function decideRecoverPartition(image: ControllerImage, command: RecoverPartition): Decision<PartitionsReply> {
  const { leader: brokerId, brokerEpoch } = command;
  const stale = staleBroker(image, { brokerId, brokerEpoch });
  if (stale !== undefined) return stale;
  return changeNamed(image, [command], () => ({ recoverWith: command.leader }));
}

/**
 * The broker leaves every ISR, and where it `isLossy` every ELR too (B-4). It counts as complete where it is not.
 */
export function leavingRecords(
  image: ControllerImage,
  brokerId: number,
  isLossy: (partition: Partition) => boolean,
): MetadataRecord[] {
  return partitionsWith(image, ({ isr, elr }) => isr.includes(brokerId) || elr.includes(brokerId)).flatMap(
    (partition) => change(image, partition, isLossy(partition) ? { unclean: brokerId } : { remove: brokerId }),
  );
}

/** B-6: partitions without leader that the broker, which is active once this is done, may lead. */
export function arrivingRecords(image: ControllerImage, brokerId: number): MetadataRecord[] {
  const broker = brokerOf(image, brokerId);
  const waiting = partitionsWith(image, ({ leader, replicas }) => leader === noLeader && replicas.includes(brokerId));
  if (broker === undefined || waiting.length === 0) return [];
  const arrived = { ...image, brokers: image.brokers.set(String(brokerId), { ...broker, fenced: false }) };
  return waiting.flatMap((partition) => change(arrived, partition, {}));
}

function changeNamed(
  image: ControllerImage,
  names: readonly PartitionName[],
  wantedOf: (partition: Partition) => WantedPartition | undefined,
): Decision<PartitionsReply> {
  const distinct = new Map(names.map((name) => [`${name.topicId}/${name.partition}`, name]));
  if (names.length > alterPartitionsMax) {
    return refuse(
      "INVALID_REQUEST",
      `Cannot change ${names.length} partitions at once, at most ${alterPartitionsMax}.`,
    );
  }
  const records: MetadataRecord[] = [];
  for (const { topicId, partition: number } of distinct.values()) {
    const partition = partitionOf(image, topicId, number);
    if (partition === undefined) {
      return refuse("UNKNOWN_TOPIC", `Cannot change partition ${number} of topic id "${topicId}": there is none.`);
    }
    const wanted = wantedOf(partition);
    if (wanted !== undefined) records.push(...change(image, partition, wanted));
  }
  return accept({ partitions: records.length }, records);
}

function change(image: ControllerImage, partition: Partition, wanted: WantedPartition): MetadataRecord[] {
  const placed = wanted.dirs === undefined ? partition : { ...partition, dirs: wanted.dirs };
  const planned = planPartitionChange(partition, wanted, activeReplicas(image, placed));
  return planned === undefined ? [] : [planned.record];
}

/** In no particular order of topics, but the same on every node that has the same image. */
function partitionsWith(image: ControllerImage, test: (partition: Partition) => boolean): Partition[] {
  return [...image.topics.values()].flatMap((topic) => topic.partitions.filter(test));
}
