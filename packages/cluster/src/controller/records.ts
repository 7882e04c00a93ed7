// The records of the metadata log: the only thing that is replicated, and all that replay sees. Each is a fact, never a wish:
// "partition 3 has these replicas", not "create a topic" (C-2). Types and numbers are for ever; fields are only added.

import type { Broker, ConfigScope, Partition, ProducerIdBlock, RetiredEpoch } from "./state.ts";

/** A new topic; its partitions and configs follow in the same batch. */
export interface TopicRecord {
  readonly type: "Topic";
  readonly topicId: string;
  readonly name: string;
}

/** The topic is gone, with partitions and configs. Retired epochs of topics removed before `forgetBeforeMs` go too. */
export interface RemoveTopicRecord {
  readonly type: "RemoveTopic";
  readonly topicId: string;
  readonly removedAtMs: number;
  readonly forgetBeforeMs: number;
}

/** A whole partition: at creation and in snapshots. */
export interface PartitionRecord extends Partition {
  readonly type: "Partition";
}

/**
 * What changes in one partition; absent fields stay. `leader` present means assigned, be it the same again: the leader epoch
 * moves. Replay asserts the expected epoch and adds one to it.
 */
export interface PartitionChangeRecord extends Partial<ChangeablePartition> {
  readonly type: "PartitionChange";
  readonly topicId: string;
  readonly partition: number;
  readonly expectedPartitionEpoch: number;
}

export type ChangeablePartition = Omit<Partition, "topicId" | "partition" | "leaderEpoch" | "partitionEpoch">;

/** A new incarnation of a broker; it starts fenced. `brokerEpoch` is this record's own number (B-1). */
export interface RegisterBrokerRecord extends Omit<Broker, "inControlledShutdown"> {
  readonly type: "RegisterBroker";
}

export interface BrokerChangeRecord {
  readonly type: "BrokerChange";
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly fenced?: boolean;
  readonly inControlledShutdown?: boolean;
  readonly dirs?: readonly string[];
}

export interface UnregisterBrokerRecord {
  readonly type: "UnregisterBroker";
  readonly brokerId: number;
  readonly brokerEpoch: number;
}

/** One override; null deletes it. `name` is the topic's id, or empty for the cluster. */
export interface ConfigRecord {
  readonly type: "Config";
  readonly scope: ConfigScope;
  readonly name: string;
  readonly key: string;
  readonly value: string | null;
}

/** A broker owns the ids from the previous `next` (of anyone) up to this `next`. */
export interface ProducerIdBlockRecord extends ProducerIdBlock {
  readonly type: "ProducerIdBlock";
}

/** In snapshots only: what `RemoveTopic` left behind. */
export interface RetiredEpochRecord extends RetiredEpoch {
  readonly type: "RetiredEpoch";
}

export type MetadataRecord =
  | TopicRecord
  | RemoveTopicRecord
  | PartitionRecord
  | PartitionChangeRecord
  | RegisterBrokerRecord
  | BrokerChangeRecord
  | UnregisterBrokerRecord
  | ConfigRecord
  | ProducerIdBlockRecord
  | RetiredEpochRecord;
