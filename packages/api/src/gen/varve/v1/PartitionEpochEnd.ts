// Original file: proto/varve/v1/log.proto

import type { Error as _varve_v1_Error, Error__Output as _varve_v1_Error__Output } from '../../varve/v1/Error.ts';
import type { LeaderHint as _varve_v1_LeaderHint, LeaderHint__Output as _varve_v1_LeaderHint__Output } from '../../varve/v1/LeaderHint.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * Where an epoch ended in one partition.
 */
export interface PartitionEpochEnd {
  /**
   * The partition.
   */
  'partition'?: (number);
  /**
   * The largest epoch that is not above the one asked for; -1 when there is none.
   */
  'leaderEpoch'?: (number);
  /**
   * First offset after that epoch; -1 when there is none.
   */
  'endOffset'?: (number | string | Long);
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
 * Where an epoch ended in one partition.
 */
export interface PartitionEpochEnd__Output {
  /**
   * The partition.
   */
  'partition': (number);
  /**
   * The largest epoch that is not above the one asked for; -1 when there is none.
   */
  'leaderEpoch': (number);
  /**
   * First offset after that epoch; -1 when there is none.
   */
  'endOffset': (number);
  /**
   * Why the question could not be answered. Absent on success.
   */
  'error': (_varve_v1_Error__Output | null);
  /**
   * Where the leader is.
   */
  'leader': (_varve_v1_LeaderHint__Output | null);
}
