// The only function that makes images: one record in, the next image out; live and at load alike (C-2). No policy, no clock, no
// randomness: whatever could be decided was decided when the record was written. A record that does not fit the image means
// that this node's state is wrong, or the log is: an `InvariantError`, fatal on every node, standby included. (A node that
// skipped it would later lead with wrong state.)

import { invariant, unreachable } from "@varve/format";
import { emptyDigest, exchange, hashOfPartition, replacePair } from "./digest.ts";
import type { PairValue } from "./digest.ts";
import { configScopeKey } from "./image.ts";
import { changedFlag, changedNumber, leaderUnchanged } from "./records.ts";
import { collisionKey } from "./topic-name.ts";
import { noLeader } from "./state.ts";
import type {
  BrokerChangeRecord,
  ConfigRecord,
  MetadataRecord,
  PartitionChangeRecord,
  PartitionRecord,
  ProducerIdBlockRecord,
  RegisterBrokerRecord,
  RemoveTopicRecord,
  TopicRecord,
  UnregisterBrokerRecord,
} from "./records.ts";
import type { Broker, ConfigOverrides, ControllerImage, FlushState, Partition, RetiredEpoch, Topic } from "./state.ts";

/**
 * Lists of partitions that a run of records has copied: nobody else has seen them yet, so the run changes them in place. Of a topic with
 * thousands of partitions each record would otherwise copy the list.
 */
type OwnLists = Set<readonly Partition[]>;

/** The image after `record`. `image` stays as it is. Throws `InvariantError` when the record cannot follow it. */
export function replay(image: ControllerImage, record: MetadataRecord): ControllerImage {
  return follow(image, record, new Set());
}

/** The image after all of `records`. */
export function replayAll(image: ControllerImage, records: readonly MetadataRecord[]): ControllerImage {
  const own: OwnLists = new Set();
  return records.reduce((before, record) => follow(before, record, own), image);
}

/** As `replayAll`, for the records of a snapshot: they are facts about the end, so record numbers are not counted (snapshot.ts). */
export function restoreAll(image: ControllerImage, records: readonly MetadataRecord[]): ControllerImage {
  const own: OwnLists = new Set();
  return records.reduce((before, record) => restore(before, record, own), image);
}

function follow(image: ControllerImage, record: MetadataRecord, own: OwnLists): ControllerImage {
  if (record.type === "RegisterBroker") {
    invariant(
      record.brokerEpoch === image.offset + 1,
      `broker epoch of ${record.brokerId} is the number of its record`,
    );
    invariant(record.fenced, `broker ${record.brokerId} registers fenced`);
  }
  return { ...restore(image, record, own), offset: image.offset + 1 };
}

function restore(image: ControllerImage, record: MetadataRecord, own: OwnLists): ControllerImage {
  switch (record.type) {
    case "Topic":
      return addTopic(image, record);
    case "RemoveTopic":
      return removeTopic(image, record);
    case "Partition":
      return addPartition(image, record, own);
    case "PartitionChange":
      return changePartition(image, record, own);
    case "RegisterBroker":
      return registerBroker(image, record);
    case "BrokerChange":
      return changeBroker(image, record);
    case "UnregisterBroker":
      return unregisterBroker(image, record);
    case "Config":
      return setConfig(image, record);
    case "ProducerIdBlock":
      return takeProducerIds(image, record);
    case "RetiredEpoch": {
      const { name, leaderEpoch, removedAtMs } = record;
      return withRetired(image, name, { name, leaderEpoch, removedAtMs });
    }
    case "RemovedTopic":
      return withRemoved(image, record.topicId, record.removedAtMs);
    default:
      return unreachable(record);
  }
}

function addTopic(image: ControllerImage, { topicId, name }: TopicRecord): ControllerImage {
  invariant(!image.topics.has(topicId), `topic id "${topicId}" is new`);
  invariant(!image.collisions.has(collisionKey(name)), `topic name "${name}" is free`);
  const retired = image.retiredEpochs.get(name);
  const forgotten = retired === undefined ? image : withRetired(image, name, undefined);
  return withTopic(
    {
      ...forgotten,
      topicIds: image.topicIds.set(name, topicId),
      collisions: image.collisions.set(collisionKey(name), name),
    },
    { id: topicId, name, partitions: [] },
  );
}

function removeTopic(image: ControllerImage, record: RemoveTopicRecord): ControllerImage {
  const topic = image.topics.get(record.topicId);
  invariant(topic !== undefined, `topic "${record.topicId}" exists`);
  let next = image;
  for (const partition of topic.partitions) {
    next = { ...next, digest: exchange(next.digest, hashOfPartition(partition), emptyDigest) };
  }
  const configs = configScopeKey("topic", topic.id);
  for (const [key, value] of Object.entries(image.configs.get(configs) ?? {})) {
    next = withPair(next, `config/${configs}/${key}`, value, undefined);
  }
  next = withPair(next, `topic/${topic.id}`, topic.name, undefined);
  for (const retired of image.retiredEpochs.values()) {
    if (retired.removedAtMs < record.forgetBeforeMs) next = withRetired(next, retired.name, undefined);
  }
  for (const [topicId, removedAtMs] of image.removedTopics) {
    if (removedAtMs < record.forgetBeforeMs) next = withRemoved(next, topicId, undefined);
  }
  next = withRemoved(next, topic.id, record.removedAtMs);
  next = {
    ...next,
    topics: next.topics.delete(topic.id),
    topicIds: next.topicIds.delete(topic.name),
    collisions: next.collisions.delete(collisionKey(topic.name)),
    configs: next.configs.delete(configs),
    partitionCount: next.partitionCount - topic.partitions.length,
  };
  const leaderEpoch = topic.partitions.reduce((max, partition) => Math.max(max, partition.leaderEpoch), -1);
  return withRetired(next, topic.name, { name: topic.name, leaderEpoch, removedAtMs: record.removedAtMs });
}

function addPartition(image: ControllerImage, record: PartitionRecord, own: OwnLists): ControllerImage {
  const { type: _, ...fields } = record;
  const partition: Partition = { ...fields, flush: flushOf(fields.flush) };
  const topic = image.topics.get(partition.topicId);
  invariant(topic !== undefined, `topic "${partition.topicId}" of a partition exists`);
  invariant(
    partition.partition === topic.partitions.length,
    `partition ${partition.partition} of "${topic.name}" is the next`,
  );
  checkPartition(partition);
  const digest = exchange(image.digest, emptyDigest, hashOfPartition(partition));
  return withPartition({ ...image, digest, partitionCount: image.partitionCount + 1 }, topic, partition, own);
}

function changePartition(image: ControllerImage, change: PartitionChangeRecord, own: OwnLists): ControllerImage {
  const topic = image.topics.get(change.topicId);
  const before = topic?.partitions[change.partition];
  if (topic === undefined || before?.partitionEpoch !== change.expectedPartitionEpoch) {
    const { topicId, partition, expectedPartitionEpoch } = change;
    invariant(before !== undefined, `partition ${topicId}/${partition} exists`);
    invariant(false, `partition ${topicId}/${partition} has partition epoch ${expectedPartitionEpoch}`);
  }
  const { leader = leaderUnchanged } = change;
  const assigned = leader !== leaderUnchanged;
  const after: Partition = {
    topicId: before.topicId,
    partition: before.partition,
    replicas: change.replicas ?? before.replicas,
    dirs: change.dirs ?? before.dirs,
    isr: change.isr ?? before.isr,
    elr: change.elr ?? before.elr,
    leader: assigned ? leader : before.leader,
    leaderEpoch: assigned ? before.leaderEpoch + 1 : before.leaderEpoch,
    partitionEpoch: before.partitionEpoch + 1,
    adding: change.adding ?? before.adding,
    removing: change.removing ?? before.removing,
    recovering: changedFlag(change.recovering, before.recovering),
    minIsr: changedNumber(change.minIsr, before.minIsr),
    flush: flushOf(change.flush ?? before.flush),
    lastKnownLeader: changedNumber(change.lastKnownLeader, before.lastKnownLeader),
    lastKnownElr: change.lastKnownElr ?? before.lastKnownElr,
    uncleanEpoch: changedNumber(change.uncleanEpoch, before.uncleanEpoch),
  };
  checkPartition(after);
  const digest = exchange(image.digest, hashOfPartition(before), hashOfPartition(after));
  return withPartition({ ...image, digest }, topic, after, own);
}

/** `partition` in its place: in the list itself when this run made it, else in a copy that is the run's own from then on. */
function withPartition(image: ControllerImage, topic: Topic, partition: Partition, own: OwnLists): ControllerImage {
  if (own.has(topic.partitions)) {
    (topic.partitions as Partition[])[partition.partition] = partition;
    return image;
  }
  const partitions = [...topic.partitions];
  partitions[partition.partition] = partition;
  own.add(partitions);
  return { ...image, topics: image.topics.set(topic.id, { ...topic, partitions }) };
}

function flushOf(text: string): FlushState {
  invariant(text === "sync" || text === "syncing" || text === "os", `"${text}" is a way to flush`);
  return text;
}

/** The rules that hold for every partition at every moment; what is broken here was decided wrongly. */
function checkPartition(partition: Partition): void {
  const broken = brokenRule(partition);
  if (broken !== undefined) invariant(false, `of ${partition.topicId}/${partition.partition} ${broken}`);
}

function brokenRule({ replicas, dirs, isr, elr, leader, minIsr }: Partition): string | undefined {
  const isReplica = (id: number): boolean => replicas.includes(id);
  if (replicas.length === 0 || !areDistinct(replicas)) return "the replicas are distinct";
  if (dirs.length !== replicas.length) return "there is a directory for each replica";
  if (!areDistinct(isr) || !isr.every(isReplica)) return "the ISR lies in the replicas";
  if (!elr.every((id) => isReplica(id) && !isr.includes(id))) return "the ELR lies outside of the ISR";
  if (leader !== noLeader && !isr.includes(leader)) return "the leader is in the ISR";
  if (minIsr < 1 || minIsr > replicas.length) return "minIsr lies within the replicas";
  if (elr.length > 0 && isr.length >= minIsr) return "the ELR is empty at minIsr";
  return undefined;
}

/** Of a few. */
function areDistinct(ids: readonly number[]): boolean {
  return ids.every((id, index) => ids.indexOf(id) === index);
}

function registerBroker(image: ControllerImage, record: RegisterBrokerRecord): ControllerImage {
  const { type: _, ...fields } = record;
  return withBroker(image, String(fields.brokerId), { ...fields, inControlledShutdown: false });
}

function changeBroker(image: ControllerImage, change: BrokerChangeRecord): ControllerImage {
  const before = image.brokers.get(String(change.brokerId));
  invariant(before?.brokerEpoch === change.brokerEpoch, `broker ${change.brokerId} has epoch ${change.brokerEpoch}`);
  return withBroker(image, String(change.brokerId), {
    ...before,
    fenced: changedFlag(change.fenced, before.fenced),
    inControlledShutdown: changedFlag(change.inControlledShutdown, before.inControlledShutdown),
    dirs: change.dirs ?? before.dirs,
  });
}

function unregisterBroker(image: ControllerImage, record: UnregisterBrokerRecord): ControllerImage {
  const before = image.brokers.get(String(record.brokerId));
  invariant(before?.brokerEpoch === record.brokerEpoch, `broker ${record.brokerId} has epoch ${record.brokerEpoch}`);
  return withBroker(image, String(record.brokerId), undefined);
}

function setConfig(image: ControllerImage, { scope, name, key, value }: ConfigRecord): ControllerImage {
  invariant(scope === "topic" || scope === "cluster" || scope === "group", `"${scope}" is a scope of configs`);
  const exists = scope === "topic" ? image.topics.has(name) : (name === "") === (scope === "cluster");
  invariant(exists, `config scope ${scope} "${name}" exists`);
  const scopeKey = configScopeKey(scope, name);
  const { [key]: before, ...others } = image.configs.get(scopeKey) ?? {};
  const after: ConfigOverrides = value === null ? others : { ...others, [key]: value };
  const next = withPair(image, `config/${scopeKey}/${key}`, before, value ?? undefined);
  const empty = Object.keys(after).length === 0;
  return { ...next, configs: empty ? next.configs.delete(scopeKey) : next.configs.set(scopeKey, after) };
}

function takeProducerIds(image: ControllerImage, record: ProducerIdBlockRecord): ControllerImage {
  const { type: _, ...block } = record;
  invariant(block.next > image.nextProducerId, "producer ids only grow");
  const key = String(block.brokerId);
  const before = image.producerIdBlocks.get(key);
  const next = withPair(image, `producer-ids/${key}`, before, block);
  return { ...next, nextProducerId: block.next, producerIdBlocks: next.producerIdBlocks.set(key, block) };
}

function withTopic(image: ControllerImage, topic: Topic): ControllerImage {
  const next = withPair(image, `topic/${topic.id}`, undefined, topic.name);
  return { ...next, topics: next.topics.set(topic.id, topic) };
}

function withBroker(image: ControllerImage, key: string, broker: Broker | undefined): ControllerImage {
  const next = withPair(image, `broker/${key}`, image.brokers.get(key), broker);
  return { ...next, brokers: broker === undefined ? next.brokers.delete(key) : next.brokers.set(key, broker) };
}

function withRetired(image: ControllerImage, name: string, retired: RetiredEpoch | undefined): ControllerImage {
  const next = withPair(image, `retired/${name}`, image.retiredEpochs.get(name), retired);
  const retiredEpochs = retired === undefined ? next.retiredEpochs.delete(name) : next.retiredEpochs.set(name, retired);
  return { ...next, retiredEpochs };
}

function withRemoved(image: ControllerImage, topicId: string, removedAtMs: number | undefined): ControllerImage {
  const textOf = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : String(ms));
  const key = `removed/${topicId}`;
  const next = withPair(image, key, textOf(image.removedTopics.get(topicId)), textOf(removedAtMs));
  const removedTopics =
    removedAtMs === undefined ? next.removedTopics.delete(topicId) : next.removedTopics.set(topicId, removedAtMs);
  return { ...next, removedTopics };
}

function withPair(
  image: ControllerImage,
  key: string,
  before: PairValue | undefined,
  after: PairValue | undefined,
): ControllerImage {
  return { ...image, digest: replacePair(image.digest, key, before, after) };
}
