/** Damage of a partition (J-12) for the one whose request it stopped: where, what is left, and the command that helps. */
import type { PartitionLog } from "@varve/log";
import { type Refusal, refuse } from "../refusal.ts";

/** What was found, as the log says it. */
export interface Damage {
  readonly file: string;
  readonly offset: number;
  readonly why: string;
}

/** @param action what failed, such as `Cannot read "orders" 0 at offset 7` */
export function damageRefusal(action: string, id: PartitionLog["id"], damage: Damage): Refusal {
  const { topic, partition } = id;
  const { file, offset, why } = damage;
  const command = acceptLossCommand(topic, partition);
  return refuse(
    "PARTITION_QUARANTINED",
    `${action}: "${file}" is damaged at offset ${offset} (${why}) and no whole replica is known; records before it can be read; ` +
      `what giving up the damaged ones would lose is said by: ${command}`,
    { topic, partition, file, offset, command },
  );
}

/** Says what giving up what is damaged would lose; changes nothing. */
export function acceptLossCommand(topic: string, partition: number): string {
  return `varve partition accept-loss ${topic} ${partition} --dry-run`;
}
