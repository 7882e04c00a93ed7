// The records of the metadata log: the only thing that is replicated, and all that replay sees. Each is a fact, never a wish:
// "partition 3 has these replicas", not "create a topic" (C-2). A table is documentation, type and codec at once. Ids and the
// meaning of fields are for ever; a new field goes into a new version, tagged and with a default.
//
//   id 1 Topic  2 RemoveTopic  3 Partition  4 PartitionChange  5 RegisterBroker  6 BrokerChange  7 UnregisterBroker
//      8 Config  9 ProducerIdBlock  10 RetiredEpoch  11 RemovedTopic

import { array, boolean, field, int32, int64, int8, message, recordTable, string, struct, uuid } from "@varve/format";
import type { RecordInputOf, RecordOf } from "@varve/format";

const first = { versions: "0", flexible: "0+" } as const;

/** In changes: the leader stays. Any other value, the present leader included, is an assignment and begins an epoch. */
export const leaderUnchanged = -2;
/** In changes: a number that stays. */
const numberUnchanged = -2;
/** In changes: a yes or no that stays; otherwise 0 or 1. */
const flagUnchanged = -1;

const Topic = message("Topic", first, {
  topicId: field(uuid, { about: "Never reused." }),
  name: field(string, { about: "Unique, also with '.' and '_' taken for the same." }),
});

const RemoveTopic = message("RemoveTopic", first, {
  topicId: field(uuid, { about: "Goes with its partitions and configs." }),
  removedAtMs: field(int64, { about: "When, by the controller's clock." }),
  forgetBeforeMs: field(int64, { about: "Retired epochs of topics that were removed before this time go too." }),
});

const Partition = message("Partition", first, {
  topicId: field(uuid),
  partition: field(int32, { about: "The next number of its topic." }),
  replicas: field(array(int32), { about: "Broker ids, the preferred leader first." }),
  dirs: field(array(uuid), { about: "Directory id of each replica." }),
  isr: field(array(int32), { about: "In-sync replicas." }),
  elr: field(array(int32), { about: "Complete replicas outside of the ISR." }),
  leader: field(int32, { about: "Broker id; -1: none." }),
  leaderEpoch: field(int32),
  partitionEpoch: field(int32),
  adding: field(array(int32), { about: "Replicas that a reassignment adds." }),
  removing: field(array(int32), { about: "Replicas that it removes." }),
  recovering: field(boolean, { about: "An unclean election has not been recovered from yet." }),
  minIsr: field(int32, { about: "Already bounded by the number of replicas (C-7)." }),
  flush: field(string, { about: "sync, syncing or os." }),
  lastKnownLeader: field(int32, { about: "Of a partition without leader; -1: it has one." }),
  lastKnownElr: field(array(int32)),
  uncleanEpoch: field(int32, { about: "Leader epoch that began with an unclean election; -1: none." }),
});

const PartitionChange = message("PartitionChange", first, {
  topicId: field(uuid),
  partition: field(int32),
  expectedPartitionEpoch: field(int32, { about: "Replay asserts it and adds one." }),
  leader: field(int32, { tag: 0, default: leaderUnchanged, about: "-2: unchanged; -1: none; else assigned." }),
  isr: field(array(int32), { tag: 1, nullable: "0+", default: null, about: "Null in every list: unchanged." }),
  elr: field(array(int32), { tag: 2, nullable: "0+", default: null }),
  replicas: field(array(int32), { tag: 3, nullable: "0+", default: null }),
  dirs: field(array(uuid), { tag: 4, nullable: "0+", default: null }),
  adding: field(array(int32), { tag: 5, nullable: "0+", default: null }),
  removing: field(array(int32), { tag: 6, nullable: "0+", default: null }),
  recovering: field(int8, { tag: 7, default: flagUnchanged, about: "-1: unchanged." }),
  minIsr: field(int32, { tag: 8, default: numberUnchanged, about: "-2: unchanged." }),
  flush: field(string, { tag: 9, nullable: "0+", default: null, about: "Null: unchanged." }),
  lastKnownLeader: field(int32, { tag: 10, default: numberUnchanged, about: "-2: unchanged." }),
  lastKnownElr: field(array(int32), { tag: 11, nullable: "0+", default: null }),
  uncleanEpoch: field(int32, { tag: 12, default: numberUnchanged, about: "-2: unchanged." }),
});

const RegisterBroker = message("RegisterBroker", first, {
  brokerId: field(int32),
  brokerEpoch: field(int64, { about: "The number of this record (B-1)." }),
  incarnationId: field(uuid, { about: "New for every process." }),
  endpoints: field(array(struct({ name: field(string), host: field(string), port: field(int32) }))),
  rack: field(string, { about: "Empty: none." }),
  dirs: field(array(uuid), { about: "Data directories." }),
  features: field(array(struct({ name: field(string), minLevel: field(int32), maxLevel: field(int32) })), {
    about: "What this broker can do, by level.",
  }),
  fenced: field(boolean, { about: "Always true; BrokerChange lets it in." }),
});

const BrokerChange = message("BrokerChange", first, {
  brokerId: field(int32),
  brokerEpoch: field(int64, { about: "Replay asserts it." }),
  fenced: field(int8, { tag: 0, default: flagUnchanged, about: "-1: unchanged." }),
  inControlledShutdown: field(int8, { tag: 1, default: flagUnchanged, about: "-1: unchanged." }),
  dirs: field(array(uuid), { tag: 2, nullable: "0+", default: null, about: "Null: unchanged." }),
});

const UnregisterBroker = message("UnregisterBroker", first, {
  brokerId: field(int32),
  brokerEpoch: field(int64, { about: "Replay asserts it." }),
});

const Config = message("Config", first, {
  scope: field(string, { about: "topic, cluster or group." }),
  name: field(string, { about: "Topic id, or name of the group; empty for the cluster." }),
  key: field(string),
  value: field(string, { nullable: "0+", about: "Canonical text; null: the override goes." }),
});

const ProducerIdBlock = message("ProducerIdBlock", first, {
  brokerId: field(int32, { about: "Owner of the ids from the last next (of anybody) up to this one." }),
  brokerEpoch: field(int64),
  next: field(int64, { about: "The first id that is still free." }),
});

const RetiredEpoch = message("RetiredEpoch", first, {
  name: field(string, { about: "Of a removed topic. In snapshots only." }),
  leaderEpoch: field(int32, { about: "The largest one it had; -1: none." }),
  removedAtMs: field(int64),
});

const RemovedTopic = message("RemovedTopic", first, {
  topicId: field(uuid, { about: "In snapshots only: what a node has of it goes, and is no stray." }),
  removedAtMs: field(int64),
});

const messages = {
  Topic: { id: 1, message: Topic },
  RemoveTopic: { id: 2, message: RemoveTopic },
  Partition: { id: 3, message: Partition },
  PartitionChange: { id: 4, message: PartitionChange },
  RegisterBroker: { id: 5, message: RegisterBroker },
  BrokerChange: { id: 6, message: BrokerChange },
  UnregisterBroker: { id: 7, message: UnregisterBroker },
  Config: { id: 8, message: Config },
  ProducerIdBlock: { id: 9, message: ProducerIdBlock },
  RetiredEpoch: { id: 10, message: RetiredEpoch },
  RemovedTopic: { id: 11, message: RemovedTopic },
} as const;

/** Encodes and decodes single records, with their type and version in front. */
export const metadataRecords = recordTable(messages);

/** A record as decisions make it: unchanged fields of changes may be left out. */
export type MetadataRecord = RecordInputOf<typeof messages>;
/** A record as it was read: every field is there. */
export type DecodedRecord = RecordOf<typeof messages>;

type Named<Type extends MetadataRecord["type"]> = Extract<MetadataRecord, { readonly type: Type }>;
export type TopicRecord = Named<"Topic">;
export type RemoveTopicRecord = Named<"RemoveTopic">;
export type PartitionRecord = Named<"Partition">;
export type PartitionChangeRecord = Named<"PartitionChange">;
export type RegisterBrokerRecord = Named<"RegisterBroker">;
export type BrokerChangeRecord = Named<"BrokerChange">;
export type UnregisterBrokerRecord = Named<"UnregisterBroker">;
export type ConfigRecord = Named<"Config">;
export type ProducerIdBlockRecord = Named<"ProducerIdBlock">;
export type RetiredEpochRecord = Named<"RetiredEpoch">;

/** A number of a change, or what it was. */
export function changedNumber(value: number | undefined, before: number): number {
  return value === undefined || value === numberUnchanged ? before : value;
}

/** A yes or no of a change, or what it was. */
export function changedFlag(value: number | undefined, before: boolean): boolean {
  return value === undefined || value === flagUnchanged ? before : value === 1;
}
