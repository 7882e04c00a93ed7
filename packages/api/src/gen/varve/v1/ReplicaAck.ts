// Original file: proto/varve/v1/peer.proto

import type { Long } from '@grpc/proto-loader';

/**
 * A follower's durable end of one partition.
 */
export interface ReplicaAck {
  /**
   * Id of the topic.
   */
  'topicId'?: (string);
  /**
   * The partition.
   */
  'partition'?: (number);
  /**
   * Leader epoch that the follower knows.
   */
  'currentLeaderEpoch'?: (number);
  /**
   * The follower's durable end.
   */
  'durableOffset'?: (number | string | Long);
}

/**
 * A follower's durable end of one partition.
 */
export interface ReplicaAck__Output {
  /**
   * Id of the topic.
   */
  'topicId': (string);
  /**
   * The partition.
   */
  'partition': (number);
  /**
   * Leader epoch that the follower knows.
   */
  'currentLeaderEpoch': (number);
  /**
   * The follower's durable end.
   */
  'durableOffset': (number);
}
