// Original file: proto/varve/v1/admin.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AcceptLossRequest as _varve_v1_AcceptLossRequest, AcceptLossRequest__Output as _varve_v1_AcceptLossRequest__Output } from '../../varve/v1/AcceptLossRequest.ts';
import type { AcceptLossResponse as _varve_v1_AcceptLossResponse, AcceptLossResponse__Output as _varve_v1_AcceptLossResponse__Output } from '../../varve/v1/AcceptLossResponse.ts';
import type { AddPartitionsRequest as _varve_v1_AddPartitionsRequest, AddPartitionsRequest__Output as _varve_v1_AddPartitionsRequest__Output } from '../../varve/v1/AddPartitionsRequest.ts';
import type { AddPartitionsResponse as _varve_v1_AddPartitionsResponse, AddPartitionsResponse__Output as _varve_v1_AddPartitionsResponse__Output } from '../../varve/v1/AddPartitionsResponse.ts';
import type { AlterTopicConfigRequest as _varve_v1_AlterTopicConfigRequest, AlterTopicConfigRequest__Output as _varve_v1_AlterTopicConfigRequest__Output } from '../../varve/v1/AlterTopicConfigRequest.ts';
import type { AlterTopicConfigResponse as _varve_v1_AlterTopicConfigResponse, AlterTopicConfigResponse__Output as _varve_v1_AlterTopicConfigResponse__Output } from '../../varve/v1/AlterTopicConfigResponse.ts';
import type { CreateTopicRequest as _varve_v1_CreateTopicRequest, CreateTopicRequest__Output as _varve_v1_CreateTopicRequest__Output } from '../../varve/v1/CreateTopicRequest.ts';
import type { CreateTopicResponse as _varve_v1_CreateTopicResponse, CreateTopicResponse__Output as _varve_v1_CreateTopicResponse__Output } from '../../varve/v1/CreateTopicResponse.ts';
import type { DeleteRecordsRequest as _varve_v1_DeleteRecordsRequest, DeleteRecordsRequest__Output as _varve_v1_DeleteRecordsRequest__Output } from '../../varve/v1/DeleteRecordsRequest.ts';
import type { DeleteRecordsResponse as _varve_v1_DeleteRecordsResponse, DeleteRecordsResponse__Output as _varve_v1_DeleteRecordsResponse__Output } from '../../varve/v1/DeleteRecordsResponse.ts';
import type { DeleteTopicRequest as _varve_v1_DeleteTopicRequest, DeleteTopicRequest__Output as _varve_v1_DeleteTopicRequest__Output } from '../../varve/v1/DeleteTopicRequest.ts';
import type { DeleteTopicResponse as _varve_v1_DeleteTopicResponse, DeleteTopicResponse__Output as _varve_v1_DeleteTopicResponse__Output } from '../../varve/v1/DeleteTopicResponse.ts';
import type { DescribeClusterRequest as _varve_v1_DescribeClusterRequest, DescribeClusterRequest__Output as _varve_v1_DescribeClusterRequest__Output } from '../../varve/v1/DescribeClusterRequest.ts';
import type { DescribeClusterResponse as _varve_v1_DescribeClusterResponse, DescribeClusterResponse__Output as _varve_v1_DescribeClusterResponse__Output } from '../../varve/v1/DescribeClusterResponse.ts';
import type { DescribePartitionsRequest as _varve_v1_DescribePartitionsRequest, DescribePartitionsRequest__Output as _varve_v1_DescribePartitionsRequest__Output } from '../../varve/v1/DescribePartitionsRequest.ts';
import type { DescribePartitionsResponse as _varve_v1_DescribePartitionsResponse, DescribePartitionsResponse__Output as _varve_v1_DescribePartitionsResponse__Output } from '../../varve/v1/DescribePartitionsResponse.ts';
import type { DescribeTopicConfigRequest as _varve_v1_DescribeTopicConfigRequest, DescribeTopicConfigRequest__Output as _varve_v1_DescribeTopicConfigRequest__Output } from '../../varve/v1/DescribeTopicConfigRequest.ts';
import type { DescribeTopicConfigResponse as _varve_v1_DescribeTopicConfigResponse, DescribeTopicConfigResponse__Output as _varve_v1_DescribeTopicConfigResponse__Output } from '../../varve/v1/DescribeTopicConfigResponse.ts';
import type { DescribeTopicRequest as _varve_v1_DescribeTopicRequest, DescribeTopicRequest__Output as _varve_v1_DescribeTopicRequest__Output } from '../../varve/v1/DescribeTopicRequest.ts';
import type { DescribeTopicResponse as _varve_v1_DescribeTopicResponse, DescribeTopicResponse__Output as _varve_v1_DescribeTopicResponse__Output } from '../../varve/v1/DescribeTopicResponse.ts';
import type { ElectLeadersRequest as _varve_v1_ElectLeadersRequest, ElectLeadersRequest__Output as _varve_v1_ElectLeadersRequest__Output } from '../../varve/v1/ElectLeadersRequest.ts';
import type { ElectLeadersResponse as _varve_v1_ElectLeadersResponse, ElectLeadersResponse__Output as _varve_v1_ElectLeadersResponse__Output } from '../../varve/v1/ElectLeadersResponse.ts';
import type { ListTopicsRequest as _varve_v1_ListTopicsRequest, ListTopicsRequest__Output as _varve_v1_ListTopicsRequest__Output } from '../../varve/v1/ListTopicsRequest.ts';
import type { ListTopicsResponse as _varve_v1_ListTopicsResponse, ListTopicsResponse__Output as _varve_v1_ListTopicsResponse__Output } from '../../varve/v1/ListTopicsResponse.ts';
import type { ReplaceControllerRequest as _varve_v1_ReplaceControllerRequest, ReplaceControllerRequest__Output as _varve_v1_ReplaceControllerRequest__Output } from '../../varve/v1/ReplaceControllerRequest.ts';
import type { ReplaceControllerResponse as _varve_v1_ReplaceControllerResponse, ReplaceControllerResponse__Output as _varve_v1_ReplaceControllerResponse__Output } from '../../varve/v1/ReplaceControllerResponse.ts';

/**
 * Creates, changes, describes. Every call that changes something takes validate_only: check all, change nothing.
 */
export interface AdminClient extends grpc.Client {
  /**
   * Gives up the damaged records of a partition that was set aside because of them, so that it serves again.
   */
  AcceptLoss(argument: _varve_v1_AcceptLossRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_AcceptLossResponse__Output>): grpc.ClientUnaryCall;
  AcceptLoss(argument: _varve_v1_AcceptLossRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_AcceptLossResponse__Output>): grpc.ClientUnaryCall;
  AcceptLoss(argument: _varve_v1_AcceptLossRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_AcceptLossResponse__Output>): grpc.ClientUnaryCall;
  AcceptLoss(argument: _varve_v1_AcceptLossRequest, callback: grpc.requestCallback<_varve_v1_AcceptLossResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Gives up the damaged records of a partition that was set aside because of them, so that it serves again.
   */
  acceptLoss(argument: _varve_v1_AcceptLossRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_AcceptLossResponse__Output>): grpc.ClientUnaryCall;
  acceptLoss(argument: _varve_v1_AcceptLossRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_AcceptLossResponse__Output>): grpc.ClientUnaryCall;
  acceptLoss(argument: _varve_v1_AcceptLossRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_AcceptLossResponse__Output>): grpc.ClientUnaryCall;
  acceptLoss(argument: _varve_v1_AcceptLossRequest, callback: grpc.requestCallback<_varve_v1_AcceptLossResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Gives a topic more partitions. Records with the same key may go to another partition from then on.
   */
  AddPartitions(argument: _varve_v1_AddPartitionsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_AddPartitionsResponse__Output>): grpc.ClientUnaryCall;
  AddPartitions(argument: _varve_v1_AddPartitionsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_AddPartitionsResponse__Output>): grpc.ClientUnaryCall;
  AddPartitions(argument: _varve_v1_AddPartitionsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_AddPartitionsResponse__Output>): grpc.ClientUnaryCall;
  AddPartitions(argument: _varve_v1_AddPartitionsRequest, callback: grpc.requestCallback<_varve_v1_AddPartitionsResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Gives a topic more partitions. Records with the same key may go to another partition from then on.
   */
  addPartitions(argument: _varve_v1_AddPartitionsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_AddPartitionsResponse__Output>): grpc.ClientUnaryCall;
  addPartitions(argument: _varve_v1_AddPartitionsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_AddPartitionsResponse__Output>): grpc.ClientUnaryCall;
  addPartitions(argument: _varve_v1_AddPartitionsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_AddPartitionsResponse__Output>): grpc.ClientUnaryCall;
  addPartitions(argument: _varve_v1_AddPartitionsRequest, callback: grpc.requestCallback<_varve_v1_AddPartitionsResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Sets or deletes configuration keys of a topic; all of them or none.
   */
  AlterTopicConfig(argument: _varve_v1_AlterTopicConfigRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_AlterTopicConfigResponse__Output>): grpc.ClientUnaryCall;
  AlterTopicConfig(argument: _varve_v1_AlterTopicConfigRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_AlterTopicConfigResponse__Output>): grpc.ClientUnaryCall;
  AlterTopicConfig(argument: _varve_v1_AlterTopicConfigRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_AlterTopicConfigResponse__Output>): grpc.ClientUnaryCall;
  AlterTopicConfig(argument: _varve_v1_AlterTopicConfigRequest, callback: grpc.requestCallback<_varve_v1_AlterTopicConfigResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Sets or deletes configuration keys of a topic; all of them or none.
   */
  alterTopicConfig(argument: _varve_v1_AlterTopicConfigRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_AlterTopicConfigResponse__Output>): grpc.ClientUnaryCall;
  alterTopicConfig(argument: _varve_v1_AlterTopicConfigRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_AlterTopicConfigResponse__Output>): grpc.ClientUnaryCall;
  alterTopicConfig(argument: _varve_v1_AlterTopicConfigRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_AlterTopicConfigResponse__Output>): grpc.ClientUnaryCall;
  alterTopicConfig(argument: _varve_v1_AlterTopicConfigRequest, callback: grpc.requestCallback<_varve_v1_AlterTopicConfigResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Creates a topic.
   */
  CreateTopic(argument: _varve_v1_CreateTopicRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_CreateTopicResponse__Output>): grpc.ClientUnaryCall;
  CreateTopic(argument: _varve_v1_CreateTopicRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_CreateTopicResponse__Output>): grpc.ClientUnaryCall;
  CreateTopic(argument: _varve_v1_CreateTopicRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_CreateTopicResponse__Output>): grpc.ClientUnaryCall;
  CreateTopic(argument: _varve_v1_CreateTopicRequest, callback: grpc.requestCallback<_varve_v1_CreateTopicResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Creates a topic.
   */
  createTopic(argument: _varve_v1_CreateTopicRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_CreateTopicResponse__Output>): grpc.ClientUnaryCall;
  createTopic(argument: _varve_v1_CreateTopicRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_CreateTopicResponse__Output>): grpc.ClientUnaryCall;
  createTopic(argument: _varve_v1_CreateTopicRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_CreateTopicResponse__Output>): grpc.ClientUnaryCall;
  createTopic(argument: _varve_v1_CreateTopicRequest, callback: grpc.requestCallback<_varve_v1_CreateTopicResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Deletes the records before a position. There is no way back. Answered when every replica in sync has deleted them.
   */
  DeleteRecords(argument: _varve_v1_DeleteRecordsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DeleteRecordsResponse__Output>): grpc.ClientUnaryCall;
  DeleteRecords(argument: _varve_v1_DeleteRecordsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_DeleteRecordsResponse__Output>): grpc.ClientUnaryCall;
  DeleteRecords(argument: _varve_v1_DeleteRecordsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DeleteRecordsResponse__Output>): grpc.ClientUnaryCall;
  DeleteRecords(argument: _varve_v1_DeleteRecordsRequest, callback: grpc.requestCallback<_varve_v1_DeleteRecordsResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Deletes the records before a position. There is no way back. Answered when every replica in sync has deleted them.
   */
  deleteRecords(argument: _varve_v1_DeleteRecordsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DeleteRecordsResponse__Output>): grpc.ClientUnaryCall;
  deleteRecords(argument: _varve_v1_DeleteRecordsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_DeleteRecordsResponse__Output>): grpc.ClientUnaryCall;
  deleteRecords(argument: _varve_v1_DeleteRecordsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DeleteRecordsResponse__Output>): grpc.ClientUnaryCall;
  deleteRecords(argument: _varve_v1_DeleteRecordsRequest, callback: grpc.requestCallback<_varve_v1_DeleteRecordsResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Deletes a topic and all its records. There is no way back.
   */
  DeleteTopic(argument: _varve_v1_DeleteTopicRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DeleteTopicResponse__Output>): grpc.ClientUnaryCall;
  DeleteTopic(argument: _varve_v1_DeleteTopicRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_DeleteTopicResponse__Output>): grpc.ClientUnaryCall;
  DeleteTopic(argument: _varve_v1_DeleteTopicRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DeleteTopicResponse__Output>): grpc.ClientUnaryCall;
  DeleteTopic(argument: _varve_v1_DeleteTopicRequest, callback: grpc.requestCallback<_varve_v1_DeleteTopicResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Deletes a topic and all its records. There is no way back.
   */
  deleteTopic(argument: _varve_v1_DeleteTopicRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DeleteTopicResponse__Output>): grpc.ClientUnaryCall;
  deleteTopic(argument: _varve_v1_DeleteTopicRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_DeleteTopicResponse__Output>): grpc.ClientUnaryCall;
  deleteTopic(argument: _varve_v1_DeleteTopicRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DeleteTopicResponse__Output>): grpc.ClientUnaryCall;
  deleteTopic(argument: _varve_v1_DeleteTopicRequest, callback: grpc.requestCallback<_varve_v1_DeleteTopicResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Tells the cluster's nodes.
   */
  DescribeCluster(argument: _varve_v1_DescribeClusterRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribeClusterResponse__Output>): grpc.ClientUnaryCall;
  DescribeCluster(argument: _varve_v1_DescribeClusterRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_DescribeClusterResponse__Output>): grpc.ClientUnaryCall;
  DescribeCluster(argument: _varve_v1_DescribeClusterRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribeClusterResponse__Output>): grpc.ClientUnaryCall;
  DescribeCluster(argument: _varve_v1_DescribeClusterRequest, callback: grpc.requestCallback<_varve_v1_DescribeClusterResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Tells the cluster's nodes.
   */
  describeCluster(argument: _varve_v1_DescribeClusterRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribeClusterResponse__Output>): grpc.ClientUnaryCall;
  describeCluster(argument: _varve_v1_DescribeClusterRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_DescribeClusterResponse__Output>): grpc.ClientUnaryCall;
  describeCluster(argument: _varve_v1_DescribeClusterRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribeClusterResponse__Output>): grpc.ClientUnaryCall;
  describeCluster(argument: _varve_v1_DescribeClusterRequest, callback: grpc.requestCallback<_varve_v1_DescribeClusterResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Tells offsets, sizes, state and epoch of a topic's partitions.
   */
  DescribePartitions(argument: _varve_v1_DescribePartitionsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribePartitionsResponse__Output>): grpc.ClientUnaryCall;
  DescribePartitions(argument: _varve_v1_DescribePartitionsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_DescribePartitionsResponse__Output>): grpc.ClientUnaryCall;
  DescribePartitions(argument: _varve_v1_DescribePartitionsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribePartitionsResponse__Output>): grpc.ClientUnaryCall;
  DescribePartitions(argument: _varve_v1_DescribePartitionsRequest, callback: grpc.requestCallback<_varve_v1_DescribePartitionsResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Tells offsets, sizes, state and epoch of a topic's partitions.
   */
  describePartitions(argument: _varve_v1_DescribePartitionsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribePartitionsResponse__Output>): grpc.ClientUnaryCall;
  describePartitions(argument: _varve_v1_DescribePartitionsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_DescribePartitionsResponse__Output>): grpc.ClientUnaryCall;
  describePartitions(argument: _varve_v1_DescribePartitionsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribePartitionsResponse__Output>): grpc.ClientUnaryCall;
  describePartitions(argument: _varve_v1_DescribePartitionsRequest, callback: grpc.requestCallback<_varve_v1_DescribePartitionsResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Tells a topic's partitions and where they are.
   */
  DescribeTopic(argument: _varve_v1_DescribeTopicRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribeTopicResponse__Output>): grpc.ClientUnaryCall;
  DescribeTopic(argument: _varve_v1_DescribeTopicRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_DescribeTopicResponse__Output>): grpc.ClientUnaryCall;
  DescribeTopic(argument: _varve_v1_DescribeTopicRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribeTopicResponse__Output>): grpc.ClientUnaryCall;
  DescribeTopic(argument: _varve_v1_DescribeTopicRequest, callback: grpc.requestCallback<_varve_v1_DescribeTopicResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Tells a topic's partitions and where they are.
   */
  describeTopic(argument: _varve_v1_DescribeTopicRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribeTopicResponse__Output>): grpc.ClientUnaryCall;
  describeTopic(argument: _varve_v1_DescribeTopicRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_DescribeTopicResponse__Output>): grpc.ClientUnaryCall;
  describeTopic(argument: _varve_v1_DescribeTopicRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribeTopicResponse__Output>): grpc.ClientUnaryCall;
  describeTopic(argument: _varve_v1_DescribeTopicRequest, callback: grpc.requestCallback<_varve_v1_DescribeTopicResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Tells every configuration key of a topic: its value, where that comes from, its default, what it does.
   */
  DescribeTopicConfig(argument: _varve_v1_DescribeTopicConfigRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribeTopicConfigResponse__Output>): grpc.ClientUnaryCall;
  DescribeTopicConfig(argument: _varve_v1_DescribeTopicConfigRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_DescribeTopicConfigResponse__Output>): grpc.ClientUnaryCall;
  DescribeTopicConfig(argument: _varve_v1_DescribeTopicConfigRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribeTopicConfigResponse__Output>): grpc.ClientUnaryCall;
  DescribeTopicConfig(argument: _varve_v1_DescribeTopicConfigRequest, callback: grpc.requestCallback<_varve_v1_DescribeTopicConfigResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Tells every configuration key of a topic: its value, where that comes from, its default, what it does.
   */
  describeTopicConfig(argument: _varve_v1_DescribeTopicConfigRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribeTopicConfigResponse__Output>): grpc.ClientUnaryCall;
  describeTopicConfig(argument: _varve_v1_DescribeTopicConfigRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_DescribeTopicConfigResponse__Output>): grpc.ClientUnaryCall;
  describeTopicConfig(argument: _varve_v1_DescribeTopicConfigRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribeTopicConfigResponse__Output>): grpc.ClientUnaryCall;
  describeTopicConfig(argument: _varve_v1_DescribeTopicConfigRequest, callback: grpc.requestCallback<_varve_v1_DescribeTopicConfigResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Gives partitions other leaders: the preferred ones, or, where nobody who has everything is there, whoever has most. What that one
   * lacks is lost.
   */
  ElectLeaders(argument: _varve_v1_ElectLeadersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ElectLeadersResponse__Output>): grpc.ClientUnaryCall;
  ElectLeaders(argument: _varve_v1_ElectLeadersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_ElectLeadersResponse__Output>): grpc.ClientUnaryCall;
  ElectLeaders(argument: _varve_v1_ElectLeadersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ElectLeadersResponse__Output>): grpc.ClientUnaryCall;
  ElectLeaders(argument: _varve_v1_ElectLeadersRequest, callback: grpc.requestCallback<_varve_v1_ElectLeadersResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Gives partitions other leaders: the preferred ones, or, where nobody who has everything is there, whoever has most. What that one
   * lacks is lost.
   */
  electLeaders(argument: _varve_v1_ElectLeadersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ElectLeadersResponse__Output>): grpc.ClientUnaryCall;
  electLeaders(argument: _varve_v1_ElectLeadersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_ElectLeadersResponse__Output>): grpc.ClientUnaryCall;
  electLeaders(argument: _varve_v1_ElectLeadersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ElectLeadersResponse__Output>): grpc.ClientUnaryCall;
  electLeaders(argument: _varve_v1_ElectLeadersRequest, callback: grpc.requestCallback<_varve_v1_ElectLeadersResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Lists topics by name.
   */
  ListTopics(argument: _varve_v1_ListTopicsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ListTopicsResponse__Output>): grpc.ClientUnaryCall;
  ListTopics(argument: _varve_v1_ListTopicsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_ListTopicsResponse__Output>): grpc.ClientUnaryCall;
  ListTopics(argument: _varve_v1_ListTopicsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ListTopicsResponse__Output>): grpc.ClientUnaryCall;
  ListTopics(argument: _varve_v1_ListTopicsRequest, callback: grpc.requestCallback<_varve_v1_ListTopicsResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Lists topics by name.
   */
  listTopics(argument: _varve_v1_ListTopicsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ListTopicsResponse__Output>): grpc.ClientUnaryCall;
  listTopics(argument: _varve_v1_ListTopicsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_ListTopicsResponse__Output>): grpc.ClientUnaryCall;
  listTopics(argument: _varve_v1_ListTopicsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ListTopicsResponse__Output>): grpc.ClientUnaryCall;
  listTopics(argument: _varve_v1_ListTopicsRequest, callback: grpc.requestCallback<_varve_v1_ListTopicsResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Takes a node whose disk was lost back as a controller, with the empty directory that it runs on now. What the lost disk had
   * promised counts no more. Asked again it goes on where it ended.
   */
  ReplaceController(argument: _varve_v1_ReplaceControllerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ReplaceControllerResponse__Output>): grpc.ClientUnaryCall;
  ReplaceController(argument: _varve_v1_ReplaceControllerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_ReplaceControllerResponse__Output>): grpc.ClientUnaryCall;
  ReplaceController(argument: _varve_v1_ReplaceControllerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ReplaceControllerResponse__Output>): grpc.ClientUnaryCall;
  ReplaceController(argument: _varve_v1_ReplaceControllerRequest, callback: grpc.requestCallback<_varve_v1_ReplaceControllerResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Takes a node whose disk was lost back as a controller, with the empty directory that it runs on now. What the lost disk had
   * promised counts no more. Asked again it goes on where it ended.
   */
  replaceController(argument: _varve_v1_ReplaceControllerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ReplaceControllerResponse__Output>): grpc.ClientUnaryCall;
  replaceController(argument: _varve_v1_ReplaceControllerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_ReplaceControllerResponse__Output>): grpc.ClientUnaryCall;
  replaceController(argument: _varve_v1_ReplaceControllerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ReplaceControllerResponse__Output>): grpc.ClientUnaryCall;
  replaceController(argument: _varve_v1_ReplaceControllerRequest, callback: grpc.requestCallback<_varve_v1_ReplaceControllerResponse__Output>): grpc.ClientUnaryCall;
  
}

/**
 * Creates, changes, describes. Every call that changes something takes validate_only: check all, change nothing.
 */
export interface AdminHandlers extends grpc.UntypedServiceImplementation {
  /**
   * Gives up the damaged records of a partition that was set aside because of them, so that it serves again.
   */
  AcceptLoss: grpc.handleUnaryCall<_varve_v1_AcceptLossRequest__Output, _varve_v1_AcceptLossResponse>;
  
  /**
   * Gives a topic more partitions. Records with the same key may go to another partition from then on.
   */
  AddPartitions: grpc.handleUnaryCall<_varve_v1_AddPartitionsRequest__Output, _varve_v1_AddPartitionsResponse>;
  
  /**
   * Sets or deletes configuration keys of a topic; all of them or none.
   */
  AlterTopicConfig: grpc.handleUnaryCall<_varve_v1_AlterTopicConfigRequest__Output, _varve_v1_AlterTopicConfigResponse>;
  
  /**
   * Creates a topic.
   */
  CreateTopic: grpc.handleUnaryCall<_varve_v1_CreateTopicRequest__Output, _varve_v1_CreateTopicResponse>;
  
  /**
   * Deletes the records before a position. There is no way back. Answered when every replica in sync has deleted them.
   */
  DeleteRecords: grpc.handleUnaryCall<_varve_v1_DeleteRecordsRequest__Output, _varve_v1_DeleteRecordsResponse>;
  
  /**
   * Deletes a topic and all its records. There is no way back.
   */
  DeleteTopic: grpc.handleUnaryCall<_varve_v1_DeleteTopicRequest__Output, _varve_v1_DeleteTopicResponse>;
  
  /**
   * Tells the cluster's nodes.
   */
  DescribeCluster: grpc.handleUnaryCall<_varve_v1_DescribeClusterRequest__Output, _varve_v1_DescribeClusterResponse>;
  
  /**
   * Tells offsets, sizes, state and epoch of a topic's partitions.
   */
  DescribePartitions: grpc.handleUnaryCall<_varve_v1_DescribePartitionsRequest__Output, _varve_v1_DescribePartitionsResponse>;
  
  /**
   * Tells a topic's partitions and where they are.
   */
  DescribeTopic: grpc.handleUnaryCall<_varve_v1_DescribeTopicRequest__Output, _varve_v1_DescribeTopicResponse>;
  
  /**
   * Tells every configuration key of a topic: its value, where that comes from, its default, what it does.
   */
  DescribeTopicConfig: grpc.handleUnaryCall<_varve_v1_DescribeTopicConfigRequest__Output, _varve_v1_DescribeTopicConfigResponse>;
  
  /**
   * Gives partitions other leaders: the preferred ones, or, where nobody who has everything is there, whoever has most. What that one
   * lacks is lost.
   */
  ElectLeaders: grpc.handleUnaryCall<_varve_v1_ElectLeadersRequest__Output, _varve_v1_ElectLeadersResponse>;
  
  /**
   * Lists topics by name.
   */
  ListTopics: grpc.handleUnaryCall<_varve_v1_ListTopicsRequest__Output, _varve_v1_ListTopicsResponse>;
  
  /**
   * Takes a node whose disk was lost back as a controller, with the empty directory that it runs on now. What the lost disk had
   * promised counts no more. Asked again it goes on where it ended.
   */
  ReplaceController: grpc.handleUnaryCall<_varve_v1_ReplaceControllerRequest__Output, _varve_v1_ReplaceControllerResponse>;
  
}

export interface AdminDefinition extends grpc.ServiceDefinition {
  AcceptLoss: MethodDefinition<_varve_v1_AcceptLossRequest, _varve_v1_AcceptLossResponse, _varve_v1_AcceptLossRequest__Output, _varve_v1_AcceptLossResponse__Output>
  AddPartitions: MethodDefinition<_varve_v1_AddPartitionsRequest, _varve_v1_AddPartitionsResponse, _varve_v1_AddPartitionsRequest__Output, _varve_v1_AddPartitionsResponse__Output>
  AlterTopicConfig: MethodDefinition<_varve_v1_AlterTopicConfigRequest, _varve_v1_AlterTopicConfigResponse, _varve_v1_AlterTopicConfigRequest__Output, _varve_v1_AlterTopicConfigResponse__Output>
  CreateTopic: MethodDefinition<_varve_v1_CreateTopicRequest, _varve_v1_CreateTopicResponse, _varve_v1_CreateTopicRequest__Output, _varve_v1_CreateTopicResponse__Output>
  DeleteRecords: MethodDefinition<_varve_v1_DeleteRecordsRequest, _varve_v1_DeleteRecordsResponse, _varve_v1_DeleteRecordsRequest__Output, _varve_v1_DeleteRecordsResponse__Output>
  DeleteTopic: MethodDefinition<_varve_v1_DeleteTopicRequest, _varve_v1_DeleteTopicResponse, _varve_v1_DeleteTopicRequest__Output, _varve_v1_DeleteTopicResponse__Output>
  DescribeCluster: MethodDefinition<_varve_v1_DescribeClusterRequest, _varve_v1_DescribeClusterResponse, _varve_v1_DescribeClusterRequest__Output, _varve_v1_DescribeClusterResponse__Output>
  DescribePartitions: MethodDefinition<_varve_v1_DescribePartitionsRequest, _varve_v1_DescribePartitionsResponse, _varve_v1_DescribePartitionsRequest__Output, _varve_v1_DescribePartitionsResponse__Output>
  DescribeTopic: MethodDefinition<_varve_v1_DescribeTopicRequest, _varve_v1_DescribeTopicResponse, _varve_v1_DescribeTopicRequest__Output, _varve_v1_DescribeTopicResponse__Output>
  DescribeTopicConfig: MethodDefinition<_varve_v1_DescribeTopicConfigRequest, _varve_v1_DescribeTopicConfigResponse, _varve_v1_DescribeTopicConfigRequest__Output, _varve_v1_DescribeTopicConfigResponse__Output>
  ElectLeaders: MethodDefinition<_varve_v1_ElectLeadersRequest, _varve_v1_ElectLeadersResponse, _varve_v1_ElectLeadersRequest__Output, _varve_v1_ElectLeadersResponse__Output>
  ListTopics: MethodDefinition<_varve_v1_ListTopicsRequest, _varve_v1_ListTopicsResponse, _varve_v1_ListTopicsRequest__Output, _varve_v1_ListTopicsResponse__Output>
  ReplaceController: MethodDefinition<_varve_v1_ReplaceControllerRequest, _varve_v1_ReplaceControllerResponse, _varve_v1_ReplaceControllerRequest__Output, _varve_v1_ReplaceControllerResponse__Output>
}
