// Original file: proto/varve/v1/peer.proto

import type { Long } from '@grpc/proto-loader';

/**
 * A follower's fetch of one partition.
 */
export interface ReplicaFetch {
  /**
   * Number of the fetch, of the follower's own; the answer repeats it.
   */
  'fetchId'?: (number | string | Long);
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
   * The follower's log end.
   */
  'fetchOffset'?: (number | string | Long);
  /**
   * The follower's durable end.
   */
  'durableOffset'?: (number | string | Long);
  /**
   * Epoch of the last batch in the follower's log; -1 when it is empty.
   */
  'lastFetchedEpoch'?: (number);
  /**
   * The follower's log start.
   */
  'logStartOffset'?: (number | string | Long);
  /**
   * Epoch of the follower's registration.
   */
  'brokerEpoch'?: (number | string | Long);
}

/**
 * A follower's fetch of one partition.
 */
export interface ReplicaFetch__Output {
  /**
   * Number of the fetch, of the follower's own; the answer repeats it.
   */
  'fetchId': (number);
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
   * The follower's log end.
   */
  'fetchOffset': (number);
  /**
   * The follower's durable end.
   */
  'durableOffset': (number);
  /**
   * Epoch of the last batch in the follower's log; -1 when it is empty.
   */
  'lastFetchedEpoch': (number);
  /**
   * The follower's log start.
   */
  'logStartOffset': (number);
  /**
   * Epoch of the follower's registration.
   */
  'brokerEpoch': (number);
}
