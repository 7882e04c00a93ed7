// Original file: proto/varve/v1/log.proto

import type { PartitionEpochEnd as _varve_v1_PartitionEpochEnd, PartitionEpochEnd__Output as _varve_v1_PartitionEpochEnd__Output } from '../../varve/v1/PartitionEpochEnd.ts';

/**
 * Answers about leader epochs.
 */
export interface EpochEndResponse {
  /**
   * One for each partition, in the order asked for.
   */
  'partitions'?: (_varve_v1_PartitionEpochEnd)[];
}

/**
 * Answers about leader epochs.
 */
export interface EpochEndResponse__Output {
  /**
   * One for each partition, in the order asked for.
   */
  'partitions': (_varve_v1_PartitionEpochEnd__Output)[];
}
