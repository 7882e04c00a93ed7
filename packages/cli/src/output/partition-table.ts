// SPDX-License-Identifier: Apache-2.0
// The partitions of a topic for people: one row each, and below them, in sentences, what is wrong with which and what to do.

import type { PartitionStatusOutput } from "@varve/api";
import { escapeControls, printTable, unknown, type Cell } from "./table.ts";

const columns = ["PARTITION", "STATE", "LEADER", "EPOCH", "START", "HIGH WATERMARK", "END", "BYTES"];

export function printPartitions(partitions: readonly PartitionStatusOutput[]): string {
  const isReplicated = partitions.some(({ replicas }) => replicas.length > 1);
  return printTable(
    [...columns, ...(isReplicated ? ["REPLICAS", "IN SYNC"] : [])],
    partitions.map((partition) => [
      partition.partition,
      stateOf(partition),
      known(partition.leader?.nodeId ?? -1),
      known(partition.leader?.leaderEpoch ?? -1),
      known(partition.logStartOffset),
      known(partition.highWatermark),
      known(partition.logEndOffset),
      partition.logEndOffset < 0 ? unknown : partition.sizeBytes,
      ...(isReplicated ? [nodes(partition.replicas), nodes(partition.inSyncReplicas)] : []),
    ]),
  );
}

/** Why partitions are not as they should be; sentences would tear the table apart. Empty when all is well. */
export function printTroubles(partitions: readonly PartitionStatusOutput[]): string {
  const lines = partitions.flatMap((partition) => {
    const why = partition.error?.message ?? partition.stateDetail;
    return why === "" ? [] : [`partition ${partition.partition} is ${stateOf(partition)}: ${escapeControls(why)}`];
  });
  return lines.map((line) => `${line}\n`).join("");
}

function stateOf(partition: PartitionStatusOutput): string {
  if (partition.error != null && partition.state === "PARTITION_STATE_UNSPECIFIED") return "unknown";
  return partition.state.replace("PARTITION_STATE_", "").toLowerCase().replaceAll("_", "-");
}

function known(number: number): Cell {
  return number < 0 ? unknown : number;
}

function nodes(ids: readonly number[]): string {
  return ids.length === 0 ? unknown : ids.join(",");
}
