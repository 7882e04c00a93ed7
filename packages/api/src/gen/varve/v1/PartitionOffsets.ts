// Original file: proto/varve/v1/log.proto

import type { Error as _varve_v1_Error, Error__Output as _varve_v1_Error__Output } from '../../varve/v1/Error.ts';
import type { LeaderHint as _varve_v1_LeaderHint, LeaderHint__Output as _varve_v1_LeaderHint__Output } from '../../varve/v1/LeaderHint.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * Offsets of one partition.
 */
export interface PartitionOffsets {
  /**
   * The partition.
   */
  'partition'?: (number);
  /**
   * The offset that the position means.
   */
  'offset'?: (number | string | Long);
  /**
   * Time of the record there; -1 when there is no record or the position does not look at times.
   */
  'timestampMs'?: (number | string | Long);
  /**
   * Leader epoch of the record there; -1 when there is no record.
   */
  'leaderEpoch'?: (number);
  /**
   * First offset that is still kept.
   */
  'logStartOffset'?: (number | string | Long);
  /**
   * First offset that cannot be read yet.
   */
  'highWatermark'?: (number | string | Long);
  /**
   * Offset of the next record to be appended.
   */
  'logEndOffset'?: (number | string | Long);
  /**
   * Why the question could not be answered. Absent on success.
   */
  'error'?: (_varve_v1_Error | null);
  /**
   * Where the leader is.
   */
  'leader'?: (_varve_v1_LeaderHint | null);
}

/**
 * Offsets of one partition.
 */
export interface PartitionOffsets__Output {
  /**
   * The partition.
   */
  'partition': (number);
  /**
   * The offset that the position means.
   */
  'offset': (number);
  /**
   * Time of the record there; -1 when there is no record or the position does not look at times.
   */
  'timestampMs': (number);
  /**
   * Leader epoch of the record there; -1 when there is no record.
   */
  'leaderEpoch': (number);
  /**
   * First offset that is still kept.
   */
  'logStartOffset': (number);
  /**
   * First offset that cannot be read yet.
   */
  'highWatermark': (number);
  /**
   * Offset of the next record to be appended.
   */
  'logEndOffset': (number);
  /**
   * Why the question could not be answered. Absent on success.
   */
  'error': (_varve_v1_Error__Output | null);
  /**
   * Where the leader is.
   */
  'leader': (_varve_v1_LeaderHint__Output | null);
}
