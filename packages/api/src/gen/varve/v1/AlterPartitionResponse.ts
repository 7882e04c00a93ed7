// Original file: proto/varve/v1/peer.proto

import type { Error as _varve_v1_Error, Error__Output as _varve_v1_Error__Output } from '../../varve/v1/Error.ts';

/**
 * What became of a wish to change who is in sync.
 */
export interface AlterPartitionResponse {
  /**
   * New version of the partition's state.
   */
  'partitionEpoch'?: (number);
  /**
   * Why it was refused. Absent on success.
   */
  'error'?: (_varve_v1_Error | null);
}

/**
 * What became of a wish to change who is in sync.
 */
export interface AlterPartitionResponse__Output {
  /**
   * New version of the partition's state.
   */
  'partitionEpoch': (number);
  /**
   * Why it was refused. Absent on success.
   */
  'error': (_varve_v1_Error__Output | null);
}
