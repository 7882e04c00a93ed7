/** What is said of a topic or a partition that there is not. */
import { type Refusal, refuse } from "../refusal.ts";

export function unknownTopic(name: string): Refusal {
  return refuse("UNKNOWN_TOPIC", `There is no topic "${name}"; create it first, or look at the list of topics`, {
    topic: name,
  });
}

export function unknownPartition(
  topic: { readonly name: string; readonly partitionCount: number },
  partition: number,
): Refusal {
  const { name, partitionCount } = topic;
  return refuse(
    "UNKNOWN_PARTITION",
    `Topic "${name}" has no partition ${partition}: it has ${partitionCount}, from 0 to ${partitionCount - 1}`,
    { topic: name, partition, partitionCount },
  );
}
