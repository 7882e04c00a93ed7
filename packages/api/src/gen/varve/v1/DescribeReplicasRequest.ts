// Original file: proto/varve/v1/replication.proto

import type { ReplicaName as _varve_v1_ReplicaName, ReplicaName__Output as _varve_v1_ReplicaName__Output } from '../../varve/v1/ReplicaName.ts';

/**
 * Which replicas.
 */
export interface DescribeReplicasRequest {
  /**
   * At most 1000.
   */
  'replicas'?: (_varve_v1_ReplicaName)[];
}

/**
 * Which replicas.
 */
export interface DescribeReplicasRequest__Output {
  /**
   * At most 1000.
   */
  'replicas': (_varve_v1_ReplicaName__Output)[];
}
