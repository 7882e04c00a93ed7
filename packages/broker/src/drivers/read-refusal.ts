/** What a read that gave no records means for the one who asked. */
import { LogError, type ReadResult } from "@varve/log";
import { type Refusal, refuse } from "../refusal.ts";
import { damageRefusal } from "./damage.ts";
import type { LocalPartition } from "./partition.ts";
import type { ReadSource } from "./read-source.ts";

export function readRefusal(
  leader: ReadSource,
  offset: number,
  result: Exclude<ReadResult, { kind: "batches" | "empty" }>,
): Refusal {
  const { topic, partition, log } = leader;
  switch (result.kind) {
    case "out-of-range":
      return refuse(
        "OFFSET_OUT_OF_RANGE",
        `Cannot read "${topic}" ${partition} from offset ${offset}: it has ${result.logStartOffset} to ${result.logEndOffset}; ` +
          `start at one of these, or at earliest`,
        {
          offset,
          logStartOffset: result.logStartOffset,
          logEndOffset: result.logEndOffset,
          highWatermark: log.highWatermark,
        },
      );
    case "damaged":
      return (
        leader.givingWay ?? damageRefusal(`Cannot read "${topic}" ${partition} at offset ${offset}`, log.id, result)
      );
  }
}

/**
 * A read that failed. A log may have been closed under it: its topic was deleted, or the broker stops. For want of descriptors nothing is
 * wrong with the disk, and the same read may succeed soon.
 */
export function readFailure(leaders: readonly ReadSource[], error: unknown): Refusal {
  for (const { closedBy, givingWay } of leaders) {
    const refusal = closedBy ?? givingWay;
    if (refusal !== undefined) return refusal;
  }
  if (error instanceof LogError && error.retriable)
    return refuse("BUSY", `Cannot read now: ${error.message}; try again`);
  return refuse("STORAGE_FAILED", `Cannot read: ${String(error)}`);
}

/** H-7: a read is the leader's to answer, and a request may say which leader epoch it knows. */
export function leadRefusal(leader: LocalPartition, known: number | undefined): Refusal | undefined {
  if (leader.closedBy !== undefined) return leader.closedBy;
  const current = leader.log.leaderEpoch;
  if (known === undefined || known === current) return undefined;
  const older = known < current;
  return refuse(
    older ? "FENCED_LEADER_EPOCH" : "UNKNOWN_LEADER_EPOCH",
    `Cannot read "${leader.topic}" ${leader.partition}: the request knows leader epoch ${known} and the leader is in ${current}; ` +
      (older ? "look the topic up again" : "try again"),
    { knownEpoch: known, leaderEpoch: current },
  );
}
