// Original file: proto/varve/v1/admin.proto

import type { Error as _varve_v1_Error, Error__Output as _varve_v1_Error__Output } from '../../varve/v1/Error.ts';
import type { LeaderHint as _varve_v1_LeaderHint, LeaderHint__Output as _varve_v1_LeaderHint__Output } from '../../varve/v1/LeaderHint.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * Records that were deleted in one partition.
 */
export interface PartitionDeletionResult {
  /**
   * The partition.
   */
  'partition'?: (number);
  /**
   * First offset that is kept now, or would be.
   */
  'logStartOffset'?: (number | string | Long);
  /**
   * Why nothing was deleted; with log_start_offset not -1, why what was deleted may come back with another leader: ask again. Absent on
   * success.
   */
  'error'?: (_varve_v1_Error | null);
  /**
   * Where the leader is.
   */
  'leader'?: (_varve_v1_LeaderHint | null);
}

/**
 * Records that were deleted in one partition.
 */
export interface PartitionDeletionResult__Output {
  /**
   * The partition.
   */
  'partition': (number);
  /**
   * First offset that is kept now, or would be.
   */
  'logStartOffset': (number);
  /**
   * Why nothing was deleted; with log_start_offset not -1, why what was deleted may come back with another leader: ask again. Absent on
   * success.
   */
  'error': (_varve_v1_Error__Output | null);
  /**
   * Where the leader is.
   */
  'leader': (_varve_v1_LeaderHint__Output | null);
}
