// SPDX-License-Identifier: Apache-2.0
// Looks up what a topic has already of a replay that broke off: the records that one checkpoint may have left behind, and all that the
// topic got since.

import type { Client, ReaderOptions } from "@varve/client";
import { Landed } from "./landed.ts";
import { isDone, type FoundTopic, type PartitionRange } from "./range.ts";
import type { ReplayState } from "./replay-state.ts";
import { windowBytes, windowRecords } from "./replay.ts";
import type { PartitionBy } from "./topic-sink.ts";

export interface Broken {
  readonly topic: string;
  readonly filter: Pick<ReaderOptions, "fromTimeMs" | "toTimeMs">;
  readonly ranges: readonly PartitionRange[];
  readonly state: ReplayState;
  readonly target: FoundTopic;
  readonly partitionBy: PartitionBy;
}

export async function findLanded(source: Client, target: Client, broken: Broken): Promise<Landed> {
  const landed = new Landed({ isSamePartition: broken.partitionBy === "same" });
  const { state, target: found } = broken;
  if (state.sink.kind !== "topic") return landed;
  // Also what is appended and not committed yet: the reader waits for it, since a replay that goes on would come behind it.
  const rows = await target.admin.listOffsets({ topic: found.topic });
  const tails = rows.flatMap(({ partition, logStartOffset, logEndOffset }) => {
    const end = state.sink.kind === "topic" ? (state.sink.ends.get(partition) ?? 0) : 0;
    landed.begin(partition, end);
    const from = Math.max(end, logStartOffset);
    return logEndOffset > from ? [{ partition, from, to: logEndOffset }] : [];
  });
  if (tails.length === 0) return landed;
  await want(source, broken, landed);
  const reader = target.reader({
    topic: found.topic,
    partitions: tails.map(({ partition, from, to }) => ({
      partition,
      from: { kind: "offset", offset: from },
      to: { kind: "offset", offset: to },
    })),
  });
  for await (const records of reader.batches()) for (const record of records) landed.found(record);
  return landed;
}

/** What may have been sent behind the last checkpoint: it covers so many records of all partitions, here of each. */
async function want(source: Client, { topic, filter, ranges }: Broken, landed: Landed): Promise<void> {
  for (const range of ranges) {
    if (isDone(range)) continue;
    const { partition, next, end } = range;
    const to = end.kind === "none" ? ({ kind: "latest-at-start" } as const) : end;
    const reader = source.reader({
      topic,
      partitions: [{ partition, from: { kind: "offset", offset: next }, to }],
      ...filter,
    });
    let [records, bytes] = [0, 0];
    for await (const record of reader) {
      landed.want(record);
      records += 1;
      bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0);
      if (records >= windowRecords || bytes >= windowBytes) break;
    }
    await reader.close();
  }
}
