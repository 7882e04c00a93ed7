// Original file: proto/varve/v1/peer.proto

import type { Error as _varve_v1_Error, Error__Output as _varve_v1_Error__Output } from '../../varve/v1/Error.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * Answer to a follower's fetch of one partition.
 */
export interface ReplicaFetchResult {
  /**
   * Number of the fetch.
   */
  'fetchId'?: (number | string | Long);
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
   * Set when the follower's log differs: the largest epoch not above the one that the follower sent.
   */
  'divergingEpoch'?: (number);
  /**
   * Where that epoch ends in the leader's log.
   */
  'divergingEndOffset'?: (number | string | Long);
  /**
   * Why the fetch was refused. Absent on success.
   */
  'error'?: (_varve_v1_Error | null);
  '_divergingEpoch'?: "divergingEpoch";
  '_divergingEndOffset'?: "divergingEndOffset";
}

/**
 * Answer to a follower's fetch of one partition.
 */
export interface ReplicaFetchResult__Output {
  /**
   * Number of the fetch.
   */
  'fetchId': (number);
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
   * Set when the follower's log differs: the largest epoch not above the one that the follower sent.
   */
  'divergingEpoch'?: (number);
  /**
   * Where that epoch ends in the leader's log.
   */
  'divergingEndOffset'?: (number);
  /**
   * Why the fetch was refused. Absent on success.
   */
  'error': (_varve_v1_Error__Output | null);
  '_divergingEpoch'?: "divergingEpoch";
  '_divergingEndOffset'?: "divergingEndOffset";
}
