// Changing configs of a topic or of the whole cluster. C-7: what `min.insync.replicas` and `flush` come to is written into the
// state of every affected partition, in the same batch, and is read from nowhere else.

import { configChangesMax } from "../limits.ts";
import { accept, refuse } from "./decision.ts";
import type { Decision, Refusal } from "./decision.ts";
import { activeReplicas, clusterOverrides, topicNamed, topicOverrides, topicsByName } from "./image.ts";
import { planPartitionChange } from "./partition-change.ts";
import type { ConfigRecord, MetadataRecord } from "./records.ts";
import type { ConfigOverrides, ConfigScope, ControllerImage, Topic } from "./state.ts";
import { checkTopicConfig, describeTopicConfig, effectiveTopicConfig, unknownNameFault } from "./topic-config.ts";
import type { ConfigEntry } from "./topic-config.ts";

/** Null deletes the override. */
export interface ConfigChange {
  readonly key: string;
  readonly value: string | null;
}

export interface AlterTopicConfig {
  readonly kind: "alterTopicConfig";
  readonly topic: string;
  readonly changes: readonly ConfigChange[];
  readonly validateOnly?: boolean;
}

/** Defaults of the cluster, for every topic that does not override them. */
export interface AlterClusterConfig {
  readonly kind: "alterClusterConfig";
  readonly changes: readonly ConfigChange[];
  readonly validateOnly?: boolean;
}

export interface AlterConfigReply {
  /** Every effective value after the change. */
  readonly configs: readonly ConfigEntry[];
}

export function decideAlterTopicConfig(image: ControllerImage, command: AlterTopicConfig): Decision<AlterConfigReply> {
  const topic = topicNamed(image, command.topic);
  if (topic === undefined) return unknownTopic("change the configs of", command.topic);
  const checked = checkChanges(command.changes);
  if ("refusal" in checked) return checked;
  const cluster = clusterOverrides(image);
  const before = topicOverrides(image, topic.id);
  const after = withChanges(before, checked.changes);
  const reply = { configs: describeTopicConfig(after, cluster) };
  if (command.validateOnly === true) return accept(reply);
  return accept(reply, [
    ...configRecords("topic", topic.id, before, checked.changes),
    ...partitionRecords(image, topic, after, cluster),
  ]);
}

export function decideAlterClusterConfig(
  image: ControllerImage,
  command: AlterClusterConfig,
): Decision<AlterConfigReply> {
  const checked = checkChanges(command.changes);
  if ("refusal" in checked) return checked;
  const before = clusterOverrides(image);
  const after = withChanges(before, checked.changes);
  const reply = { configs: describeTopicConfig({}, after) };
  if (command.validateOnly === true) return accept(reply);
  return accept(reply, [
    ...configRecords("cluster", "", before, checked.changes),
    ...topicsByName(image).flatMap((topic) => partitionRecords(image, topic, topicOverrides(image, topic.id), after)),
  ]);
}

/** The changes with canonical values, or the first fault among them. A key twice, or too many, is a fault too. */
export function checkChanges(
  changes: readonly ConfigChange[],
): { changes: readonly ConfigChange[] } | { refusal: Refusal } {
  if (changes.length > configChangesMax) {
    return refuse("INVALID_CONFIG", `Cannot change ${changes.length} configs at once, at most ${configChangesMax}.`);
  }
  const seen = new Set<string>();
  const canonical: ConfigChange[] = [];
  for (const { key, value } of changes) {
    const checked = value === null ? (unknownNameFault(key) ?? { text: "" }) : checkTopicConfig(key, value);
    const fault = "fault" in checked ? checked.fault : seen.has(key) ? `Config "${key}" is given twice.` : undefined;
    if (fault !== undefined) {
      const nearest = "nearest" in checked ? checked.nearest : undefined;
      return refuse("INVALID_CONFIG", fault, { key: key.slice(0, 100), ...(nearest === undefined ? {} : { nearest }) });
    }
    seen.add(key);
    canonical.push({ key, value: value === null || !("text" in checked) ? null : checked.text });
  }
  return { changes: canonical };
}

/** The records for those of the (checked) changes that change anything. */
export function configRecords(
  scope: ConfigScope,
  name: string,
  before: ConfigOverrides,
  changes: readonly ConfigChange[],
): ConfigRecord[] {
  return changes
    .filter(({ key, value }) => (before[key] ?? null) !== value)
    .map(({ key, value }) => ({ type: "Config", scope, name, key, value }));
}

export function withChanges(before: ConfigOverrides, changes: readonly ConfigChange[]): ConfigOverrides {
  const after: Record<string, string> = { ...before };
  for (const { key, value } of changes) {
    if (value === null) delete after[key];
    else after[key] = value;
  }
  return after;
}

export function unknownTopic(failed: string, topic: string): { refusal: Refusal } {
  return refuse("UNKNOWN_TOPIC", `Cannot ${failed} topic "${topic.slice(0, 300)}": there is no such topic.`, {
    topic: topic.slice(0, 300),
  });
}

function partitionRecords(
  image: ControllerImage,
  topic: Topic,
  own: ConfigOverrides,
  cluster: ConfigOverrides,
): MetadataRecord[] {
  const config = effectiveTopicConfig(own, cluster);
  const wanted = { minIsr: config["min.insync.replicas"], flush: config.flush };
  return topic.partitions.flatMap(
    (partition) => planPartitionChange(partition, wanted, activeReplicas(image, partition))?.record ?? [],
  );
}
