/** Names of topics that the cluster keeps for itself, as Kafka has them: they begin with two underscores, and no client makes one. */
import { type Refusal, refuse } from "../refusal.ts";

export function isReservedTopic(name: string): boolean {
  return name.startsWith("__");
}

/** Why a client may not make such a topic. */
export function reservedTopicRefusal(name: string): Refusal {
  const shown = name.length > 260 ? `${name.slice(0, 260)}…` : name;
  return refuse(
    "INVALID_TOPIC",
    `Cannot create topic "${shown}": names that begin with "__" are the cluster's own; choose another one`,
    { topic: shown },
  );
}
