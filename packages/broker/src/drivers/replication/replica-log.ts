/** A partition's log as the decisions of `@varve/cluster` see it: offsets and epochs of this moment. */
import type { LeaderLogView, ReplicaLogView } from "@varve/cluster";
import type { PartitionLog } from "@varve/log";

/** `startOffset`: where the log ended when `leaderEpoch` began here. */
export function leaderView(
  log: PartitionLog,
  { leaderEpoch, startOffset }: { readonly leaderEpoch: number; readonly startOffset: number },
): LeaderLogView {
  return { logStart: log.logStartOffset, logEnd: log.logEndOffset, runs: log.epochs, leaderEpoch, startOffset };
}

export function replicaView(log: PartitionLog): ReplicaLogView {
  const { logStartOffset: logStart, logEndOffset: logEnd, epochs: runs, highWatermark } = log;
  // G-7: of the last batch; an epoch that began and wrote nothing does not count.
  const lastBatchEpoch = logEnd > logStart ? (runs.epochAt(logEnd - 1) ?? -1) : -1;
  return { logStart, logEnd, runs, highWatermark, lastBatchEpoch };
}
