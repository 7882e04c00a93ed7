// Original file: proto/varve/v1/replication.proto

import type { Long } from '@grpc/proto-loader';

/**
 * A follower's fetch of one partition. It waits at the leader until there is something to say.
 */
export interface ReplicaFetch {
  /**
   * The follower's number for the partition in this leader epoch; given once, and used on this stream alone.
   */
  'handle'?: (number);
  /**
   * Id of the topic; empty once the handle has been used on this stream.
   */
  'topicId'?: (string);
  /**
   * The partition; 0 once the handle has been used on this stream.
   */
  'partition'?: (number);
  /**
   * Number of the fetch, of the follower's own; the answer repeats it.
   */
  'fetchId'?: (number | string | Long);
  /**
   * Epoch of the follower's registration.
   */
  'brokerEpoch'?: (number | string | Long);
  /**
   * Leader epoch in which the follower believes to be.
   */
  'leaderEpoch'?: (number);
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
   * Where the follower's log begins, on its disk.
   */
  'logStartOffset'?: (number | string | Long);
}

/**
 * A follower's fetch of one partition. It waits at the leader until there is something to say.
 */
export interface ReplicaFetch__Output {
  /**
   * The follower's number for the partition in this leader epoch; given once, and used on this stream alone.
   */
  'handle': (number);
  /**
   * Id of the topic; empty once the handle has been used on this stream.
   */
  'topicId': (string);
  /**
   * The partition; 0 once the handle has been used on this stream.
   */
  'partition': (number);
  /**
   * Number of the fetch, of the follower's own; the answer repeats it.
   */
  'fetchId': (number);
  /**
   * Epoch of the follower's registration.
   */
  'brokerEpoch': (number);
  /**
   * Leader epoch in which the follower believes to be.
   */
  'leaderEpoch': (number);
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
   * Where the follower's log begins, on its disk.
   */
  'logStartOffset': (number);
}
