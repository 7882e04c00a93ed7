// What a controller does with the partitions by itself: it ends what an interrupted predecessor began (C-10), and gives partitions back
// to their preferred leaders once those are in sync again (6.10). Each partition stands alone (C-5).

import { alterPartitionsMax } from "../limits.ts";
import type { PartitionName } from "./broker-partitions.ts";
import { accept } from "./decision.ts";
import type { Decision } from "./decision.ts";
import { activeReplicas, brokerOf, clusterOverrides, topicOverrides, topicsByName } from "./image.ts";
import { planPartitionChange } from "./partition-change.ts";
import type { WantedPartition } from "./partition-change.ts";
import type { MetadataRecord } from "./records.ts";
import type { ControllerImage, Partition, Topic } from "./state.ts";
import { effectiveTopicConfig } from "./topic-config.ts";

/** Of a controller that has become active. */
export interface RepairPartitions {
  readonly kind: "repairPartitions";
}

/** Partitions that were changed. */
interface RepairReply {
  readonly partitions: number;
}

/**
 * C-10: fenced and unregistered brokers leave the ISRs they were left in, `minIsr` and `flush` become what is configured, and
 * partitions without leader get one if anybody may lead.
 */
export function decideRepairPartitions(image: ControllerImage): Decision<RepairReply> {
  const records: MetadataRecord[] = [];
  let partitions = 0;
  for (const topic of topicsByName(image)) {
    const wanted = configured(image, topic);
    for (const partition of topic.partitions) {
      const changes = repaired(image, partition, wanted);
      if (changes.length > 0) partitions += 1;
      records.push(...changes);
    }
  }
  return { ...accept({ partitions }, records), atomic: false };
}

const nobody: ReadonlySet<number> = new Set();

/**
 * Partitions that their preferred replica, active and in sync, does not lead; unless said otherwise, as many as one command takes. Nothing
 * goes to whom `notTo` has.
 */
export function misplacedLeaders(
  image: ControllerImage,
  { max = alterPartitionsMax, notTo = nobody }: { readonly max?: number; readonly notTo?: ReadonlySet<number> } = {},
): PartitionName[] {
  const found: PartitionName[] = [];
  for (const topic of image.topics.values()) {
    for (const partition of topic.partitions) {
      const { topicId, replicas, leader, isr } = partition;
      const [preferred] = replicas;
      if (preferred === undefined || leader === preferred || !isr.includes(preferred) || notTo.has(preferred)) continue;
      if (!activeReplicas(image, partition)(preferred)) continue;
      found.push({ topicId, partition: partition.partition });
      if (found.length === max) return found;
    }
  }
  return found;
}

function repaired(image: ControllerImage, partition: Partition, wanted: WantedPartition): MetadataRecord[] {
  const records: MetadataRecord[] = [];
  let state = partition;
  const change = (next: WantedPartition): void => {
    const planned = planPartitionChange(state, next, activeReplicas(image, state));
    if (planned === undefined) return;
    records.push(planned.record);
    state = planned.after;
  };
  for (const id of partition.isr) if (brokerOf(image, id)?.fenced !== false) change({ remove: id });
  change(wanted);
  return records;
}

function configured(image: ControllerImage, topic: Topic): WantedPartition {
  const config = effectiveTopicConfig(topicOverrides(image, topic.id), clusterOverrides(image));
  return { minIsr: config["min.insync.replicas"], flush: config.flush };
}
