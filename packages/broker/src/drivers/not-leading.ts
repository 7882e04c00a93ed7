/** What is said of a partition at a node that does not lead it. */
import { type Partition, noLeader, roleOf } from "@varve/cluster";
import { type Refusal, refuse } from "../refusal.ts";

type Placement = Pick<Partition, "leader" | "leaderEpoch" | "partition" | "replicas" | "isr" | "elr">;

/** Why a node refuses what only the leader may do; says who leads, and where. */
export function notLeadingRefusal(
  topic: string,
  placement: Placement,
  { nodeId, addressOf }: { readonly nodeId: number; readonly addressOf: (nodeId: number) => string },
): Refusal {
  const { leader, leaderEpoch } = placement;
  const where = `"${topic}" ${placement.partition}`;
  if (leader === noLeader) {
    return refuse("LEADER_NOT_AVAILABLE", `Cannot use ${where}: it has no leader now; ${wayOut(topic, placement)}`, {
      leaderEpoch,
    });
  }
  return refuse("NOT_LEADER", `Cannot use ${where} at broker ${nodeId}: broker ${leader} leads it`, {
    leader,
    leaderEpoch,
    address: addressOf(leader),
  });
}

/**
 * What ends that nobody leads it. Whoever is complete leads as soon as it is there. When nobody is known to be, the controller finds who
 * has most, by itself or when it is told to; it takes no damaged replica (6.11).
 */
export function wayOut(topic: string, { partition, replicas, isr, elr }: Placement): string {
  const complete = replicas.filter((id) => isr.includes(id) || elr.includes(id));
  if (complete.length > 0)
    return `it gets one when one of the brokers that have all of it is back (${complete.join(", ")})`;
  return (
    `nobody is known to have all of it: try again, and if that lasts bring its brokers back (${replicas.join(", ")}), or see who has ` +
    `most of it: ${electCommand(topic, partition)}`
  );
}

/** For whoever has to decide; changes nothing. */
export function electCommand(topic: string, partition: number): string {
  return `varve cluster elect ${topic} --partition ${partition} --unclean --dry-run`;
}

/** Why this node does not serve the partition; undefined when it leads it. `placement`: as last acted on. */
export function whyNotServed(
  { topic, partition }: Where,
  placement: Partition | undefined,
  replicas: Parameters<typeof notLeadingRefusal>[2],
): Refusal | undefined {
  if (placement === undefined) {
    return refuse(
      "LEADER_NOT_AVAILABLE",
      `Cannot use "${topic}" ${partition} yet: this broker does not know its part in it; try again`,
    );
  }
  return roleOf(placement, replicas.nodeId).kind === "leader"
    ? undefined
    : notLeadingRefusal(topic, placement, replicas);
}

/** H-6: the epoch in which it was appended is over, and this node leads on in another one. */
export function newEpochRefusal(
  { topic, partition }: Where,
  placement: Partition | undefined,
  nodeId: number,
): Refusal {
  const epoch = placement?.leaderEpoch ?? -1;
  return refuse(
    "NOT_LEADER",
    `The leader epoch of "${topic}" ${partition} has ended, ${epoch} began; whether the append was kept is not known: ` +
      `repeat it with the same producer id and sequence`,
    { leader: nodeId, leaderEpoch: epoch },
  );
}

interface Where {
  readonly topic: string;
  readonly partition: number;
}
