// Original file: proto/varve/v1/log.proto

import type { PartitionEpoch as _varve_v1_PartitionEpoch, PartitionEpoch__Output as _varve_v1_PartitionEpoch__Output } from '../../varve/v1/PartitionEpoch.ts';

/**
 * A question about leader epochs.
 */
export interface EpochEndRequest {
  /**
   * Name of the topic.
   */
  'topic'?: (string);
  /**
   * One for each partition.
   */
  'partitions'?: (_varve_v1_PartitionEpoch)[];
}

/**
 * A question about leader epochs.
 */
export interface EpochEndRequest__Output {
  /**
   * Name of the topic.
   */
  'topic': (string);
  /**
   * One for each partition.
   */
  'partitions': (_varve_v1_PartitionEpoch__Output)[];
}
