/** What is said of a partition at a node that does not lead it. */
import { type Partition, noLeader } from "@varve/cluster";
import { type Refusal, refuse } from "../refusal.ts";

/** Why a node refuses what only the leader may do; says who leads, and where. */
export function notLeadingRefusal(
  where: string,
  { leader, leaderEpoch }: Pick<Partition, "leader" | "leaderEpoch">,
  { nodeId, addressOf }: { readonly nodeId: number; readonly addressOf: (nodeId: number) => string },
): Refusal {
  if (leader === noLeader) {
    return refuse("LEADER_NOT_AVAILABLE", `Cannot use ${where}: it has no leader now; try again`, { leaderEpoch });
  }
  return refuse("NOT_LEADER", `Cannot use ${where} at broker ${nodeId}: broker ${leader} leads it`, {
    leader,
    leaderEpoch,
    address: addressOf(leader),
  });
}
