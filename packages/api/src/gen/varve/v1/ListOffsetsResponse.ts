// Original file: proto/varve/v1/log.proto

import type { PartitionOffsets as _varve_v1_PartitionOffsets, PartitionOffsets__Output as _varve_v1_PartitionOffsets__Output } from '../../varve/v1/PartitionOffsets.ts';

/**
 * Answers about offsets.
 */
export interface ListOffsetsResponse {
  /**
   * One for each partition, in the order asked for, or by number.
   */
  'partitions'?: (_varve_v1_PartitionOffsets)[];
}

/**
 * Answers about offsets.
 */
export interface ListOffsetsResponse__Output {
  /**
   * One for each partition, in the order asked for, or by number.
   */
  'partitions': (_varve_v1_PartitionOffsets__Output)[];
}
