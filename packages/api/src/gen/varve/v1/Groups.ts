// Original file: proto/varve/v1/groups.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { CommitOffsetsRequest as _varve_v1_CommitOffsetsRequest, CommitOffsetsRequest__Output as _varve_v1_CommitOffsetsRequest__Output } from '../../varve/v1/CommitOffsetsRequest.ts';
import type { CommitOffsetsResponse as _varve_v1_CommitOffsetsResponse, CommitOffsetsResponse__Output as _varve_v1_CommitOffsetsResponse__Output } from '../../varve/v1/CommitOffsetsResponse.ts';
import type { ConfigureGroupRequest as _varve_v1_ConfigureGroupRequest, ConfigureGroupRequest__Output as _varve_v1_ConfigureGroupRequest__Output } from '../../varve/v1/ConfigureGroupRequest.ts';
import type { ConfigureGroupResponse as _varve_v1_ConfigureGroupResponse, ConfigureGroupResponse__Output as _varve_v1_ConfigureGroupResponse__Output } from '../../varve/v1/ConfigureGroupResponse.ts';
import type { DeleteGroupRequest as _varve_v1_DeleteGroupRequest, DeleteGroupRequest__Output as _varve_v1_DeleteGroupRequest__Output } from '../../varve/v1/DeleteGroupRequest.ts';
import type { DeleteGroupResponse as _varve_v1_DeleteGroupResponse, DeleteGroupResponse__Output as _varve_v1_DeleteGroupResponse__Output } from '../../varve/v1/DeleteGroupResponse.ts';
import type { DescribeGroupRequest as _varve_v1_DescribeGroupRequest, DescribeGroupRequest__Output as _varve_v1_DescribeGroupRequest__Output } from '../../varve/v1/DescribeGroupRequest.ts';
import type { DescribeGroupResponse as _varve_v1_DescribeGroupResponse, DescribeGroupResponse__Output as _varve_v1_DescribeGroupResponse__Output } from '../../varve/v1/DescribeGroupResponse.ts';
import type { FetchOffsetsRequest as _varve_v1_FetchOffsetsRequest, FetchOffsetsRequest__Output as _varve_v1_FetchOffsetsRequest__Output } from '../../varve/v1/FetchOffsetsRequest.ts';
import type { FetchOffsetsResponse as _varve_v1_FetchOffsetsResponse, FetchOffsetsResponse__Output as _varve_v1_FetchOffsetsResponse__Output } from '../../varve/v1/FetchOffsetsResponse.ts';
import type { ForkGroupRequest as _varve_v1_ForkGroupRequest, ForkGroupRequest__Output as _varve_v1_ForkGroupRequest__Output } from '../../varve/v1/ForkGroupRequest.ts';
import type { ForkGroupResponse as _varve_v1_ForkGroupResponse, ForkGroupResponse__Output as _varve_v1_ForkGroupResponse__Output } from '../../varve/v1/ForkGroupResponse.ts';
import type { JoinRequest as _varve_v1_JoinRequest, JoinRequest__Output as _varve_v1_JoinRequest__Output } from '../../varve/v1/JoinRequest.ts';
import type { JoinResponse as _varve_v1_JoinResponse, JoinResponse__Output as _varve_v1_JoinResponse__Output } from '../../varve/v1/JoinResponse.ts';
import type { ListGroupsRequest as _varve_v1_ListGroupsRequest, ListGroupsRequest__Output as _varve_v1_ListGroupsRequest__Output } from '../../varve/v1/ListGroupsRequest.ts';
import type { ListGroupsResponse as _varve_v1_ListGroupsResponse, ListGroupsResponse__Output as _varve_v1_ListGroupsResponse__Output } from '../../varve/v1/ListGroupsResponse.ts';
import type { ResetOffsetsRequest as _varve_v1_ResetOffsetsRequest, ResetOffsetsRequest__Output as _varve_v1_ResetOffsetsRequest__Output } from '../../varve/v1/ResetOffsetsRequest.ts';
import type { ResetOffsetsResponse as _varve_v1_ResetOffsetsResponse, ResetOffsetsResponse__Output as _varve_v1_ResetOffsetsResponse__Output } from '../../varve/v1/ResetOffsetsResponse.ts';

/**
 * Members share the partitions of their topics; offsets belong to the group.
 */
export interface GroupsClient extends grpc.Client {
  /**
   * Commits offsets for a group without members, or for a member of one.
   */
  CommitOffsets(argument: _varve_v1_CommitOffsetsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_CommitOffsetsResponse__Output>): grpc.ClientUnaryCall;
  CommitOffsets(argument: _varve_v1_CommitOffsetsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_CommitOffsetsResponse__Output>): grpc.ClientUnaryCall;
  CommitOffsets(argument: _varve_v1_CommitOffsetsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_CommitOffsetsResponse__Output>): grpc.ClientUnaryCall;
  CommitOffsets(argument: _varve_v1_CommitOffsetsRequest, callback: grpc.requestCallback<_varve_v1_CommitOffsetsResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Commits offsets for a group without members, or for a member of one.
   */
  commitOffsets(argument: _varve_v1_CommitOffsetsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_CommitOffsetsResponse__Output>): grpc.ClientUnaryCall;
  commitOffsets(argument: _varve_v1_CommitOffsetsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_CommitOffsetsResponse__Output>): grpc.ClientUnaryCall;
  commitOffsets(argument: _varve_v1_CommitOffsetsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_CommitOffsetsResponse__Output>): grpc.ClientUnaryCall;
  commitOffsets(argument: _varve_v1_CommitOffsetsRequest, callback: grpc.requestCallback<_varve_v1_CommitOffsetsResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Limits how fast a group reads, also while it does.
   */
  ConfigureGroup(argument: _varve_v1_ConfigureGroupRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ConfigureGroupResponse__Output>): grpc.ClientUnaryCall;
  ConfigureGroup(argument: _varve_v1_ConfigureGroupRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_ConfigureGroupResponse__Output>): grpc.ClientUnaryCall;
  ConfigureGroup(argument: _varve_v1_ConfigureGroupRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ConfigureGroupResponse__Output>): grpc.ClientUnaryCall;
  ConfigureGroup(argument: _varve_v1_ConfigureGroupRequest, callback: grpc.requestCallback<_varve_v1_ConfigureGroupResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Limits how fast a group reads, also while it does.
   */
  configureGroup(argument: _varve_v1_ConfigureGroupRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ConfigureGroupResponse__Output>): grpc.ClientUnaryCall;
  configureGroup(argument: _varve_v1_ConfigureGroupRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_ConfigureGroupResponse__Output>): grpc.ClientUnaryCall;
  configureGroup(argument: _varve_v1_ConfigureGroupRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ConfigureGroupResponse__Output>): grpc.ClientUnaryCall;
  configureGroup(argument: _varve_v1_ConfigureGroupRequest, callback: grpc.requestCallback<_varve_v1_ConfigureGroupResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Deletes a group without members, and its offsets.
   */
  DeleteGroup(argument: _varve_v1_DeleteGroupRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DeleteGroupResponse__Output>): grpc.ClientUnaryCall;
  DeleteGroup(argument: _varve_v1_DeleteGroupRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_DeleteGroupResponse__Output>): grpc.ClientUnaryCall;
  DeleteGroup(argument: _varve_v1_DeleteGroupRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DeleteGroupResponse__Output>): grpc.ClientUnaryCall;
  DeleteGroup(argument: _varve_v1_DeleteGroupRequest, callback: grpc.requestCallback<_varve_v1_DeleteGroupResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Deletes a group without members, and its offsets.
   */
  deleteGroup(argument: _varve_v1_DeleteGroupRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DeleteGroupResponse__Output>): grpc.ClientUnaryCall;
  deleteGroup(argument: _varve_v1_DeleteGroupRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_DeleteGroupResponse__Output>): grpc.ClientUnaryCall;
  deleteGroup(argument: _varve_v1_DeleteGroupRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DeleteGroupResponse__Output>): grpc.ClientUnaryCall;
  deleteGroup(argument: _varve_v1_DeleteGroupRequest, callback: grpc.requestCallback<_varve_v1_DeleteGroupResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Tells members, assignments and lag of a group.
   */
  DescribeGroup(argument: _varve_v1_DescribeGroupRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribeGroupResponse__Output>): grpc.ClientUnaryCall;
  DescribeGroup(argument: _varve_v1_DescribeGroupRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_DescribeGroupResponse__Output>): grpc.ClientUnaryCall;
  DescribeGroup(argument: _varve_v1_DescribeGroupRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribeGroupResponse__Output>): grpc.ClientUnaryCall;
  DescribeGroup(argument: _varve_v1_DescribeGroupRequest, callback: grpc.requestCallback<_varve_v1_DescribeGroupResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Tells members, assignments and lag of a group.
   */
  describeGroup(argument: _varve_v1_DescribeGroupRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribeGroupResponse__Output>): grpc.ClientUnaryCall;
  describeGroup(argument: _varve_v1_DescribeGroupRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_DescribeGroupResponse__Output>): grpc.ClientUnaryCall;
  describeGroup(argument: _varve_v1_DescribeGroupRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribeGroupResponse__Output>): grpc.ClientUnaryCall;
  describeGroup(argument: _varve_v1_DescribeGroupRequest, callback: grpc.requestCallback<_varve_v1_DescribeGroupResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Tells the committed offsets of a group.
   */
  FetchOffsets(argument: _varve_v1_FetchOffsetsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_FetchOffsetsResponse__Output>): grpc.ClientUnaryCall;
  FetchOffsets(argument: _varve_v1_FetchOffsetsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_FetchOffsetsResponse__Output>): grpc.ClientUnaryCall;
  FetchOffsets(argument: _varve_v1_FetchOffsetsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_FetchOffsetsResponse__Output>): grpc.ClientUnaryCall;
  FetchOffsets(argument: _varve_v1_FetchOffsetsRequest, callback: grpc.requestCallback<_varve_v1_FetchOffsetsResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Tells the committed offsets of a group.
   */
  fetchOffsets(argument: _varve_v1_FetchOffsetsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_FetchOffsetsResponse__Output>): grpc.ClientUnaryCall;
  fetchOffsets(argument: _varve_v1_FetchOffsetsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_FetchOffsetsResponse__Output>): grpc.ClientUnaryCall;
  fetchOffsets(argument: _varve_v1_FetchOffsetsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_FetchOffsetsResponse__Output>): grpc.ClientUnaryCall;
  fetchOffsets(argument: _varve_v1_FetchOffsetsRequest, callback: grpc.requestCallback<_varve_v1_FetchOffsetsResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Makes a new group at a position, to replay beside another one; with an end, it stops there by itself.
   */
  ForkGroup(argument: _varve_v1_ForkGroupRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ForkGroupResponse__Output>): grpc.ClientUnaryCall;
  ForkGroup(argument: _varve_v1_ForkGroupRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_ForkGroupResponse__Output>): grpc.ClientUnaryCall;
  ForkGroup(argument: _varve_v1_ForkGroupRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ForkGroupResponse__Output>): grpc.ClientUnaryCall;
  ForkGroup(argument: _varve_v1_ForkGroupRequest, callback: grpc.requestCallback<_varve_v1_ForkGroupResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Makes a new group at a position, to replay beside another one; with an end, it stops there by itself.
   */
  forkGroup(argument: _varve_v1_ForkGroupRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ForkGroupResponse__Output>): grpc.ClientUnaryCall;
  forkGroup(argument: _varve_v1_ForkGroupRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_ForkGroupResponse__Output>): grpc.ClientUnaryCall;
  forkGroup(argument: _varve_v1_ForkGroupRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ForkGroupResponse__Output>): grpc.ClientUnaryCall;
  forkGroup(argument: _varve_v1_ForkGroupRequest, callback: grpc.requestCallback<_varve_v1_ForkGroupResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * A member's session. The member sends join first, then commits, and heartbeats if it asked for a session timeout; the broker
   * pushes assignments. Closing the sending side, or leave, ends the membership. A stream that breaks leaves the member its
   * place until its session times out: join again with its member id.
   */
  Join(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_varve_v1_JoinRequest, _varve_v1_JoinResponse__Output>;
  Join(options?: grpc.CallOptions): grpc.ClientDuplexStream<_varve_v1_JoinRequest, _varve_v1_JoinResponse__Output>;
  /**
   * A member's session. The member sends join first, then commits, and heartbeats if it asked for a session timeout; the broker
   * pushes assignments. Closing the sending side, or leave, ends the membership. A stream that breaks leaves the member its
   * place until its session times out: join again with its member id.
   */
  join(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_varve_v1_JoinRequest, _varve_v1_JoinResponse__Output>;
  join(options?: grpc.CallOptions): grpc.ClientDuplexStream<_varve_v1_JoinRequest, _varve_v1_JoinResponse__Output>;
  
  /**
   * Lists groups by name.
   */
  ListGroups(argument: _varve_v1_ListGroupsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ListGroupsResponse__Output>): grpc.ClientUnaryCall;
  ListGroups(argument: _varve_v1_ListGroupsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_ListGroupsResponse__Output>): grpc.ClientUnaryCall;
  ListGroups(argument: _varve_v1_ListGroupsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ListGroupsResponse__Output>): grpc.ClientUnaryCall;
  ListGroups(argument: _varve_v1_ListGroupsRequest, callback: grpc.requestCallback<_varve_v1_ListGroupsResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Lists groups by name.
   */
  listGroups(argument: _varve_v1_ListGroupsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ListGroupsResponse__Output>): grpc.ClientUnaryCall;
  listGroups(argument: _varve_v1_ListGroupsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_ListGroupsResponse__Output>): grpc.ClientUnaryCall;
  listGroups(argument: _varve_v1_ListGroupsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ListGroupsResponse__Output>): grpc.ClientUnaryCall;
  listGroups(argument: _varve_v1_ListGroupsRequest, callback: grpc.requestCallback<_varve_v1_ListGroupsResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Moves a group to a position, also while its members run: they go on from there, and nothing that they commit of before lands.
   */
  ResetOffsets(argument: _varve_v1_ResetOffsetsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ResetOffsetsResponse__Output>): grpc.ClientUnaryCall;
  ResetOffsets(argument: _varve_v1_ResetOffsetsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_ResetOffsetsResponse__Output>): grpc.ClientUnaryCall;
  ResetOffsets(argument: _varve_v1_ResetOffsetsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ResetOffsetsResponse__Output>): grpc.ClientUnaryCall;
  ResetOffsets(argument: _varve_v1_ResetOffsetsRequest, callback: grpc.requestCallback<_varve_v1_ResetOffsetsResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Moves a group to a position, also while its members run: they go on from there, and nothing that they commit of before lands.
   */
  resetOffsets(argument: _varve_v1_ResetOffsetsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ResetOffsetsResponse__Output>): grpc.ClientUnaryCall;
  resetOffsets(argument: _varve_v1_ResetOffsetsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_ResetOffsetsResponse__Output>): grpc.ClientUnaryCall;
  resetOffsets(argument: _varve_v1_ResetOffsetsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ResetOffsetsResponse__Output>): grpc.ClientUnaryCall;
  resetOffsets(argument: _varve_v1_ResetOffsetsRequest, callback: grpc.requestCallback<_varve_v1_ResetOffsetsResponse__Output>): grpc.ClientUnaryCall;
  
}

/**
 * Members share the partitions of their topics; offsets belong to the group.
 */
export interface GroupsHandlers extends grpc.UntypedServiceImplementation {
  /**
   * Commits offsets for a group without members, or for a member of one.
   */
  CommitOffsets: grpc.handleUnaryCall<_varve_v1_CommitOffsetsRequest__Output, _varve_v1_CommitOffsetsResponse>;
  
  /**
   * Limits how fast a group reads, also while it does.
   */
  ConfigureGroup: grpc.handleUnaryCall<_varve_v1_ConfigureGroupRequest__Output, _varve_v1_ConfigureGroupResponse>;
  
  /**
   * Deletes a group without members, and its offsets.
   */
  DeleteGroup: grpc.handleUnaryCall<_varve_v1_DeleteGroupRequest__Output, _varve_v1_DeleteGroupResponse>;
  
  /**
   * Tells members, assignments and lag of a group.
   */
  DescribeGroup: grpc.handleUnaryCall<_varve_v1_DescribeGroupRequest__Output, _varve_v1_DescribeGroupResponse>;
  
  /**
   * Tells the committed offsets of a group.
   */
  FetchOffsets: grpc.handleUnaryCall<_varve_v1_FetchOffsetsRequest__Output, _varve_v1_FetchOffsetsResponse>;
  
  /**
   * Makes a new group at a position, to replay beside another one; with an end, it stops there by itself.
   */
  ForkGroup: grpc.handleUnaryCall<_varve_v1_ForkGroupRequest__Output, _varve_v1_ForkGroupResponse>;
  
  /**
   * A member's session. The member sends join first, then commits, and heartbeats if it asked for a session timeout; the broker
   * pushes assignments. Closing the sending side, or leave, ends the membership. A stream that breaks leaves the member its
   * place until its session times out: join again with its member id.
   */
  Join: grpc.handleBidiStreamingCall<_varve_v1_JoinRequest__Output, _varve_v1_JoinResponse>;
  
  /**
   * Lists groups by name.
   */
  ListGroups: grpc.handleUnaryCall<_varve_v1_ListGroupsRequest__Output, _varve_v1_ListGroupsResponse>;
  
  /**
   * Moves a group to a position, also while its members run: they go on from there, and nothing that they commit of before lands.
   */
  ResetOffsets: grpc.handleUnaryCall<_varve_v1_ResetOffsetsRequest__Output, _varve_v1_ResetOffsetsResponse>;
  
}

export interface GroupsDefinition extends grpc.ServiceDefinition {
  CommitOffsets: MethodDefinition<_varve_v1_CommitOffsetsRequest, _varve_v1_CommitOffsetsResponse, _varve_v1_CommitOffsetsRequest__Output, _varve_v1_CommitOffsetsResponse__Output>
  ConfigureGroup: MethodDefinition<_varve_v1_ConfigureGroupRequest, _varve_v1_ConfigureGroupResponse, _varve_v1_ConfigureGroupRequest__Output, _varve_v1_ConfigureGroupResponse__Output>
  DeleteGroup: MethodDefinition<_varve_v1_DeleteGroupRequest, _varve_v1_DeleteGroupResponse, _varve_v1_DeleteGroupRequest__Output, _varve_v1_DeleteGroupResponse__Output>
  DescribeGroup: MethodDefinition<_varve_v1_DescribeGroupRequest, _varve_v1_DescribeGroupResponse, _varve_v1_DescribeGroupRequest__Output, _varve_v1_DescribeGroupResponse__Output>
  FetchOffsets: MethodDefinition<_varve_v1_FetchOffsetsRequest, _varve_v1_FetchOffsetsResponse, _varve_v1_FetchOffsetsRequest__Output, _varve_v1_FetchOffsetsResponse__Output>
  ForkGroup: MethodDefinition<_varve_v1_ForkGroupRequest, _varve_v1_ForkGroupResponse, _varve_v1_ForkGroupRequest__Output, _varve_v1_ForkGroupResponse__Output>
  Join: MethodDefinition<_varve_v1_JoinRequest, _varve_v1_JoinResponse, _varve_v1_JoinRequest__Output, _varve_v1_JoinResponse__Output>
  ListGroups: MethodDefinition<_varve_v1_ListGroupsRequest, _varve_v1_ListGroupsResponse, _varve_v1_ListGroupsRequest__Output, _varve_v1_ListGroupsResponse__Output>
  ResetOffsets: MethodDefinition<_varve_v1_ResetOffsetsRequest, _varve_v1_ResetOffsetsResponse, _varve_v1_ResetOffsetsRequest__Output, _varve_v1_ResetOffsetsResponse__Output>
}
