// Original file: proto/varve/v1/replication.proto

import type { Long } from '@grpc/proto-loader';

/**
 * A sync of the follower has ended, or its log has begun to begin further on.
 */
export interface ReplicaSync {
  /**
   * The partition.
   */
  'handle'?: (number);
  /**
   * Epoch of the follower's registration.
   */
  'brokerEpoch'?: (number | string | Long);
  /**
   * Leader epoch in which the follower believes to be.
   */
  'leaderEpoch'?: (number);
  /**
   * The follower's durable end.
   */
  'durableOffset'?: (number | string | Long);
  /**
   * Where the follower's log begins, on its disk.
   */
  'logStartOffset'?: (number | string | Long);
}

/**
 * A sync of the follower has ended, or its log has begun to begin further on.
 */
export interface ReplicaSync__Output {
  /**
   * The partition.
   */
  'handle': (number);
  /**
   * Epoch of the follower's registration.
   */
  'brokerEpoch': (number);
  /**
   * Leader epoch in which the follower believes to be.
   */
  'leaderEpoch': (number);
  /**
   * The follower's durable end.
   */
  'durableOffset': (number);
  /**
   * Where the follower's log begins, on its disk.
   */
  'logStartOffset': (number);
}
