// Commands and their answers as they travel from a broker to the active controller. Tables like those of the records, but of one
// cluster's running nodes only: nothing here is ever stored. Ids and the meaning of fields are for ever all the same, since
// nodes of two releases talk to each other while a cluster is upgraded.

import {
  array,
  boolean,
  field,
  int32,
  int64,
  message,
  recordTable,
  string,
  struct,
  uuid,
  type RecordInputOf,
  type RecordOf,
} from "@varve/format";

const first = { versions: "0", flexible: "0+" } as const;

/** A number that was not given: no command means anything by it. */
export const unsetNumber = -0x8000_0000;

const broker = { brokerId: field(int32), brokerEpoch: field(int64) } as const;
const partitionName = { topicId: field(uuid), partition: field(int32) } as const;
const textPair = struct({ key: field(string), value: field(string) });
const configChange = struct({
  key: field(string),
  value: field(string, { nullable: "0+", about: "Null: the override goes." }),
});
const rate = { recordsPerSecond: field(int64), bytesPerSecond: field(int64) } as const;
const validateOnly = field(boolean, { tag: 0, default: false });

const commandMessages = {
  registerBroker: {
    id: 1,
    message: message("RegisterBrokerCommand", first, {
      brokerId: field(int32),
      incarnationId: field(uuid),
      endpoints: field(array(struct({ name: field(string), host: field(string), port: field(int32) }))),
      rack: field(string),
      dirs: field(array(uuid)),
      features: field(array(struct({ name: field(string), minLevel: field(int32), maxLevel: field(int32) }))),
      allLossy: field(boolean),
      lossy: field(array(struct(partitionName))),
    }),
  },
  unfenceBroker: {
    id: 2,
    message: message("UnfenceBrokerCommand", first, { ...broker, metadataOffset: field(int64) }),
  },
  fenceBroker: { id: 3, message: message("FenceBrokerCommand", first, broker) },
  reportLossy: {
    id: 4,
    message: message("ReportLossyCommand", first, { ...broker, partitions: field(array(struct(partitionName))) }),
  },
  startEpochs: { id: 5, message: message("StartEpochsCommand", first, broker) },
  allocateProducerIds: { id: 6, message: message("AllocateProducerIdsCommand", first, broker) },
  createTopic: {
    id: 7,
    message: message("CreateTopicCommand", first, {
      name: field(string),
      validateOnly,
      partitions: field(int32, { tag: 1, default: unsetNumber }),
      replicationFactor: field(int32, { tag: 2, default: unsetNumber }),
      configs: field(array(textPair)),
    }),
  },
  addPartitions: {
    id: 8,
    message: message("AddPartitionsCommand", first, { topic: field(string), partitions: field(int32), validateOnly }),
  },
  deleteTopic: {
    id: 9,
    message: message("DeleteTopicCommand", first, {
      topic: field(string, { about: "Empty: by id." }),
      topicId: field(string, { about: "Empty: by name." }),
      validateOnly,
    }),
  },
  alterTopicConfig: {
    id: 10,
    message: message("AlterTopicConfigCommand", first, {
      topic: field(string),
      changes: field(array(configChange)),
      validateOnly,
    }),
  },
  alterClusterConfig: {
    id: 11,
    message: message("AlterClusterConfigCommand", first, { changes: field(array(configChange)), validateOnly }),
  },
  newLeaderEpoch: {
    id: 12,
    message: message("NewLeaderEpochCommand", first, { ...broker, ...partitionName, leaderEpoch: field(int32) }),
  },
  alterPartition: {
    id: 13,
    message: message("AlterPartitionCommand", first, {
      ...broker,
      partitions: field(
        array(
          struct({
            ...partitionName,
            leaderEpoch: field(int32),
            partitionEpoch: field(int32),
            newIsr: field(array(struct(broker))),
            recovering: field(boolean),
          }),
        ),
      ),
    }),
  },
  electLeaders: {
    id: 14,
    message: message("ElectLeadersCommand", first, {
      unclean: field(boolean),
      partitions: field(array(struct(partitionName))),
      candidates: field(array(int32), {
        about: "Of an unclean election, in the order of the partitions; empty: none is known.",
      }),
    }),
  },
  recoverPartition: {
    id: 15,
    message: message("RecoverPartitionCommand", first, {
      ...partitionName,
      leader: field(int32),
      brokerEpoch: field(int64),
    }),
  },
  confirmFlush: {
    id: 16,
    message: message("ConfirmFlushCommand", first, {
      ...broker,
      ...partitionName,
      leaderEpoch: field(int32),
      partitionEpoch: field(int32),
    }),
  },
  shutDownBroker: { id: 17, message: message("ShutDownBrokerCommand", first, broker) },
  repairPartitions: { id: 18, message: message("RepairPartitionsCommand", first, {}) },
  handOver: {
    id: 19,
    message: message("HandOverCommand", first, {
      ...broker,
      partitions: field(array(struct({ ...partitionName, leaderEpoch: field(int32), to: field(int32) }))),
    }),
  },
  configureGroup: { id: 20, message: message("ConfigureGroupCommand", first, { group: field(string), ...rate }) },
} as const;

export const commandTable = recordTable(commandMessages);
export type WireCommand = RecordOf<typeof commandMessages>;
export type WireCommandInput = RecordInputOf<typeof commandMessages>;

const refusal = { reason: field(string), message: field(string), metadata: field(array(textPair)) } as const;
const configEntries = field(
  array(
    struct({
      name: field(string),
      value: field(string),
      source: field(string),
      defaultValue: field(string),
      kind: field(string),
      about: field(string),
    }),
  ),
);

const outcomeMessages = {
  refused: { id: 1, message: message("Refused", first, refusal) },
  brokerEpoch: { id: 2, message: message("BrokerEpochReply", first, { brokerEpoch: field(int64) }) },
  fenced: { id: 3, message: message("FencedReply", first, { fenced: field(boolean) }) },
  partitions: { id: 4, message: message("PartitionsReply", first, { partitions: field(int32) }) },
  producerIds: { id: 5, message: message("ProducerIdsReply", first, { first: field(int64), count: field(int32) }) },
  topic: {
    id: 6,
    message: message("TopicReply", first, {
      topicId: field(string),
      name: field(string),
      partitions: field(int32),
      replicationFactor: field(int32),
      configs: configEntries,
    }),
  },
  deletedTopic: {
    id: 7,
    message: message("DeletedTopicReply", first, { topicId: field(string), name: field(string) }),
  },
  configs: { id: 8, message: message("ConfigsReply", first, { configs: configEntries }) },
  epochs: {
    id: 9,
    message: message("EpochsReply", first, { leaderEpoch: field(int32), partitionEpoch: field(int32) }),
  },
  groupRate: { id: 11, message: message("GroupRateReply", first, rate) },
  verdicts: {
    id: 10,
    message: message("VerdictsReply", first, {
      partitions: field(
        array(
          struct({
            ...partitionName,
            kind: field(string, { about: "changed, ineligible, leaderMoved or refused." }),
            state: field(
              struct({
                leader: field(int32),
                leaderEpoch: field(int32),
                partitionEpoch: field(int32),
                isr: field(array(int32)),
                minIsr: field(int32),
                recovering: field(boolean),
              }),
              { nullable: "0+", about: "Null of what was refused." },
            ),
            refusal: field(struct(refusal), { nullable: "0+", about: "Null of what was not." }),
          }),
        ),
      ),
    }),
  },
} as const;

export const outcomeTable = recordTable(outcomeMessages);
export type WireOutcome = RecordOf<typeof outcomeMessages>;
export type WireOutcomeInput = RecordInputOf<typeof outcomeMessages>;
