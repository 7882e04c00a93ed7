// Every replicated decision of Varve, as pure functions. Start reading at controller/state.ts and controller/commands.ts.

export { decodeBatch, encodeBatch, replayBatch } from "./controller/batch.ts";
export type { MetadataBatch } from "./controller/batch.ts";
export { emptyPlan, planCommand, planRecords } from "./controller/batch-plan.ts";
export type { BatchPlan, Outcome, PlanStep } from "./controller/batch-plan.ts";
export { decodeCommand, decodeOutcome, encodeCommand, encodeOutcome } from "./controller/command-codec.ts";
export { decide } from "./controller/commands.ts";
export type { Command, CommandKind, CommandReplies, ReplyOf } from "./controller/commands.ts";
export type {
  AllocateProducerIds,
  ProducerIdsReply,
  RegisterBroker,
  RegisterBrokerReply,
  StartEpochs,
  StartEpochsReply,
  UnfenceBroker,
} from "./controller/broker-commands.ts";
export type {
  AlterPartition,
  AlterPartitionReply,
  PartitionProposal,
  PartitionVerdict,
} from "./controller/alter-partition.ts";
export type {
  ElectLeaders,
  FenceBroker,
  PartitionName,
  PartitionsReply,
  RecoverPartition,
  ReportLossy,
  ShutDownBroker,
} from "./controller/broker-partitions.ts";
export type {
  AlterClusterConfig,
  AlterConfigReply,
  AlterTopicConfig,
  ConfigChange,
} from "./controller/config-commands.ts";
export type {
  ConfirmFlush,
  HandedOver,
  HandOver,
  NewLeaderEpoch,
  PartitionReply,
} from "./controller/partition-commands.ts";
export type {
  AddPartitions,
  CreateTopic,
  DeleteTopic,
  DeleteTopicReply,
  TopicReply,
} from "./controller/topic-commands.ts";
export type { Decision, DecisionContext, Refusal } from "./controller/decision.ts";
export { printDigest, sameDigest } from "./controller/digest.ts";
export type { Digest } from "./controller/digest.ts";
export {
  brokerOf,
  clusterOverrides,
  isActive,
  partitionOf,
  partitionsOnBroker,
  topicNamed,
  topicOverrides,
  topicsByName,
} from "./controller/image.ts";
export type { MetadataRecord } from "./controller/records.ts";
export { mostComplete, planRecovery } from "./controller/recovery.ts";
export type { RecoveryMode, RecoveryPlan, ReplicaReport } from "./controller/recovery.ts";
export { misplacedLeaders } from "./controller/repair.ts";
export type { RepairPartitions } from "./controller/repair.ts";
export { beginSessions, beginShutdown, expireSessions, mayStop, touchSession } from "./controller/sessions.ts";
export type { BrokerLife, SessionTimes, Sessions } from "./controller/sessions.ts";
export { replay, replayAll } from "./controller/replay.ts";
export { wholeNumber } from "./controller/config-value.ts";
export { decodeSnapshot, encodeSnapshot } from "./controller/snapshot.ts";
export { emptyImage, noLeader } from "./controller/state.ts";
export type {
  Broker,
  ConfigOverrides,
  ControllerImage,
  Endpoint,
  FlushState,
  Partition,
  Topic,
} from "./controller/state.ts";
export {
  checkTopicConfig,
  describeTopicConfig,
  effectiveTopicConfig,
  nearestName,
  topicConfigNames,
} from "./controller/topic-config.ts";
export type { ConfigEntry, ConfigKind, TopicConfig, TopicConfigName } from "./controller/topic-config.ts";
export { groupRate } from "./controller/group-config.ts";
export type { GroupRate } from "./controller/group-config.ts";
export { topicNameFault } from "./controller/topic-name.ts";
export { assignmentOf, nothing, pairsOf, sizeOf } from "./group/assignment.ts";
export type { Assignment } from "./group/assignment.ts";
export { GroupCoordinator } from "./group/coordinator.ts";
export type { CommittedGroups, CoordinatorOptions, GroupAnswer } from "./group/coordinator.ts";
export type { GroupCommand, GroupOutcome, GroupReplyOf } from "./group/group-command.ts";
export type { ForkGroup } from "./group/offsets.ts";
export type { JoinGroup } from "./group/membership.ts";
export { decodeGroupRecord, encodeGroupRecord } from "./group/records.ts";
export type { GroupTopic, TopicsView } from "./group/settle.ts";
export { assignorNames, endOf, isFinished, offsetOf, offsetsOf, phaseOf } from "./group/state.ts";
export type { AssignorName, CommittedOffset, Group, Member } from "./group/state.ts";
export { givenBack, isTold, keyOf, ownedOf, placesNamed, planTelling, toldBefore } from "./group/telling.ts";
export type { NamedPlace, Place, Telling, ToldPlaces } from "./group/telling.ts";
export { partsOf, untoldGeneration } from "./group/telling-parts.ts";
export { batchBytesMax, batchRecordsMax, partitionsPerTopicMax, producerIdBlockSize } from "./limits.ts";
export { refuseEpoch, refuseProduce } from "./partition/admission.ts";
export type { Acks, ProduceAdmission } from "./partition/admission.ts";
export type { EpochEnd, FetchCheck, LeaderLogView, LogView } from "./partition/divergence.ts";
export { planHandOver } from "./partition/hand-over.ts";
export { durableReplicas, nextHighWatermark } from "./partition/high-watermark.ts";
export type { HighWatermarkInput, ReplicaProgress } from "./partition/high-watermark.ts";
export { maximalIsr, pendingProposal } from "./partition/isr.ts";
export type { CommittedIsr, IsrProposal, IsrState, ProposedMember } from "./partition/isr.ts";
export {
  adoptAnswer,
  advanceHighWatermark,
  beginLeadership,
  creditStall,
  creditWaiting,
  hearFetch,
  hearSync,
  isAcknowledged,
  isLeadershipProven,
  knowsLatest,
  mayConfirmFlush,
  proposeIsr,
  refreshLeadership,
  refuseFetch,
} from "./partition/leadership.ts";
export type {
  BrokerFacts,
  BrokerFactsOf,
  FetchRefusal,
  FollowerFetch,
  Leadership,
  LeaderNow,
} from "./partition/leadership.ts";
export { behindLogStart } from "./partition/log-start.ts";
export { beginFollowing, planFetch, planFetchAnswer, planSyncNotice } from "./partition/replica.ts";
export type {
  FetchAnswer,
  FetchedBatch,
  FetchRequest,
  Following,
  ReplicaLogView,
  ReplicaStep,
} from "./partition/replica.ts";
export { lookAtRoom, roomy } from "./partition/room.ts";
export type { Room } from "./partition/room.ts";
export { planRoleChange, roleOf } from "./partition/role.ts";
export type { Role, RoleAction } from "./partition/role.ts";
export { PersistentMap } from "./persistent-map.ts";
