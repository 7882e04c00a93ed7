// Original file: proto/varve/v1/groups.proto

import type { ForkedPartition as _varve_v1_ForkedPartition, ForkedPartition__Output as _varve_v1_ForkedPartition__Output } from '../../varve/v1/ForkedPartition.ts';

/**
 * The new group's offsets.
 */
export interface ForkGroupResponse {
  /**
   * One for each partition.
   */
  'partitions'?: (_varve_v1_ForkedPartition)[];
}

/**
 * The new group's offsets.
 */
export interface ForkGroupResponse__Output {
  /**
   * One for each partition.
   */
  'partitions': (_varve_v1_ForkedPartition__Output)[];
}
