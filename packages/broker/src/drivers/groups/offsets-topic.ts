/** The internal topic in which groups are kept: its name, how it is made, and which of its partitions keeps a group. */
import { partitionForKey } from "@varve/format";
import { type Refusal, refuse } from "../../refusal.ts";

export const offsetsTopic = "__consumer_offsets";

/** A decision is one batch, and one about a large group is large. */
export const batchBytesMax = 4 * 1024 * 1024;

/** The same for ever, on every node: as keys are given to partitions. */
export function partitionOfGroup(groupId: string, partitionCount: number): number {
  return partitionForKey(Buffer.from(groupId), partitionCount);
}

/** Its records are state: they are not old after a week. */
export const offsetsTopicConfigs: Readonly<Record<string, string>> = {
  "cleanup.policy": "compact",
  "max.message.bytes": String(batchBytesMax),
  "segment.bytes": String(64 * 1024 * 1024),
};

/** Only coordinators write there: a record of anybody else's could be a commit that nobody made. */
export function internalRefusal(what: string): Refusal {
  return refuse(
    "POLICY_VIOLATION",
    `Cannot ${what}: "${offsetsTopic}" is kept by the cluster for consumer groups; use the calls for groups instead`,
    { topic: offsetsTopic },
  );
}
