// Original file: proto/varve/v1/replication.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { DescribeReplicasRequest as _varve_v1_DescribeReplicasRequest, DescribeReplicasRequest__Output as _varve_v1_DescribeReplicasRequest__Output } from '../../varve/v1/DescribeReplicasRequest.ts';
import type { DescribeReplicasResponse as _varve_v1_DescribeReplicasResponse, DescribeReplicasResponse__Output as _varve_v1_DescribeReplicasResponse__Output } from '../../varve/v1/DescribeReplicasResponse.ts';
import type { ReplicateRequest as _varve_v1_ReplicateRequest, ReplicateRequest__Output as _varve_v1_ReplicateRequest__Output } from '../../varve/v1/ReplicateRequest.ts';
import type { ReplicateResponse as _varve_v1_ReplicateResponse, ReplicateResponse__Output as _varve_v1_ReplicateResponse__Output } from '../../varve/v1/ReplicateResponse.ts';

/**
 * Calls are proved and named as those of `Peer`.
 */
export interface ReplicationClient extends grpc.Client {
  /**
   * What replicas hold, for whoever looks for a leader when nobody is known to be complete.
   */
  DescribeReplicas(argument: _varve_v1_DescribeReplicasRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribeReplicasResponse__Output>): grpc.ClientUnaryCall;
  DescribeReplicas(argument: _varve_v1_DescribeReplicasRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_DescribeReplicasResponse__Output>): grpc.ClientUnaryCall;
  DescribeReplicas(argument: _varve_v1_DescribeReplicasRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribeReplicasResponse__Output>): grpc.ClientUnaryCall;
  DescribeReplicas(argument: _varve_v1_DescribeReplicasRequest, callback: grpc.requestCallback<_varve_v1_DescribeReplicasResponse__Output>): grpc.ClientUnaryCall;
  /**
   * What replicas hold, for whoever looks for a leader when nobody is known to be complete.
   */
  describeReplicas(argument: _varve_v1_DescribeReplicasRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribeReplicasResponse__Output>): grpc.ClientUnaryCall;
  describeReplicas(argument: _varve_v1_DescribeReplicasRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_DescribeReplicasResponse__Output>): grpc.ClientUnaryCall;
  describeReplicas(argument: _varve_v1_DescribeReplicasRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_DescribeReplicasResponse__Output>): grpc.ClientUnaryCall;
  describeReplicas(argument: _varve_v1_DescribeReplicasRequest, callback: grpc.requestCallback<_varve_v1_DescribeReplicasResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * One stream for each follower and leader, for all their partitions. Whatever is not named has not changed.
   */
  Replicate(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_varve_v1_ReplicateRequest, _varve_v1_ReplicateResponse__Output>;
  Replicate(options?: grpc.CallOptions): grpc.ClientDuplexStream<_varve_v1_ReplicateRequest, _varve_v1_ReplicateResponse__Output>;
  /**
   * One stream for each follower and leader, for all their partitions. Whatever is not named has not changed.
   */
  replicate(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_varve_v1_ReplicateRequest, _varve_v1_ReplicateResponse__Output>;
  replicate(options?: grpc.CallOptions): grpc.ClientDuplexStream<_varve_v1_ReplicateRequest, _varve_v1_ReplicateResponse__Output>;
  
}

/**
 * Calls are proved and named as those of `Peer`.
 */
export interface ReplicationHandlers extends grpc.UntypedServiceImplementation {
  /**
   * What replicas hold, for whoever looks for a leader when nobody is known to be complete.
   */
  DescribeReplicas: grpc.handleUnaryCall<_varve_v1_DescribeReplicasRequest__Output, _varve_v1_DescribeReplicasResponse>;
  
  /**
   * One stream for each follower and leader, for all their partitions. Whatever is not named has not changed.
   */
  Replicate: grpc.handleBidiStreamingCall<_varve_v1_ReplicateRequest__Output, _varve_v1_ReplicateResponse>;
  
}

export interface ReplicationDefinition extends grpc.ServiceDefinition {
  DescribeReplicas: MethodDefinition<_varve_v1_DescribeReplicasRequest, _varve_v1_DescribeReplicasResponse, _varve_v1_DescribeReplicasRequest__Output, _varve_v1_DescribeReplicasResponse__Output>
  Replicate: MethodDefinition<_varve_v1_ReplicateRequest, _varve_v1_ReplicateResponse, _varve_v1_ReplicateRequest__Output, _varve_v1_ReplicateResponse__Output>
}
