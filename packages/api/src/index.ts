// SPDX-License-Identifier: Apache-2.0
// What @varve/api offers: the services, messages and codecs of varve.v1.

export {
  ConsumeEncoder,
  encodeConsumeBatches,
  type AddOutcome,
  type ConsumeProgress,
  type ConsumeSelection,
} from "./consume/consume-encoder.ts";
export type {
  ConsumeRequest,
  ConsumeRequestFields,
  FetchRequest,
  FetchRequestFields,
  Format,
  PartitionRange,
} from "./consume/consume-request.ts";
export {
  decodeConsumeResponse,
  type ConsumedHeader,
  type ConsumedRecord,
  type ConsumeResponse,
  type FetchResponse,
} from "./consume/consume-response.ts";
export { descriptorSet, fileDescriptors } from "./descriptors.ts";
export {
  clientReasons,
  errorFromFields,
  errorToFields,
  VarveError,
  type ClientReason,
  type VarveErrorOptions,
  type VarveReason,
} from "./errors.ts";
export { channelOptions, serverOptions, tuneServer, windowBytes } from "./grpc-tuning.ts";
export {
  endFromMessage,
  endToMessage,
  parseDuration,
  parseEnd,
  parsePosition,
  parseTime,
  PositionError,
  positionFromMessage,
  positionToMessage,
  printDuration,
  printEnd,
  printPosition,
  type End,
  type Position,
} from "./positions.ts";
export {
  decodeProduceRequest,
  decodeProduceStreamRequest,
  encodeProduceRequest,
  encodeProduceStreamRequest,
  type Acks,
  type ProduceRecord,
  type ProduceRequest,
  type ProduceRequestFields,
} from "./produce/produce-request.ts";
export {
  decodeProduceResponse,
  decodeProduceStreamResponse,
  encodeProduceResponse,
  encodeProduceStreamResponse,
  type ProduceOutcome,
  type ProduceResponse,
  type ProduceResult,
} from "./produce/produce-response.ts";
export { RawRecords, type ToBatchOptions } from "./produce/raw-records.ts";
export {
  decodeReplicateRequest,
  encodeReplicateRequest,
  replicateEntriesMax,
  type ReplicaFetch,
  type ReplicateRequest,
  type ReplicaSync,
} from "./replicate/replicate-request.ts";
export {
  decodeReplicateResponse,
  encodeReplicateResponse,
  type ReplicaAnswer,
  type ReplicaAnswerKind,
} from "./replicate/replicate-response.ts";
export { OversizedRequest, type RequestFault } from "./request-fault.ts";
export {
  loadServices,
  type AdminClient,
  type GroupsClient,
  type LogClient,
  type LogHandlers,
  type Services,
} from "./services.ts";
export { errorFromStatus, statusFromError, type StatusFields } from "./status-details.ts";
export type { Ack, AckLevel, ErrorFields, LeaderHint } from "./wire/shared-messages.ts";
export { MalformedMessageError } from "./wire/wire-reader.ts";

export type { ControllerDescription as ControllerDescriptionMessage } from "./gen/varve/v1/ControllerDescription.ts";
export type {
  DescribeReplicasRequest as DescribeReplicasRequestMessage,
  DescribeReplicasRequest__Output as DescribeReplicasRequestOutput,
} from "./gen/varve/v1/DescribeReplicasRequest.ts";
export type {
  DescribeReplicasResponse as DescribeReplicasResponseMessage,
  DescribeReplicasResponse__Output as DescribeReplicasResponseOutput,
} from "./gen/varve/v1/DescribeReplicasResponse.ts";
export type {
  ElectLeadersRequest as ElectLeadersRequestMessage,
  ElectLeadersRequest__Output as ElectLeadersRequestOutput,
} from "./gen/varve/v1/ElectLeadersRequest.ts";
export type {
  ElectLeadersResponse as ElectLeadersResponseMessage,
  ElectLeadersResponse__Output as ElectLeadersResponseOutput,
} from "./gen/varve/v1/ElectLeadersResponse.ts";
export type {
  ElectionResult as ElectionResultMessage,
  ElectionResult__Output as ElectionResultOutput,
} from "./gen/varve/v1/ElectionResult.ts";
export type {
  FollowMetadataRequest as FollowMetadataRequestMessage,
  FollowMetadataRequest__Output as FollowMetadataRequestOutput,
} from "./gen/varve/v1/FollowMetadataRequest.ts";
export type {
  FollowMetadataResponse as FollowMetadataResponseMessage,
  FollowMetadataResponse__Output as FollowMetadataResponseOutput,
} from "./gen/varve/v1/FollowMetadataResponse.ts";
export type {
  HeartbeatRequest as HeartbeatRequestMessage,
  HeartbeatRequest__Output as HeartbeatRequestOutput,
} from "./gen/varve/v1/HeartbeatRequest.ts";
export type {
  HeartbeatResponse as HeartbeatResponseMessage,
  HeartbeatResponse__Output as HeartbeatResponseOutput,
} from "./gen/varve/v1/HeartbeatResponse.ts";
export type {
  ReplaceControllerRequest as ReplaceControllerRequestMessage,
  ReplaceControllerRequest__Output as ReplaceControllerRequestOutput,
} from "./gen/varve/v1/ReplaceControllerRequest.ts";
export type {
  ReplaceControllerResponse as ReplaceControllerResponseMessage,
  ReplaceControllerResponse__Output as ReplaceControllerResponseOutput,
} from "./gen/varve/v1/ReplaceControllerResponse.ts";
export type {
  ReplaceMemberRequest as ReplaceMemberRequestMessage,
  ReplaceMemberRequest__Output as ReplaceMemberRequestOutput,
} from "./gen/varve/v1/ReplaceMemberRequest.ts";
export type {
  ReplaceMemberResponse as ReplaceMemberResponseMessage,
  ReplaceMemberResponse__Output as ReplaceMemberResponseOutput,
} from "./gen/varve/v1/ReplaceMemberResponse.ts";
export type {
  SubmitRequest as SubmitRequestMessage,
  SubmitRequest__Output as SubmitRequestOutput,
} from "./gen/varve/v1/SubmitRequest.ts";
export type {
  SubmitResponse as SubmitResponseMessage,
  SubmitResponse__Output as SubmitResponseOutput,
} from "./gen/varve/v1/SubmitResponse.ts";

// The messages as proto-loader has them: XMessage to send, XOutput as received.
export type { AdminHandlers } from "./gen/varve/v1/Admin.ts";

export type { Ack as AckMessage, Ack__Output as AckOutput } from "./gen/varve/v1/Ack.ts";
export type { AckLevel as AckLevelMessage, AckLevel__Output as AckLevelOutput } from "./gen/varve/v1/AckLevel.ts";
export type { Acks as AcksMessage, Acks__Output as AcksOutput } from "./gen/varve/v1/Acks.ts";
export type { End as EndMessage, End__Output as EndOutput } from "./gen/varve/v1/End.ts";
export type { Error as ErrorMessage, Error__Output as ErrorOutput } from "./gen/varve/v1/Error.ts";
export type { Format as FormatMessage, Format__Output as FormatOutput } from "./gen/varve/v1/Format.ts";
export type { Header as HeaderMessage, Header__Output as HeaderOutput } from "./gen/varve/v1/Header.ts";
export type {
  LeaderHint as LeaderHintMessage,
  LeaderHint__Output as LeaderHintOutput,
} from "./gen/varve/v1/LeaderHint.ts";
export type { Position as PositionMessage, Position__Output as PositionOutput } from "./gen/varve/v1/Position.ts";
export type { Record as RecordMessage, Record__Output as RecordOutput } from "./gen/varve/v1/Record.ts";
export type {
  ConsumeRequest as ConsumeRequestMessage,
  ConsumeRequest__Output as ConsumeRequestOutput,
} from "./gen/varve/v1/ConsumeRequest.ts";
export type {
  ConsumeResponse as ConsumeResponseMessage,
  ConsumeResponse__Output as ConsumeResponseOutput,
} from "./gen/varve/v1/ConsumeResponse.ts";
export type {
  EpochEndRequest as EpochEndRequestMessage,
  EpochEndRequest__Output as EpochEndRequestOutput,
} from "./gen/varve/v1/EpochEndRequest.ts";
export type {
  EpochEndResponse as EpochEndResponseMessage,
  EpochEndResponse__Output as EpochEndResponseOutput,
} from "./gen/varve/v1/EpochEndResponse.ts";
export type {
  FetchRequest as FetchRequestMessage,
  FetchRequest__Output as FetchRequestOutput,
} from "./gen/varve/v1/FetchRequest.ts";
export type {
  FetchResponse as FetchResponseMessage,
  FetchResponse__Output as FetchResponseOutput,
} from "./gen/varve/v1/FetchResponse.ts";
export type {
  InitProducerRequest as InitProducerRequestMessage,
  InitProducerRequest__Output as InitProducerRequestOutput,
} from "./gen/varve/v1/InitProducerRequest.ts";
export type {
  InitProducerResponse as InitProducerResponseMessage,
  InitProducerResponse__Output as InitProducerResponseOutput,
} from "./gen/varve/v1/InitProducerResponse.ts";
export type {
  ListOffsetsRequest as ListOffsetsRequestMessage,
  ListOffsetsRequest__Output as ListOffsetsRequestOutput,
} from "./gen/varve/v1/ListOffsetsRequest.ts";
export type {
  ListOffsetsResponse as ListOffsetsResponseMessage,
  ListOffsetsResponse__Output as ListOffsetsResponseOutput,
} from "./gen/varve/v1/ListOffsetsResponse.ts";
export type {
  PartitionEpoch as PartitionEpochMessage,
  PartitionEpoch__Output as PartitionEpochOutput,
} from "./gen/varve/v1/PartitionEpoch.ts";
export type {
  PartitionEpochEnd as PartitionEpochEndMessage,
  PartitionEpochEnd__Output as PartitionEpochEndOutput,
} from "./gen/varve/v1/PartitionEpochEnd.ts";
export type {
  PartitionOffsets as PartitionOffsetsMessage,
  PartitionOffsets__Output as PartitionOffsetsOutput,
} from "./gen/varve/v1/PartitionOffsets.ts";
export type {
  PartitionRange as PartitionRangeMessage,
  PartitionRange__Output as PartitionRangeOutput,
} from "./gen/varve/v1/PartitionRange.ts";
export type {
  ProduceOutcome as ProduceOutcomeMessage,
  ProduceOutcome__Output as ProduceOutcomeOutput,
} from "./gen/varve/v1/ProduceOutcome.ts";
export type {
  ProduceRequest as ProduceRequestMessage,
  ProduceRequest__Output as ProduceRequestOutput,
} from "./gen/varve/v1/ProduceRequest.ts";
export type {
  ProduceResponse as ProduceResponseMessage,
  ProduceResponse__Output as ProduceResponseOutput,
} from "./gen/varve/v1/ProduceResponse.ts";
export type {
  ProduceResult as ProduceResultMessage,
  ProduceResult__Output as ProduceResultOutput,
} from "./gen/varve/v1/ProduceResult.ts";
export type {
  ProduceStreamRequest as ProduceStreamRequestMessage,
  ProduceStreamRequest__Output as ProduceStreamRequestOutput,
} from "./gen/varve/v1/ProduceStreamRequest.ts";
export type {
  ProduceStreamResponse as ProduceStreamResponseMessage,
  ProduceStreamResponse__Output as ProduceStreamResponseOutput,
} from "./gen/varve/v1/ProduceStreamResponse.ts";
export type {
  AcceptLossRequest as AcceptLossRequestMessage,
  AcceptLossRequest__Output as AcceptLossRequestOutput,
} from "./gen/varve/v1/AcceptLossRequest.ts";
export type {
  AcceptLossResponse as AcceptLossResponseMessage,
  AcceptLossResponse__Output as AcceptLossResponseOutput,
} from "./gen/varve/v1/AcceptLossResponse.ts";
export type {
  AddPartitionsRequest as AddPartitionsRequestMessage,
  AddPartitionsRequest__Output as AddPartitionsRequestOutput,
} from "./gen/varve/v1/AddPartitionsRequest.ts";
export type {
  AddPartitionsResponse as AddPartitionsResponseMessage,
  AddPartitionsResponse__Output as AddPartitionsResponseOutput,
} from "./gen/varve/v1/AddPartitionsResponse.ts";
export type {
  AlterTopicConfigRequest as AlterTopicConfigRequestMessage,
  AlterTopicConfigRequest__Output as AlterTopicConfigRequestOutput,
} from "./gen/varve/v1/AlterTopicConfigRequest.ts";
export type {
  AlterTopicConfigResponse as AlterTopicConfigResponseMessage,
  AlterTopicConfigResponse__Output as AlterTopicConfigResponseOutput,
} from "./gen/varve/v1/AlterTopicConfigResponse.ts";
export type {
  BrokerDescription as BrokerDescriptionMessage,
  BrokerDescription__Output as BrokerDescriptionOutput,
} from "./gen/varve/v1/BrokerDescription.ts";
export type {
  BrokerState as BrokerStateMessage,
  BrokerState__Output as BrokerStateOutput,
} from "./gen/varve/v1/BrokerState.ts";
export type {
  ConfigEntry as ConfigEntryMessage,
  ConfigEntry__Output as ConfigEntryOutput,
} from "./gen/varve/v1/ConfigEntry.ts";
export type {
  ConfigOperation as ConfigOperationMessage,
  ConfigOperation__Output as ConfigOperationOutput,
} from "./gen/varve/v1/ConfigOperation.ts";
export type {
  ConfigSource as ConfigSourceMessage,
  ConfigSource__Output as ConfigSourceOutput,
} from "./gen/varve/v1/ConfigSource.ts";
export type {
  CreateTopicRequest as CreateTopicRequestMessage,
  CreateTopicRequest__Output as CreateTopicRequestOutput,
} from "./gen/varve/v1/CreateTopicRequest.ts";
export type {
  CreateTopicResponse as CreateTopicResponseMessage,
  CreateTopicResponse__Output as CreateTopicResponseOutput,
} from "./gen/varve/v1/CreateTopicResponse.ts";
export type {
  DeleteRecordsRequest as DeleteRecordsRequestMessage,
  DeleteRecordsRequest__Output as DeleteRecordsRequestOutput,
} from "./gen/varve/v1/DeleteRecordsRequest.ts";
export type {
  DeleteRecordsResponse as DeleteRecordsResponseMessage,
  DeleteRecordsResponse__Output as DeleteRecordsResponseOutput,
} from "./gen/varve/v1/DeleteRecordsResponse.ts";
export type {
  DeleteTopicRequest as DeleteTopicRequestMessage,
  DeleteTopicRequest__Output as DeleteTopicRequestOutput,
} from "./gen/varve/v1/DeleteTopicRequest.ts";
export type {
  DeleteTopicResponse as DeleteTopicResponseMessage,
  DeleteTopicResponse__Output as DeleteTopicResponseOutput,
} from "./gen/varve/v1/DeleteTopicResponse.ts";
export type {
  DescribeClusterRequest as DescribeClusterRequestMessage,
  DescribeClusterRequest__Output as DescribeClusterRequestOutput,
} from "./gen/varve/v1/DescribeClusterRequest.ts";
export type {
  DescribeClusterResponse as DescribeClusterResponseMessage,
  DescribeClusterResponse__Output as DescribeClusterResponseOutput,
} from "./gen/varve/v1/DescribeClusterResponse.ts";
export type {
  DescribePartitionsRequest as DescribePartitionsRequestMessage,
  DescribePartitionsRequest__Output as DescribePartitionsRequestOutput,
} from "./gen/varve/v1/DescribePartitionsRequest.ts";
export type {
  DescribePartitionsResponse as DescribePartitionsResponseMessage,
  DescribePartitionsResponse__Output as DescribePartitionsResponseOutput,
} from "./gen/varve/v1/DescribePartitionsResponse.ts";
export type {
  DescribeTopicConfigRequest as DescribeTopicConfigRequestMessage,
  DescribeTopicConfigRequest__Output as DescribeTopicConfigRequestOutput,
} from "./gen/varve/v1/DescribeTopicConfigRequest.ts";
export type {
  DescribeTopicConfigResponse as DescribeTopicConfigResponseMessage,
  DescribeTopicConfigResponse__Output as DescribeTopicConfigResponseOutput,
} from "./gen/varve/v1/DescribeTopicConfigResponse.ts";
export type {
  DescribeTopicRequest as DescribeTopicRequestMessage,
  DescribeTopicRequest__Output as DescribeTopicRequestOutput,
} from "./gen/varve/v1/DescribeTopicRequest.ts";
export type {
  DescribeTopicResponse as DescribeTopicResponseMessage,
  DescribeTopicResponse__Output as DescribeTopicResponseOutput,
} from "./gen/varve/v1/DescribeTopicResponse.ts";
export type {
  ListTopicsRequest as ListTopicsRequestMessage,
  ListTopicsRequest__Output as ListTopicsRequestOutput,
} from "./gen/varve/v1/ListTopicsRequest.ts";
export type {
  ListTopicsResponse as ListTopicsResponseMessage,
  ListTopicsResponse__Output as ListTopicsResponseOutput,
} from "./gen/varve/v1/ListTopicsResponse.ts";
export type {
  PartitionDeletion as PartitionDeletionMessage,
  PartitionDeletion__Output as PartitionDeletionOutput,
} from "./gen/varve/v1/PartitionDeletion.ts";
export type {
  PartitionDeletionResult as PartitionDeletionResultMessage,
  PartitionDeletionResult__Output as PartitionDeletionResultOutput,
} from "./gen/varve/v1/PartitionDeletionResult.ts";
export type {
  PartitionPlacement as PartitionPlacementMessage,
  PartitionPlacement__Output as PartitionPlacementOutput,
} from "./gen/varve/v1/PartitionPlacement.ts";
export type {
  PartitionState as PartitionStateMessage,
  PartitionState__Output as PartitionStateOutput,
} from "./gen/varve/v1/PartitionState.ts";
export type {
  PartitionStatus as PartitionStatusMessage,
  PartitionStatus__Output as PartitionStatusOutput,
} from "./gen/varve/v1/PartitionStatus.ts";
export type {
  TopicDescription as TopicDescriptionMessage,
  TopicDescription__Output as TopicDescriptionOutput,
} from "./gen/varve/v1/TopicDescription.ts";
export type {
  TopicSummary as TopicSummaryMessage,
  TopicSummary__Output as TopicSummaryOutput,
} from "./gen/varve/v1/TopicSummary.ts";

// Of groups.
export type { GroupsHandlers } from "./gen/varve/v1/Groups.ts";
export type {
  AssignedPartition as AssignedPartitionMessage,
  AssignedPartition__Output as AssignedPartitionOutput,
} from "./gen/varve/v1/AssignedPartition.ts";
export type {
  Assignment as AssignmentMessage,
  Assignment__Output as AssignmentOutput,
} from "./gen/varve/v1/Assignment.ts";
export type {
  CommitOffsetsRequest as CommitOffsetsRequestMessage,
  CommitOffsetsRequest__Output as CommitOffsetsRequestOutput,
} from "./gen/varve/v1/CommitOffsetsRequest.ts";
export type {
  CommitOffsetsResponse as CommitOffsetsResponseMessage,
  CommitOffsetsResponse__Output as CommitOffsetsResponseOutput,
} from "./gen/varve/v1/CommitOffsetsResponse.ts";
export type {
  CommitResult as CommitResultMessage,
  CommitResult__Output as CommitResultOutput,
} from "./gen/varve/v1/CommitResult.ts";
export type {
  CommittedOffset as CommittedOffsetMessage,
  CommittedOffset__Output as CommittedOffsetOutput,
} from "./gen/varve/v1/CommittedOffset.ts";
export type {
  ConfigureGroupRequest as ConfigureGroupRequestMessage,
  ConfigureGroupRequest__Output as ConfigureGroupRequestOutput,
} from "./gen/varve/v1/ConfigureGroupRequest.ts";
export type {
  ConfigureGroupResponse as ConfigureGroupResponseMessage,
  ConfigureGroupResponse__Output as ConfigureGroupResponseOutput,
} from "./gen/varve/v1/ConfigureGroupResponse.ts";
export type {
  DeleteGroupRequest as DeleteGroupRequestMessage,
  DeleteGroupRequest__Output as DeleteGroupRequestOutput,
} from "./gen/varve/v1/DeleteGroupRequest.ts";
export type {
  DeleteGroupResponse as DeleteGroupResponseMessage,
  DeleteGroupResponse__Output as DeleteGroupResponseOutput,
} from "./gen/varve/v1/DeleteGroupResponse.ts";
export type {
  DescribeGroupRequest as DescribeGroupRequestMessage,
  DescribeGroupRequest__Output as DescribeGroupRequestOutput,
} from "./gen/varve/v1/DescribeGroupRequest.ts";
export type {
  DescribeGroupResponse as DescribeGroupResponseMessage,
  DescribeGroupResponse__Output as DescribeGroupResponseOutput,
} from "./gen/varve/v1/DescribeGroupResponse.ts";
export type {
  FetchOffsetsRequest as FetchOffsetsRequestMessage,
  FetchOffsetsRequest__Output as FetchOffsetsRequestOutput,
} from "./gen/varve/v1/FetchOffsetsRequest.ts";
export type {
  FetchOffsetsResponse as FetchOffsetsResponseMessage,
  FetchOffsetsResponse__Output as FetchOffsetsResponseOutput,
} from "./gen/varve/v1/FetchOffsetsResponse.ts";
export type {
  ForkGroupRequest as ForkGroupRequestMessage,
  ForkGroupRequest__Output as ForkGroupRequestOutput,
} from "./gen/varve/v1/ForkGroupRequest.ts";
export type {
  ForkGroupResponse as ForkGroupResponseMessage,
  ForkGroupResponse__Output as ForkGroupResponseOutput,
} from "./gen/varve/v1/ForkGroupResponse.ts";
export type {
  ForkedPartition as ForkedPartitionMessage,
  ForkedPartition__Output as ForkedPartitionOutput,
} from "./gen/varve/v1/ForkedPartition.ts";
export type {
  GroupFinished as GroupFinishedMessage,
  GroupFinished__Output as GroupFinishedOutput,
} from "./gen/varve/v1/GroupFinished.ts";
export type {
  GroupMember as GroupMemberMessage,
  GroupMember__Output as GroupMemberOutput,
} from "./gen/varve/v1/GroupMember.ts";
export type { GroupRate as GroupRateMessage, GroupRate__Output as GroupRateOutput } from "./gen/varve/v1/GroupRate.ts";
export type {
  GroupState as GroupStateMessage,
  GroupState__Output as GroupStateOutput,
} from "./gen/varve/v1/GroupState.ts";
export type {
  GroupSummary as GroupSummaryMessage,
  GroupSummary__Output as GroupSummaryOutput,
} from "./gen/varve/v1/GroupSummary.ts";
export type {
  JoinRequest as JoinRequestMessage,
  JoinRequest__Output as JoinRequestOutput,
} from "./gen/varve/v1/JoinRequest.ts";
export type {
  JoinResponse as JoinResponseMessage,
  JoinResponse__Output as JoinResponseOutput,
} from "./gen/varve/v1/JoinResponse.ts";
export type { Joined as JoinedMessage, Joined__Output as JoinedOutput } from "./gen/varve/v1/Joined.ts";
export type {
  ListGroupsRequest as ListGroupsRequestMessage,
  ListGroupsRequest__Output as ListGroupsRequestOutput,
} from "./gen/varve/v1/ListGroupsRequest.ts";
export type {
  ListGroupsResponse as ListGroupsResponseMessage,
  ListGroupsResponse__Output as ListGroupsResponseOutput,
} from "./gen/varve/v1/ListGroupsResponse.ts";
export type {
  MemberCommit as MemberCommitMessage,
  MemberCommit__Output as MemberCommitOutput,
} from "./gen/varve/v1/MemberCommit.ts";
export type {
  MemberHeartbeat as MemberHeartbeatMessage,
  MemberHeartbeat__Output as MemberHeartbeatOutput,
} from "./gen/varve/v1/MemberHeartbeat.ts";
export type {
  MemberLeave as MemberLeaveMessage,
  MemberLeave__Output as MemberLeaveOutput,
} from "./gen/varve/v1/MemberLeave.ts";
export type {
  MemberRevoked as MemberRevokedMessage,
  MemberRevoked__Output as MemberRevokedOutput,
} from "./gen/varve/v1/MemberRevoked.ts";
export type {
  MemberSubscription as MemberSubscriptionMessage,
  MemberSubscription__Output as MemberSubscriptionOutput,
} from "./gen/varve/v1/MemberSubscription.ts";
export type {
  MemberTopics as MemberTopicsMessage,
  MemberTopics__Output as MemberTopicsOutput,
} from "./gen/varve/v1/MemberTopics.ts";
export type {
  OffsetMove as OffsetMoveMessage,
  OffsetMove__Output as OffsetMoveOutput,
} from "./gen/varve/v1/OffsetMove.ts";
export type {
  PartitionLag as PartitionLagMessage,
  PartitionLag__Output as PartitionLagOutput,
} from "./gen/varve/v1/PartitionLag.ts";
export type {
  ResetOffsetsRequest as ResetOffsetsRequestMessage,
  ResetOffsetsRequest__Output as ResetOffsetsRequestOutput,
} from "./gen/varve/v1/ResetOffsetsRequest.ts";
export type {
  ResetOffsetsResponse as ResetOffsetsResponseMessage,
  ResetOffsetsResponse__Output as ResetOffsetsResponseOutput,
} from "./gen/varve/v1/ResetOffsetsResponse.ts";
export type {
  TopicPartition as TopicPartitionMessage,
  TopicPartition__Output as TopicPartitionOutput,
} from "./gen/varve/v1/TopicPartition.ts";
