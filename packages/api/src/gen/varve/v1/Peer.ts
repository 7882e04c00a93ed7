// Original file: proto/varve/v1/peer.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AlterPartitionRequest as _varve_v1_AlterPartitionRequest, AlterPartitionRequest__Output as _varve_v1_AlterPartitionRequest__Output } from '../../varve/v1/AlterPartitionRequest.ts';
import type { AlterPartitionResponse as _varve_v1_AlterPartitionResponse, AlterPartitionResponse__Output as _varve_v1_AlterPartitionResponse__Output } from '../../varve/v1/AlterPartitionResponse.ts';
import type { BrokerHeartbeatRequest as _varve_v1_BrokerHeartbeatRequest, BrokerHeartbeatRequest__Output as _varve_v1_BrokerHeartbeatRequest__Output } from '../../varve/v1/BrokerHeartbeatRequest.ts';
import type { BrokerHeartbeatResponse as _varve_v1_BrokerHeartbeatResponse, BrokerHeartbeatResponse__Output as _varve_v1_BrokerHeartbeatResponse__Output } from '../../varve/v1/BrokerHeartbeatResponse.ts';
import type { InstallSnapshotRequest as _varve_v1_InstallSnapshotRequest, InstallSnapshotRequest__Output as _varve_v1_InstallSnapshotRequest__Output } from '../../varve/v1/InstallSnapshotRequest.ts';
import type { InstallSnapshotResponse as _varve_v1_InstallSnapshotResponse, InstallSnapshotResponse__Output as _varve_v1_InstallSnapshotResponse__Output } from '../../varve/v1/InstallSnapshotResponse.ts';
import type { RaftRequest as _varve_v1_RaftRequest, RaftRequest__Output as _varve_v1_RaftRequest__Output } from '../../varve/v1/RaftRequest.ts';
import type { RaftResponse as _varve_v1_RaftResponse, RaftResponse__Output as _varve_v1_RaftResponse__Output } from '../../varve/v1/RaftResponse.ts';
import type { RegisterBrokerRequest as _varve_v1_RegisterBrokerRequest, RegisterBrokerRequest__Output as _varve_v1_RegisterBrokerRequest__Output } from '../../varve/v1/RegisterBrokerRequest.ts';
import type { RegisterBrokerResponse as _varve_v1_RegisterBrokerResponse, RegisterBrokerResponse__Output as _varve_v1_RegisterBrokerResponse__Output } from '../../varve/v1/RegisterBrokerResponse.ts';
import type { WatchMetadataRequest as _varve_v1_WatchMetadataRequest, WatchMetadataRequest__Output as _varve_v1_WatchMetadataRequest__Output } from '../../varve/v1/WatchMetadataRequest.ts';
import type { WatchMetadataResponse as _varve_v1_WatchMetadataResponse, WatchMetadataResponse__Output as _varve_v1_WatchMetadataResponse__Output } from '../../varve/v1/WatchMetadataResponse.ts';

/**
 * Every call proves the cluster secret, when one is set, in its metadata, and names cluster, sender and target there.
 */
export interface PeerClient extends grpc.Client {
  /**
   * A partition leader's wish to change who is in sync.
   */
  AlterPartition(argument: _varve_v1_AlterPartitionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_AlterPartitionResponse__Output>): grpc.ClientUnaryCall;
  AlterPartition(argument: _varve_v1_AlterPartitionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_AlterPartitionResponse__Output>): grpc.ClientUnaryCall;
  AlterPartition(argument: _varve_v1_AlterPartitionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_AlterPartitionResponse__Output>): grpc.ClientUnaryCall;
  AlterPartition(argument: _varve_v1_AlterPartitionRequest, callback: grpc.requestCallback<_varve_v1_AlterPartitionResponse__Output>): grpc.ClientUnaryCall;
  /**
   * A partition leader's wish to change who is in sync.
   */
  alterPartition(argument: _varve_v1_AlterPartitionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_AlterPartitionResponse__Output>): grpc.ClientUnaryCall;
  alterPartition(argument: _varve_v1_AlterPartitionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_AlterPartitionResponse__Output>): grpc.ClientUnaryCall;
  alterPartition(argument: _varve_v1_AlterPartitionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_AlterPartitionResponse__Output>): grpc.ClientUnaryCall;
  alterPartition(argument: _varve_v1_AlterPartitionRequest, callback: grpc.requestCallback<_varve_v1_AlterPartitionResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * A broker's sign of life.
   */
  BrokerHeartbeat(argument: _varve_v1_BrokerHeartbeatRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_BrokerHeartbeatResponse__Output>): grpc.ClientUnaryCall;
  BrokerHeartbeat(argument: _varve_v1_BrokerHeartbeatRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_BrokerHeartbeatResponse__Output>): grpc.ClientUnaryCall;
  BrokerHeartbeat(argument: _varve_v1_BrokerHeartbeatRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_BrokerHeartbeatResponse__Output>): grpc.ClientUnaryCall;
  BrokerHeartbeat(argument: _varve_v1_BrokerHeartbeatRequest, callback: grpc.requestCallback<_varve_v1_BrokerHeartbeatResponse__Output>): grpc.ClientUnaryCall;
  /**
   * A broker's sign of life.
   */
  brokerHeartbeat(argument: _varve_v1_BrokerHeartbeatRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_BrokerHeartbeatResponse__Output>): grpc.ClientUnaryCall;
  brokerHeartbeat(argument: _varve_v1_BrokerHeartbeatRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_BrokerHeartbeatResponse__Output>): grpc.ClientUnaryCall;
  brokerHeartbeat(argument: _varve_v1_BrokerHeartbeatRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_BrokerHeartbeatResponse__Output>): grpc.ClientUnaryCall;
  brokerHeartbeat(argument: _varve_v1_BrokerHeartbeatRequest, callback: grpc.requestCallback<_varve_v1_BrokerHeartbeatResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * A snapshot of the metadata, in chunks.
   */
  InstallSnapshot(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_InstallSnapshotResponse__Output>): grpc.ClientWritableStream<_varve_v1_InstallSnapshotRequest>;
  InstallSnapshot(metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_InstallSnapshotResponse__Output>): grpc.ClientWritableStream<_varve_v1_InstallSnapshotRequest>;
  InstallSnapshot(options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_InstallSnapshotResponse__Output>): grpc.ClientWritableStream<_varve_v1_InstallSnapshotRequest>;
  InstallSnapshot(callback: grpc.requestCallback<_varve_v1_InstallSnapshotResponse__Output>): grpc.ClientWritableStream<_varve_v1_InstallSnapshotRequest>;
  /**
   * A snapshot of the metadata, in chunks.
   */
  installSnapshot(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_InstallSnapshotResponse__Output>): grpc.ClientWritableStream<_varve_v1_InstallSnapshotRequest>;
  installSnapshot(metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_InstallSnapshotResponse__Output>): grpc.ClientWritableStream<_varve_v1_InstallSnapshotRequest>;
  installSnapshot(options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_InstallSnapshotResponse__Output>): grpc.ClientWritableStream<_varve_v1_InstallSnapshotRequest>;
  installSnapshot(callback: grpc.requestCallback<_varve_v1_InstallSnapshotResponse__Output>): grpc.ClientWritableStream<_varve_v1_InstallSnapshotRequest>;
  
  /**
   * Raft messages of the metadata group, in both directions, in order.
   */
  Raft(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_varve_v1_RaftRequest, _varve_v1_RaftResponse__Output>;
  Raft(options?: grpc.CallOptions): grpc.ClientDuplexStream<_varve_v1_RaftRequest, _varve_v1_RaftResponse__Output>;
  /**
   * Raft messages of the metadata group, in both directions, in order.
   */
  raft(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_varve_v1_RaftRequest, _varve_v1_RaftResponse__Output>;
  raft(options?: grpc.CallOptions): grpc.ClientDuplexStream<_varve_v1_RaftRequest, _varve_v1_RaftResponse__Output>;
  
  /**
   * Registers a broker under a new epoch.
   */
  RegisterBroker(argument: _varve_v1_RegisterBrokerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_RegisterBrokerResponse__Output>): grpc.ClientUnaryCall;
  RegisterBroker(argument: _varve_v1_RegisterBrokerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_RegisterBrokerResponse__Output>): grpc.ClientUnaryCall;
  RegisterBroker(argument: _varve_v1_RegisterBrokerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_RegisterBrokerResponse__Output>): grpc.ClientUnaryCall;
  RegisterBroker(argument: _varve_v1_RegisterBrokerRequest, callback: grpc.requestCallback<_varve_v1_RegisterBrokerResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Registers a broker under a new epoch.
   */
  registerBroker(argument: _varve_v1_RegisterBrokerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_RegisterBrokerResponse__Output>): grpc.ClientUnaryCall;
  registerBroker(argument: _varve_v1_RegisterBrokerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_RegisterBrokerResponse__Output>): grpc.ClientUnaryCall;
  registerBroker(argument: _varve_v1_RegisterBrokerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_RegisterBrokerResponse__Output>): grpc.ClientUnaryCall;
  registerBroker(argument: _varve_v1_RegisterBrokerRequest, callback: grpc.requestCallback<_varve_v1_RegisterBrokerResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Committed metadata records from an offset on, as they come.
   */
  WatchMetadata(argument: _varve_v1_WatchMetadataRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_varve_v1_WatchMetadataResponse__Output>;
  WatchMetadata(argument: _varve_v1_WatchMetadataRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_varve_v1_WatchMetadataResponse__Output>;
  /**
   * Committed metadata records from an offset on, as they come.
   */
  watchMetadata(argument: _varve_v1_WatchMetadataRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_varve_v1_WatchMetadataResponse__Output>;
  watchMetadata(argument: _varve_v1_WatchMetadataRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_varve_v1_WatchMetadataResponse__Output>;
  
}

/**
 * Every call proves the cluster secret, when one is set, in its metadata, and names cluster, sender and target there.
 */
export interface PeerHandlers extends grpc.UntypedServiceImplementation {
  /**
   * A partition leader's wish to change who is in sync.
   */
  AlterPartition: grpc.handleUnaryCall<_varve_v1_AlterPartitionRequest__Output, _varve_v1_AlterPartitionResponse>;
  
  /**
   * A broker's sign of life.
   */
  BrokerHeartbeat: grpc.handleUnaryCall<_varve_v1_BrokerHeartbeatRequest__Output, _varve_v1_BrokerHeartbeatResponse>;
  
  /**
   * A snapshot of the metadata, in chunks.
   */
  InstallSnapshot: grpc.handleClientStreamingCall<_varve_v1_InstallSnapshotRequest__Output, _varve_v1_InstallSnapshotResponse>;
  
  /**
   * Raft messages of the metadata group, in both directions, in order.
   */
  Raft: grpc.handleBidiStreamingCall<_varve_v1_RaftRequest__Output, _varve_v1_RaftResponse>;
  
  /**
   * Registers a broker under a new epoch.
   */
  RegisterBroker: grpc.handleUnaryCall<_varve_v1_RegisterBrokerRequest__Output, _varve_v1_RegisterBrokerResponse>;
  
  /**
   * Committed metadata records from an offset on, as they come.
   */
  WatchMetadata: grpc.handleServerStreamingCall<_varve_v1_WatchMetadataRequest__Output, _varve_v1_WatchMetadataResponse>;
  
}

export interface PeerDefinition extends grpc.ServiceDefinition {
  AlterPartition: MethodDefinition<_varve_v1_AlterPartitionRequest, _varve_v1_AlterPartitionResponse, _varve_v1_AlterPartitionRequest__Output, _varve_v1_AlterPartitionResponse__Output>
  BrokerHeartbeat: MethodDefinition<_varve_v1_BrokerHeartbeatRequest, _varve_v1_BrokerHeartbeatResponse, _varve_v1_BrokerHeartbeatRequest__Output, _varve_v1_BrokerHeartbeatResponse__Output>
  InstallSnapshot: MethodDefinition<_varve_v1_InstallSnapshotRequest, _varve_v1_InstallSnapshotResponse, _varve_v1_InstallSnapshotRequest__Output, _varve_v1_InstallSnapshotResponse__Output>
  Raft: MethodDefinition<_varve_v1_RaftRequest, _varve_v1_RaftResponse, _varve_v1_RaftRequest__Output, _varve_v1_RaftResponse__Output>
  RegisterBroker: MethodDefinition<_varve_v1_RegisterBrokerRequest, _varve_v1_RegisterBrokerResponse, _varve_v1_RegisterBrokerRequest__Output, _varve_v1_RegisterBrokerResponse__Output>
  WatchMetadata: MethodDefinition<_varve_v1_WatchMetadataRequest, _varve_v1_WatchMetadataResponse, _varve_v1_WatchMetadataRequest__Output, _varve_v1_WatchMetadataResponse__Output>
}
