/**
 * A leader whose log cannot go on, damaged (F-9) or with files that have failed (H-10). Where there are other replicas one of them takes
 * over: the controller is told that this one is not whole, and whoever asks meanwhile is told to try again, not that all is lost.
 */
import type { Partition } from "@varve/cluster";
import type { PartitionLog } from "@varve/log";
import { type Refusal, refuse } from "../refusal.ts";

/** Whether the controller is told, so that another replica leads, or nobody waits for this one. */
export function givesWay(state: PartitionLog["state"], placement: Partition | undefined): boolean {
  // Of an only replica, and of one that was elected with loss, an operator says what becomes of it.
  if (placement === undefined || placement.replicas.length === 1 || placement.recovering) return false;
  if (state.kind === "quarantined") return true;
  // Its bytes may be whole, and count again once it was started anew: it gives way to somebody who has them all, and to nobody else.
  return state.kind === "failed" && placement.isr.length > 1;
}

/** What producers and readers are told. What was appended and not acknowledged may be committed all the same. */
export function givingWayRefusal({ id, state }: Pick<PartitionLog, "id" | "state">): Refusal {
  const { topic, partition } = id;
  const why = state.kind === "quarantined" ? `damage was found at offset ${state.offset}` : "its files have failed";
  return refuse(
    "LEADER_NOT_AVAILABLE",
    `Cannot use "${topic}" ${partition} at this broker, ${why}: another replica is to lead; try again, with the same producer id and sequence`,
    { topic, partition },
  );
}
