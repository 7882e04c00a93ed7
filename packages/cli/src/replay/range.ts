// SPDX-License-Identifier: Apache-2.0
// What a replay reads, partition by partition, as offsets: resolved once, so that going on later means the same records.

import { printEnd, VarveError, type End } from "@varve/api";
import type { Client } from "@varve/client";
import { CliError } from "../exit-code.ts";
import { checkStart, type RangeOptions } from "../range-options.ts";

export interface PartitionRange {
  readonly partition: number;
  /** Where it began. */
  readonly from: number;
  /** Where it goes on. */
  next: number;
  /** An offset, a count of records still to come, or none. */
  end: End;
  /** Records that went out. */
  records: number;
}

/** The topic that is read, as it was found. */
export interface FoundTopic {
  readonly clusterId: string;
  readonly topic: string;
  readonly topicId: string;
  readonly partitionCount: number;
}

export async function findTopic(client: Client, topic: string): Promise<FoundTopic> {
  const [{ clusterId }, found] = await Promise.all([
    client.admin.describeCluster(),
    client.admin.describeTopic({ topic }),
  ]);
  return { clusterId, topic, topicId: found.topicId, partitionCount: found.partitions.length };
}

/** The same for a topic that is written to: that it is not there is said with how to make it. */
export async function findTarget(client: Client, topic: string, partitionCount: number): Promise<FoundTopic> {
  try {
    return await findTopic(client, topic);
  } catch (error) {
    if (!(error instanceof VarveError && error.reason === "UNKNOWN_TOPIC")) throw error;
    throw new CliError("notFound", `Cannot replay into topic "${topic}": there is none of that name`, {
      advice: [`Create it: varve topic create ${topic} --partitions ${partitionCount}`],
      cause: error,
    });
  }
}

/** Asks the node once for each position, so that all partitions stand at one moment. */
export async function resolveRange(
  client: Client,
  note: (line: string) => void,
  topic: string,
  options: RangeOptions,
): Promise<PartitionRange[]> {
  const { partition: partitions, from = { kind: "earliest" }, to = { kind: "latest-at-start" } } = options;
  if (from.kind === "offset") await checkStart(client, note, { topic, partitions, offset: from.offset });
  const starts = await client.admin.listOffsets({ topic, partitions, position: from });
  const latest = await client.admin.listOffsets({ topic, partitions, position: { kind: "latest" } });
  const ends =
    to.kind === "time"
      ? await client.admin.listOffsets({ topic, partitions, position: { kind: "time", timeMs: to.timeMs } })
      : latest;
  const isFixed = to.kind === "time" || to.kind === "latest-at-start";
  return starts.map(({ partition, offset }) => {
    const end: End = isFixed ? { kind: "offset", offset: offsetOf(ends, partition) } : to;
    return { partition, from: offset, next: offset, end, records: 0 };
  });
}

function offsetOf(rows: readonly { partition: number; offset: number }[], partition: number): number {
  const row = rows.find((one) => one.partition === partition);
  if (row === undefined) {
    throw new VarveError("UNKNOWN_PARTITION", `Cannot read partition ${partition}: the broker says nothing of it`);
  }
  return row.offset;
}

/** Whether nothing is left to read of it. */
export function isDone({ next, end }: PartitionRange): boolean {
  return (end.kind === "offset" && next >= end.offset) || (end.kind === "count" && end.count === 0);
}

/** Offsets still to be read; undefined when nobody knows. */
export function offsetsLeft(ranges: readonly PartitionRange[]): number | undefined {
  let left = 0;
  for (const { next, end } of ranges) {
    if (end.kind !== "offset") return undefined;
    left += Math.max(0, end.offset - next);
  }
  return left;
}

/** "185", or as it is written on the command line. */
export function printRangeEnd(end: End): string {
  return end.kind === "offset" ? String(end.offset) : printEnd(end);
}
