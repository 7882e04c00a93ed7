/**
 * What another node's refusal means here. This node asked because its metadata name the partition, and that node as the leader: one that
 * knows neither is behind, and will soon know; whoever is told "there is none" would give up.
 */
import { type Refusal, refuse } from "../../refusal.ts";

export function passedOn(leader: number, refusal: Refusal): Refusal {
  const { reason, message, metadata } = refusal;
  if (reason !== "UNKNOWN_TOPIC" && reason !== "UNKNOWN_PARTITION") return refusal;
  return refuse(
    "LEADER_NOT_AVAILABLE",
    `Broker ${leader}, which leads the partition, does not know of it yet; try again. It said: ${message}`,
    metadata,
  );
}
