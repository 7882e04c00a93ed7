// Original file: proto/varve/v1/admin.proto

import type { PartitionDeletion as _varve_v1_PartitionDeletion, PartitionDeletion__Output as _varve_v1_PartitionDeletion__Output } from '../../varve/v1/PartitionDeletion.ts';

/**
 * Records to be deleted.
 */
export interface DeleteRecordsRequest {
  /**
   * Name of the topic.
   */
  'topic'?: (string);
  /**
   * One for each partition.
   */
  'partitions'?: (_varve_v1_PartitionDeletion)[];
  /**
   * Check all, delete nothing.
   */
  'validateOnly'?: (boolean);
}

/**
 * Records to be deleted.
 */
export interface DeleteRecordsRequest__Output {
  /**
   * Name of the topic.
   */
  'topic': (string);
  /**
   * One for each partition.
   */
  'partitions': (_varve_v1_PartitionDeletion__Output)[];
  /**
   * Check all, delete nothing.
   */
  'validateOnly': (boolean);
}
