// Original file: proto/varve/v1/admin.proto

import type { PartitionStatus as _varve_v1_PartitionStatus, PartitionStatus__Output as _varve_v1_PartitionStatus__Output } from '../../varve/v1/PartitionStatus.ts';

/**
 * Answers about partitions.
 */
export interface DescribePartitionsResponse {
  /**
   * One for each partition, by number.
   */
  'partitions'?: (_varve_v1_PartitionStatus)[];
}

/**
 * Answers about partitions.
 */
export interface DescribePartitionsResponse__Output {
  /**
   * One for each partition, by number.
   */
  'partitions': (_varve_v1_PartitionStatus__Output)[];
}
