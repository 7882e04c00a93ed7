// Creating, growing and deleting topics.

import { zeroUuid } from "@varve/format";
import { partitionsPerTopicMax, replicationFactorMax, retiredEpochKeepMs } from "../limits.ts";
import { checkChanges, configRecords, unknownTopic, withChanges } from "./config-commands.ts";
import { accept, refuse } from "./decision.ts";
import type { Decision, DecisionContext } from "./decision.ts";
import { clusterOverrides, isActive, topicNamed, topicOverrides } from "./image.ts";
import { placeReplicas, placementStart } from "./placement.ts";
import type { PartitionRecord } from "./records.ts";
import { noLeader } from "./state.ts";
import type { Broker, ControllerImage } from "./state.ts";
import { describeTopicConfig, effectiveTopicConfig } from "./topic-config.ts";
import type { ConfigEntry, TopicConfig } from "./topic-config.ts";
import { collisionKey, topicNameFault } from "./topic-name.ts";

export interface CreateTopic {
  readonly kind: "createTopic";
  readonly name: string;
  /** @default 1 */
  readonly partitions?: number;
  /** Refused when there are fewer brokers. @default min(3, brokers) */
  readonly replicationFactor?: number;
  readonly configs?: Readonly<Record<string, string>>;
  /** Everything is checked, nothing is done. */
  readonly validateOnly?: boolean;
}

export interface TopicReply {
  readonly topicId: string;
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Every effective value, not only what was set. */
  readonly configs: readonly ConfigEntry[];
}

export interface AddPartitions {
  readonly kind: "addPartitions";
  readonly topic: string;
  /** The new total. */
  readonly partitions: number;
  readonly validateOnly?: boolean;
}

export interface DeleteTopic {
  readonly kind: "deleteTopic";
  /** Name, or when it has been resolved already: */
  readonly topic?: string;
  readonly topicId?: string;
  readonly validateOnly?: boolean;
}

export interface DeleteTopicReply {
  readonly topicId: string;
  readonly name: string;
}

export function decideCreateTopic(
  image: ControllerImage,
  command: CreateTopic,
  context: DecisionContext,
): Decision<TopicReply> {
  const { name, partitions = 1 } = command;
  const shown = name.length > 260 ? `${name.slice(0, 260)}…` : name;
  const failed = `Cannot create topic "${shown}"`;
  const nameFault = topicNameFault(name);
  if (nameFault !== undefined) return refuse("INVALID_TOPIC", `${failed}: ${nameFault}.`, { topic: shown });
  if (image.topicIds.has(name)) return refuse("TOPIC_ALREADY_EXISTS", `${failed}: it exists.`, { topic: name });
  const collision = image.collisions.get(collisionKey(name));
  if (collision !== undefined) {
    const message = `${failed}: it differs from "${collision}" only in "." and "_", and their metrics would be the same.`;
    return refuse("INVALID_TOPIC", message, { topic: name, collision });
  }
  const countFault = partitionCountFault(partitions);
  if (countFault !== undefined) return refuse("INVALID_PARTITIONS", `${failed}: ${countFault}.`, { topic: name });
  const brokers = activeBrokers(image);
  const replicationFactor = command.replicationFactor ?? Math.min(3, brokers.length);
  const factorFault = replicationFactorFault(replicationFactor, brokers.length);
  if (factorFault !== undefined) {
    return refuse("INVALID_REPLICATION_FACTOR", `${failed}: ${factorFault}.`, {
      topic: name,
      brokers: String(brokers.length),
    });
  }
  const checked = checkChanges(Object.entries(command.configs ?? {}).map(([key, value]) => ({ key, value })));
  if ("refusal" in checked)
    return refuse(checked.refusal.reason, `${failed}. ${checked.refusal.message}`, checked.refusal.metadata);

  const own = withChanges({}, checked.changes);
  const cluster = clusterOverrides(image);
  const topicId = command.validateOnly === true ? "" : context.newUuid();
  const reply = { topicId, name, partitions, replicationFactor, configs: describeTopicConfig(own, cluster) };
  if (command.validateOnly === true) return accept(reply);
  const config = effectiveTopicConfig(own, cluster);
  const leaderEpoch = firstLeaderEpoch(image, name, context.nowMs);
  return accept(reply, [
    { type: "Topic", topicId, name },
    ...configRecords("topic", topicId, {}, checked.changes),
    ...newPartitions(brokers, { topicId, first: 0, count: partitions, replicationFactor, leaderEpoch, config }),
  ]);
}

export function decideAddPartitions(image: ControllerImage, command: AddPartitions): Decision<TopicReply> {
  const topic = topicNamed(image, command.topic);
  if (topic === undefined) return unknownTopic("add partitions to", command.topic);
  const failed = `Cannot add partitions to topic "${topic.name}"`;
  const before = topic.partitions.length;
  const metadata = { topic: topic.name, partitions: String(before) };
  const countFault =
    partitionCountFault(command.partitions) ??
    (command.partitions <= before ? `it has ${before}, and ${command.partitions} are not more` : undefined);
  if (countFault !== undefined) return refuse("INVALID_PARTITIONS", `${failed}: ${countFault}.`, metadata);
  const brokers = activeBrokers(image);
  const replicationFactor = topic.partitions[0]?.replicas.length ?? 1;
  const factorFault = replicationFactorFault(replicationFactor, brokers.length);
  if (factorFault !== undefined) return refuse("INVALID_REPLICATION_FACTOR", `${failed}: ${factorFault}.`, metadata);
  const own = topicOverrides(image, topic.id);
  const cluster = clusterOverrides(image);
  const reply: TopicReply = {
    topicId: topic.id,
    name: topic.name,
    partitions: command.partitions,
    replicationFactor,
    configs: describeTopicConfig(own, cluster),
  };
  if (command.validateOnly === true) return accept(reply);
  // At or above the epoch at which this topic began, and so above those of an earlier topic of this name.
  const leaderEpoch = Math.min(...topic.partitions.map((partition) => partition.leaderEpoch));
  const count = command.partitions - before;
  const config = effectiveTopicConfig(own, cluster);
  return accept(
    reply,
    newPartitions(brokers, { topicId: topic.id, first: before, count, replicationFactor, leaderEpoch, config }),
  );
}

export function decideDeleteTopic(
  image: ControllerImage,
  command: DeleteTopic,
  context: DecisionContext,
): Decision<DeleteTopicReply> {
  const { topic: name = "", topicId = "" } = command;
  if ((name === "") === (topicId === "")) {
    return refuse("INVALID_REQUEST", "Cannot delete a topic: give either its name or its id.");
  }
  const topic = topicId === "" ? topicNamed(image, name) : image.topics.get(topicId);
  if (topic === undefined) return unknownTopic("delete", topicId === "" ? name : topicId);
  const reply = { topicId: topic.id, name: topic.name };
  if (command.validateOnly === true) return accept(reply);
  const removedAtMs = context.nowMs;
  const forgetBeforeMs = Math.max(0, removedAtMs - retiredEpochKeepMs);
  return accept(reply, [{ type: "RemoveTopic", topicId: topic.id, removedAtMs, forgetBeforeMs }]);
}

/** The ISR of a new partition is its active replicas, which here are all of them; the first one leads (B-8). */
function newPartitions(
  brokers: readonly Broker[],
  wanted: {
    readonly topicId: string;
    readonly first: number;
    readonly count: number;
    readonly replicationFactor: number;
    readonly leaderEpoch: number;
    readonly config: TopicConfig;
  },
): PartitionRecord[] {
  const { topicId, first, count, replicationFactor, leaderEpoch, config } = wanted;
  const dirOf = new Map(brokers.map((broker) => [broker.brokerId, broker.dirs[0] ?? zeroUuid]));
  const placed = placeReplicas(brokers, { first, count, replicationFactor, start: placementStart(topicId) });
  return placed.map((replicas, index) => ({
    type: "Partition",
    topicId,
    partition: first + index,
    replicas,
    dirs: replicas.map((id) => dirOf.get(id) ?? zeroUuid),
    isr: replicas,
    elr: [],
    leader: replicas[0] as number,
    leaderEpoch,
    partitionEpoch: 0,
    adding: [],
    removing: [],
    recovering: false,
    minIsr: Math.min(config["min.insync.replicas"], replicas.length),
    flush: config.flush,
    lastKnownLeader: noLeader,
    lastKnownElr: [],
    uncleanEpoch: -1,
  }));
}

/** Above every epoch that clients may remember of a deleted topic of the same name: they order metadata by epoch alone. */
function firstLeaderEpoch(image: ControllerImage, name: string, nowMs: number): number {
  const retired = image.retiredEpochs.get(name);
  return retired === undefined || retired.removedAtMs < nowMs - retiredEpochKeepMs ? 0 : retired.leaderEpoch + 1;
}

function activeBrokers(image: ControllerImage): Broker[] {
  return [...image.brokers.values()].filter(isActive).sort((a, b) => a.brokerId - b.brokerId);
}

function partitionCountFault(count: number): string | undefined {
  if (!Number.isInteger(count) || count < 1) return `${count} partitions are not possible, at least 1 is needed`;
  if (count > partitionsPerTopicMax) return `${count} partitions are more than the limit of ${partitionsPerTopicMax}`;
  return undefined;
}

function replicationFactorFault(factor: number, brokers: number): string | undefined {
  if (brokers === 0) return "no broker is active now";
  if (!Number.isInteger(factor) || factor < 1) return `a replication factor of ${factor} is not possible`;
  if (factor > replicationFactorMax)
    return `a replication factor of ${factor} is more than the limit of ${replicationFactorMax}`;
  if (factor > brokers)
    return `a replication factor of ${factor} needs ${factor} active brokers, and there are ${brokers}`;
  return undefined;
}
