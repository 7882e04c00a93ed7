// Commands of a partition's leader about its own partition.

import { alterPartitionsMax } from "../limits.ts";
import { staleBroker } from "./broker-epoch.ts";
import type { PartitionsReply } from "./broker-partitions.ts";
import { accept, refuse } from "./decision.ts";
import type { Decision, Refusal } from "./decision.ts";
import { activeReplicas, partitionOf } from "./image.ts";
import { planPartitionChange } from "./partition-change.ts";
import type { WantedPartition } from "./partition-change.ts";
import type { ControllerImage, Partition } from "./state.ts";

/** J-3: after the leader had to cut back what it could not write, it may append again only in a new epoch. */
export interface NewLeaderEpoch {
  readonly kind: "newLeaderEpoch";
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly topicId: string;
  readonly partition: number;
  /** The epoch in which the leader was cut back. */
  readonly leaderEpoch: number;
}

/** The leader reports that everything there was at the change of `flush` to `sync` is on disk: `syncing` becomes `sync`. */
export interface ConfirmFlush {
  readonly kind: "confirmFlush";
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly topicId: string;
  readonly partition: number;
  readonly leaderEpoch: number;
  /** Of the state in which the leader saw `syncing`. */
  readonly partitionEpoch: number;
}

/** H-13: the sender's disk has no room. Each partition that it still leads in that epoch goes to `to`, if that replica is in sync. */
export interface HandOver {
  readonly kind: "handOver";
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly partitions: readonly HandedOver[];
}

export interface HandedOver {
  readonly topicId: string;
  readonly partition: number;
  readonly leaderEpoch: number;
  readonly to: number;
}

export interface PartitionReply {
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
}

export function decideNewLeaderEpoch(image: ControllerImage, command: NewLeaderEpoch): Decision<PartitionReply> {
  const found = ledPartition(image, command, "begin a new leader epoch");
  if ("refusal" in found) return found;
  return change(image, found.partition, { newLeaderEpoch: true });
}

export function decideConfirmFlush(image: ControllerImage, command: ConfirmFlush): Decision<PartitionReply> {
  const found = ledPartition(image, command, "confirm the flush mode");
  if ("refusal" in found) return found;
  if (found.partition.flush === "sync") return accept(epochsOf(found.partition));
  if (found.partition.partitionEpoch !== command.partitionEpoch) {
    return refuse("INVALID_UPDATE_VERSION", "Cannot confirm the flush mode: the partition has changed since.", {
      partitionEpoch: String(found.partition.partitionEpoch),
    });
  }
  return change(image, found.partition, { flushConfirmed: true });
}

/** The full replica stays in the ISR: it is complete, until the next leader finds that it cannot keep up. */
export function decideHandOver(image: ControllerImage, command: HandOver): Decision<PartitionsReply> {
  const stale = staleBroker(image, command);
  if (stale !== undefined) return stale;
  const { brokerId, partitions } = command;
  const distinct = new Map(partitions.map((one) => [`${one.topicId}/${one.partition}`, one]));
  if (partitions.length > alterPartitionsMax) {
    const message = `Cannot hand over ${partitions.length} partitions at once, at most ${alterPartitionsMax}.`;
    return refuse("INVALID_REQUEST", message);
  }
  const records = [...distinct.values()].flatMap(({ topicId, partition: number, leaderEpoch, to }) => {
    const partition = partitionOf(image, topicId, number);
    // Gone, or led by another or anew by now: it was about what is no more.
    if (partition?.leader !== brokerId || partition.leaderEpoch !== leaderEpoch) return [];
    const planned = planPartitionChange(partition, { handOverTo: to }, activeReplicas(image, partition));
    return planned === undefined ? [] : [planned.record];
  });
  return accept({ partitions: records.length }, records);
}

function change(image: ControllerImage, partition: Partition, wanted: WantedPartition): Decision<PartitionReply> {
  const planned = planPartitionChange(partition, wanted, activeReplicas(image, partition));
  return planned === undefined ? accept(epochsOf(partition)) : accept(epochsOf(planned.after), [planned.record]);
}

/** The partition, if the caller is its leader in the current epoch; the order of the checks is that of AlterPartition. */
function ledPartition(
  image: ControllerImage,
  command: NewLeaderEpoch | ConfirmFlush,
  failed: string,
): { partition: Partition } | { refusal: Refusal } {
  const stale = staleBroker(image, command);
  if (stale !== undefined) return stale;
  const partition = partitionOf(image, command.topicId, command.partition);
  if (partition === undefined) {
    return refuse(
      "UNKNOWN_TOPIC",
      `Cannot ${failed}: there is no partition ${command.partition} of topic id "${command.topicId}".`,
    );
  }
  const metadata = { leader: String(partition.leader), leaderEpoch: String(partition.leaderEpoch) };
  if (command.leaderEpoch > partition.leaderEpoch) {
    return refuse(
      "NOT_CONTROLLER",
      `Cannot ${failed}: leader epoch ${command.leaderEpoch} is not known here yet.`,
      metadata,
    );
  }
  if (command.leaderEpoch < partition.leaderEpoch) {
    return refuse(
      "FENCED_LEADER_EPOCH",
      `Cannot ${failed}: the leader epoch is ${partition.leaderEpoch} by now.`,
      metadata,
    );
  }
  if (partition.leader !== command.brokerId) {
    return refuse("NOT_LEADER", `Cannot ${failed}: broker ${command.brokerId} does not lead the partition.`, metadata);
  }
  return { partition };
}

function epochsOf({ leaderEpoch, partitionEpoch }: Partition): PartitionReply {
  return { leaderEpoch, partitionEpoch };
}
