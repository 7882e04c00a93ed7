// Original file: proto/varve/v1/replication.proto

import type { ReplicaAnswerKind as _varve_v1_ReplicaAnswerKind, ReplicaAnswerKind__Output as _varve_v1_ReplicaAnswerKind__Output } from '../../varve/v1/ReplicaAnswerKind.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * Answer to a follower's fetch of one partition.
 */
export interface ReplicaAnswer {
  /**
   * The partition.
   */
  'handle'?: (number);
  /**
   * Number of the fetch.
   */
  'fetchId'?: (number | string | Long);
  /**
   * As in the fetch.
   */
  'brokerEpoch'?: (number | string | Long);
  /**
   * As in the fetch.
   */
  'leaderEpoch'?: (number);
  /**
   * What became of it.
   */
  'kind'?: (_varve_v1_ReplicaAnswerKind);
  /**
   * Whole record batches.
   */
  'batches'?: (Buffer | Uint8Array | string);
  /**
   * The leader's high watermark.
   */
  'highWatermark'?: (number | string | Long);
  /**
   * The leader's log start.
   */
  'logStartOffset'?: (number | string | Long);
  /**
   * The leader's log end.
   */
  'logEndOffset'?: (number | string | Long);
  /**
   * With DIVERGED: the largest epoch of the leader's log that is not above the one that the follower sent.
   */
  'divergingEpoch'?: (number);
  /**
   * Where that epoch ends there.
   */
  'divergingEndOffset'?: (number | string | Long);
  /**
   * With REFUSED: why.
   */
  'reason'?: (string);
}

/**
 * Answer to a follower's fetch of one partition.
 */
export interface ReplicaAnswer__Output {
  /**
   * The partition.
   */
  'handle': (number);
  /**
   * Number of the fetch.
   */
  'fetchId': (number);
  /**
   * As in the fetch.
   */
  'brokerEpoch': (number);
  /**
   * As in the fetch.
   */
  'leaderEpoch': (number);
  /**
   * What became of it.
   */
  'kind': (_varve_v1_ReplicaAnswerKind__Output);
  /**
   * Whole record batches.
   */
  'batches': (Buffer);
  /**
   * The leader's high watermark.
   */
  'highWatermark': (number);
  /**
   * The leader's log start.
   */
  'logStartOffset': (number);
  /**
   * The leader's log end.
   */
  'logEndOffset': (number);
  /**
   * With DIVERGED: the largest epoch of the leader's log that is not above the one that the follower sent.
   */
  'divergingEpoch': (number);
  /**
   * Where that epoch ends there.
   */
  'divergingEndOffset': (number);
  /**
   * With REFUSED: why.
   */
  'reason': (string);
}
