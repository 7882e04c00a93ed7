// Original file: proto/varve/v1/replication.proto

import type { ReplicaEnd as _varve_v1_ReplicaEnd, ReplicaEnd__Output as _varve_v1_ReplicaEnd__Output } from '../../varve/v1/ReplicaEnd.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * What they hold.
 */
export interface DescribeReplicasResponse {
  /**
   * Epoch of the broker's registration.
   */
  'brokerEpoch'?: (number | string | Long);
  /**
   * Of those that the broker has, in the order asked for.
   */
  'replicas'?: (_varve_v1_ReplicaEnd)[];
}

/**
 * What they hold.
 */
export interface DescribeReplicasResponse__Output {
  /**
   * Epoch of the broker's registration.
   */
  'brokerEpoch': (number);
  /**
   * Of those that the broker has, in the order asked for.
   */
  'replicas': (_varve_v1_ReplicaEnd__Output)[];
}
