// Original file: proto/varve/v1/replication.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ReplicateRequest as _varve_v1_ReplicateRequest, ReplicateRequest__Output as _varve_v1_ReplicateRequest__Output } from '../../varve/v1/ReplicateRequest.ts';
import type { ReplicateResponse as _varve_v1_ReplicateResponse, ReplicateResponse__Output as _varve_v1_ReplicateResponse__Output } from '../../varve/v1/ReplicateResponse.ts';

/**
 * Calls are proved and named as those of `Peer`.
 */
export interface ReplicationClient extends grpc.Client {
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
   * One stream for each follower and leader, for all their partitions. Whatever is not named has not changed.
   */
  Replicate: grpc.handleBidiStreamingCall<_varve_v1_ReplicateRequest__Output, _varve_v1_ReplicateResponse>;
  
}

export interface ReplicationDefinition extends grpc.ServiceDefinition {
  Replicate: MethodDefinition<_varve_v1_ReplicateRequest, _varve_v1_ReplicateResponse, _varve_v1_ReplicateRequest__Output, _varve_v1_ReplicateResponse__Output>
}
