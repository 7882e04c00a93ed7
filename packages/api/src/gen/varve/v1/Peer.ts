// Original file: proto/varve/v1/peer.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { FollowMetadataRequest as _varve_v1_FollowMetadataRequest, FollowMetadataRequest__Output as _varve_v1_FollowMetadataRequest__Output } from '../../varve/v1/FollowMetadataRequest.ts';
import type { FollowMetadataResponse as _varve_v1_FollowMetadataResponse, FollowMetadataResponse__Output as _varve_v1_FollowMetadataResponse__Output } from '../../varve/v1/FollowMetadataResponse.ts';
import type { HeartbeatRequest as _varve_v1_HeartbeatRequest, HeartbeatRequest__Output as _varve_v1_HeartbeatRequest__Output } from '../../varve/v1/HeartbeatRequest.ts';
import type { HeartbeatResponse as _varve_v1_HeartbeatResponse, HeartbeatResponse__Output as _varve_v1_HeartbeatResponse__Output } from '../../varve/v1/HeartbeatResponse.ts';
import type { ReplaceMemberRequest as _varve_v1_ReplaceMemberRequest, ReplaceMemberRequest__Output as _varve_v1_ReplaceMemberRequest__Output } from '../../varve/v1/ReplaceMemberRequest.ts';
import type { ReplaceMemberResponse as _varve_v1_ReplaceMemberResponse, ReplaceMemberResponse__Output as _varve_v1_ReplaceMemberResponse__Output } from '../../varve/v1/ReplaceMemberResponse.ts';
import type { SubmitRequest as _varve_v1_SubmitRequest, SubmitRequest__Output as _varve_v1_SubmitRequest__Output } from '../../varve/v1/SubmitRequest.ts';
import type { SubmitResponse as _varve_v1_SubmitResponse, SubmitResponse__Output as _varve_v1_SubmitResponse__Output } from '../../varve/v1/SubmitResponse.ts';

/**
 * The metadata of every call carry `varve-peer-version`, `varve-cluster-id`, `varve-node-id` and `varve-broker-epoch` of the
 * caller, `varve-target-id`, and `varve-secret-bin` when the cluster has a secret. What does not fit is refused before anything
 * of the call is read.
 */
export interface PeerClient extends grpc.Client {
  /**
   * The committed metadata, for a broker that is no controller, for as long as the stream lasts: what it lacks, then every batch as it
   * is committed, and a sign of life in between. A controller that knows less than the broker ends the stream after one message.
   */
  FollowMetadata(argument: _varve_v1_FollowMetadataRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_varve_v1_FollowMetadataResponse__Output>;
  FollowMetadata(argument: _varve_v1_FollowMetadataRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_varve_v1_FollowMetadataResponse__Output>;
  /**
   * The committed metadata, for a broker that is no controller, for as long as the stream lasts: what it lacks, then every batch as it
   * is committed, and a sign of life in between. A controller that knows less than the broker ends the stream after one message.
   */
  followMetadata(argument: _varve_v1_FollowMetadataRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_varve_v1_FollowMetadataResponse__Output>;
  followMetadata(argument: _varve_v1_FollowMetadataRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_varve_v1_FollowMetadataResponse__Output>;
  
  /**
   * A broker's signs of life, for as long as the stream lasts, to the active controller; one answer for each.
   */
  Heartbeat(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_varve_v1_HeartbeatRequest, _varve_v1_HeartbeatResponse__Output>;
  Heartbeat(options?: grpc.CallOptions): grpc.ClientDuplexStream<_varve_v1_HeartbeatRequest, _varve_v1_HeartbeatResponse__Output>;
  /**
   * A broker's signs of life, for as long as the stream lasts, to the active controller; one answer for each.
   */
  heartbeat(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_varve_v1_HeartbeatRequest, _varve_v1_HeartbeatResponse__Output>;
  heartbeat(options?: grpc.CallOptions): grpc.ClientDuplexStream<_varve_v1_HeartbeatRequest, _varve_v1_HeartbeatResponse__Output>;
  
  /**
   * Admin.ReplaceController, for the active controller.
   */
  ReplaceMember(argument: _varve_v1_ReplaceMemberRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ReplaceMemberResponse__Output>): grpc.ClientUnaryCall;
  ReplaceMember(argument: _varve_v1_ReplaceMemberRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_ReplaceMemberResponse__Output>): grpc.ClientUnaryCall;
  ReplaceMember(argument: _varve_v1_ReplaceMemberRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ReplaceMemberResponse__Output>): grpc.ClientUnaryCall;
  ReplaceMember(argument: _varve_v1_ReplaceMemberRequest, callback: grpc.requestCallback<_varve_v1_ReplaceMemberResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Admin.ReplaceController, for the active controller.
   */
  replaceMember(argument: _varve_v1_ReplaceMemberRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ReplaceMemberResponse__Output>): grpc.ClientUnaryCall;
  replaceMember(argument: _varve_v1_ReplaceMemberRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_ReplaceMemberResponse__Output>): grpc.ClientUnaryCall;
  replaceMember(argument: _varve_v1_ReplaceMemberRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ReplaceMemberResponse__Output>): grpc.ClientUnaryCall;
  replaceMember(argument: _varve_v1_ReplaceMemberRequest, callback: grpc.requestCallback<_varve_v1_ReplaceMemberResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * A command for the active controller, answered when it is decided. Who is no active controller says who is.
   */
  Submit(argument: _varve_v1_SubmitRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  Submit(argument: _varve_v1_SubmitRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  Submit(argument: _varve_v1_SubmitRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  Submit(argument: _varve_v1_SubmitRequest, callback: grpc.requestCallback<_varve_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  /**
   * A command for the active controller, answered when it is decided. Who is no active controller says who is.
   */
  submit(argument: _varve_v1_SubmitRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  submit(argument: _varve_v1_SubmitRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  submit(argument: _varve_v1_SubmitRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  submit(argument: _varve_v1_SubmitRequest, callback: grpc.requestCallback<_varve_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  
}

/**
 * The metadata of every call carry `varve-peer-version`, `varve-cluster-id`, `varve-node-id` and `varve-broker-epoch` of the
 * caller, `varve-target-id`, and `varve-secret-bin` when the cluster has a secret. What does not fit is refused before anything
 * of the call is read.
 */
export interface PeerHandlers extends grpc.UntypedServiceImplementation {
  /**
   * The committed metadata, for a broker that is no controller, for as long as the stream lasts: what it lacks, then every batch as it
   * is committed, and a sign of life in between. A controller that knows less than the broker ends the stream after one message.
   */
  FollowMetadata: grpc.handleServerStreamingCall<_varve_v1_FollowMetadataRequest__Output, _varve_v1_FollowMetadataResponse>;
  
  /**
   * A broker's signs of life, for as long as the stream lasts, to the active controller; one answer for each.
   */
  Heartbeat: grpc.handleBidiStreamingCall<_varve_v1_HeartbeatRequest__Output, _varve_v1_HeartbeatResponse>;
  
  /**
   * Admin.ReplaceController, for the active controller.
   */
  ReplaceMember: grpc.handleUnaryCall<_varve_v1_ReplaceMemberRequest__Output, _varve_v1_ReplaceMemberResponse>;
  
  /**
   * A command for the active controller, answered when it is decided. Who is no active controller says who is.
   */
  Submit: grpc.handleUnaryCall<_varve_v1_SubmitRequest__Output, _varve_v1_SubmitResponse>;
  
}

export interface PeerDefinition extends grpc.ServiceDefinition {
  FollowMetadata: MethodDefinition<_varve_v1_FollowMetadataRequest, _varve_v1_FollowMetadataResponse, _varve_v1_FollowMetadataRequest__Output, _varve_v1_FollowMetadataResponse__Output>
  Heartbeat: MethodDefinition<_varve_v1_HeartbeatRequest, _varve_v1_HeartbeatResponse, _varve_v1_HeartbeatRequest__Output, _varve_v1_HeartbeatResponse__Output>
  ReplaceMember: MethodDefinition<_varve_v1_ReplaceMemberRequest, _varve_v1_ReplaceMemberResponse, _varve_v1_ReplaceMemberRequest__Output, _varve_v1_ReplaceMemberResponse__Output>
  Submit: MethodDefinition<_varve_v1_SubmitRequest, _varve_v1_SubmitResponse, _varve_v1_SubmitRequest__Output, _varve_v1_SubmitResponse__Output>
}
