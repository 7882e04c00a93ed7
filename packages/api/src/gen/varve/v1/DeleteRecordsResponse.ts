// Original file: proto/varve/v1/admin.proto

import type { PartitionDeletionResult as _varve_v1_PartitionDeletionResult, PartitionDeletionResult__Output as _varve_v1_PartitionDeletionResult__Output } from '../../varve/v1/PartitionDeletionResult.ts';

/**
 * Records that were deleted.
 */
export interface DeleteRecordsResponse {
  /**
   * One for each partition, in the order asked for.
   */
  'partitions'?: (_varve_v1_PartitionDeletionResult)[];
}

/**
 * Records that were deleted.
 */
export interface DeleteRecordsResponse__Output {
  /**
   * One for each partition, in the order asked for.
   */
  'partitions': (_varve_v1_PartitionDeletionResult__Output)[];
}
