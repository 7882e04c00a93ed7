// How a partition's state may change: one pure function that every caller goes through, so that ELR, minIsr and the epochs
// stay consistent whoever asks. It answers with the one record to write, or nothing when nothing would change.
//
// Why ELR is safe: below `minIsr` no leader can move the high watermark, so a replica that was complete when it left the ISR
// stays complete until the ISR is back at `minIsr`; at that moment ELR is emptied.

import type { PartitionChangeRecord } from "./records.ts";
import type { FlushState, Partition } from "./state.ts";

/** What a caller wants; absent: as it is. */
export interface WantedPartition {
  /** As configured; it is bounded by the number of replicas here. */
  readonly minIsr?: number;
  /** As configured. From `os`, `sync` is reached by way of `syncing`. */
  readonly flush?: "sync" | "os";
  /** The leader reports that all of its ISR has on disk what there was when `syncing` began. */
  readonly flushConfirmed?: boolean;
  /** The leader is assigned again, so that a new leader epoch begins (J-3). */
  readonly newLeaderEpoch?: boolean;
}

/** The record that takes `partition` there, or undefined when it is there already. */
export function planPartitionChange(partition: Partition, wanted: WantedPartition): PartitionChangeRecord | undefined {
  const minIsr = Math.min(wanted.minIsr ?? partition.minIsr, partition.replicas.length);
  const flush = nextFlush(partition.flush, wanted);
  const complete = partition.isr.length >= minIsr;
  const emptied = complete && (partition.elr.length > 0 || partition.lastKnownElr.length > 0);
  const change: Omit<PartitionChangeRecord, "type" | "topicId" | "partition" | "expectedPartitionEpoch"> = {
    ...(minIsr === partition.minIsr ? {} : { minIsr }),
    ...(flush === partition.flush ? {} : { flush }),
    ...(emptied ? { elr: [], lastKnownElr: [] } : {}),
    ...(wanted.newLeaderEpoch === true ? { leader: partition.leader } : {}),
  };
  if (Object.keys(change).length === 0) return undefined;
  const { topicId, partition: number, partitionEpoch } = partition;
  return { type: "PartitionChange", topicId, partition: number, expectedPartitionEpoch: partitionEpoch, ...change };
}

function nextFlush(current: FlushState, wanted: WantedPartition): FlushState {
  if (wanted.flush === "os") return "os";
  if (wanted.flush === "sync" && current === "os") return "syncing";
  if (wanted.flushConfirmed === true && current === "syncing") return "sync";
  return current;
}
