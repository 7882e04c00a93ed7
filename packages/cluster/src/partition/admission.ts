// Whether a produce request may be appended at all, before any byte is looked at: leadership, epochs and the ISR (H-1, H-7,
// H-11). The log checks sequences and offsets itself, in the order of H-12.

import type { Refusal } from "../controller/decision.ts";
import { noLeader } from "../controller/state.ts";
import type { Partition } from "../controller/state.ts";

export type Acks = "all" | "leader" | "none";

export interface ProduceAdmission {
  /** For messages. */
  readonly topic: string;
  readonly brokerId: number;
  readonly acks: Acks;
  /** The leader epoch the caller knows; undefined when it does not say. */
  readonly leaderEpoch?: number;
  /** False when a leader has heard neither from a controller nor from enough of its ISR for a session: maybe a zombie (H-11). */
  readonly leadershipProven?: boolean;
}

/** Why the produce is refused; undefined when it may go on. Checked in this order: epoch, leadership, replicas. */
export function refuseProduce(partition: Partition, request: ProduceAdmission): Refusal | undefined {
  const where = `"${request.topic}" partition ${partition.partition}`;
  const routing = { leader: String(partition.leader), leaderEpoch: String(partition.leaderEpoch) };
  const epoch = refuseEpoch(partition, request.leaderEpoch, where);
  if (epoch !== undefined) return epoch;
  if (partition.leader === noLeader) {
    const message = `Cannot write to ${where}: it has no leader now. Try again.`;
    return { reason: "LEADER_NOT_AVAILABLE", message, metadata: routing };
  }
  if (partition.leader !== request.brokerId) {
    const message = `Cannot write to ${where} here: broker ${partition.leader} leads it.`;
    return { reason: "NOT_LEADER", message, metadata: routing };
  }
  if (request.acks === "all" && partition.isr.length < partition.minIsr) {
    return {
      reason: "NOT_ENOUGH_REPLICAS",
      message:
        `Cannot write to ${where} with acks=all: ${partition.isr.length} replicas are in sync, ` +
        `min.insync.replicas is ${partition.minIsr}. Nothing was written.`,
      metadata: { inSync: String(partition.isr.length), minIsr: String(partition.minIsr) },
    };
  }
  if (request.acks !== "all" && request.leadershipProven === false) {
    const message = `Cannot write to ${where} with acks=${request.acks}: this broker may not lead it any more. Try again.`;
    return { reason: "NOT_LEADER", message, metadata: routing };
  }
  return undefined;
}

/** H-7: a caller that knows an older epoch is told so; one that knows a newer one is ahead of this broker. */
export function refuseEpoch(partition: Partition, known: number | undefined, where: string): Refusal | undefined {
  if (known === undefined || known === partition.leaderEpoch) return undefined;
  const metadata = { leader: String(partition.leader), leaderEpoch: String(partition.leaderEpoch) };
  const reason = known < partition.leaderEpoch ? "FENCED_LEADER_EPOCH" : "UNKNOWN_LEADER_EPOCH";
  return {
    reason,
    message: `Leader epoch ${known} of ${where} does not hold here: it is ${partition.leaderEpoch}.`,
    metadata,
  };
}
