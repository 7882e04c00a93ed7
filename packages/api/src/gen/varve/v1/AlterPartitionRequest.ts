// Original file: proto/varve/v1/peer.proto

import type { ReplicaEpoch as _varve_v1_ReplicaEpoch, ReplicaEpoch__Output as _varve_v1_ReplicaEpoch__Output } from '../../varve/v1/ReplicaEpoch.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * A wish to change who is in sync.
 */
export interface AlterPartitionRequest {
  /**
   * Node id of the leader.
   */
  'nodeId'?: (number);
  /**
   * Epoch of the leader's registration.
   */
  'brokerEpoch'?: (number | string | Long);
  /**
   * Id of the topic.
   */
  'topicId'?: (string);
  /**
   * The partition.
   */
  'partition'?: (number);
  /**
   * Leader epoch.
   */
  'leaderEpoch'?: (number);
  /**
   * Version of the partition's state that the leader knows.
   */
  'partitionEpoch'?: (number);
  /**
   * Who shall be in sync.
   */
  'inSyncReplicas'?: (_varve_v1_ReplicaEpoch)[];
}

/**
 * A wish to change who is in sync.
 */
export interface AlterPartitionRequest__Output {
  /**
   * Node id of the leader.
   */
  'nodeId': (number);
  /**
   * Epoch of the leader's registration.
   */
  'brokerEpoch': (number);
  /**
   * Id of the topic.
   */
  'topicId': (string);
  /**
   * The partition.
   */
  'partition': (number);
  /**
   * Leader epoch.
   */
  'leaderEpoch': (number);
  /**
   * Version of the partition's state that the leader knows.
   */
  'partitionEpoch': (number);
  /**
   * Who shall be in sync.
   */
  'inSyncReplicas': (_varve_v1_ReplicaEpoch__Output)[];
}
