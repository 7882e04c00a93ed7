// Original file: proto/varve/v1/groups.proto

import type { TopicPartition as _varve_v1_TopicPartition, TopicPartition__Output as _varve_v1_TopicPartition__Output } from '../../varve/v1/TopicPartition.ts';

/**
 * A question about committed offsets.
 */
export interface FetchOffsetsRequest {
  /**
   * Name of the group.
   */
  'group'?: (string);
  /**
   * Partitions to look at. Empty: all that have a committed offset.
   */
  'partitions'?: (_varve_v1_TopicPartition)[];
}

/**
 * A question about committed offsets.
 */
export interface FetchOffsetsRequest__Output {
  /**
   * Name of the group.
   */
  'group': (string);
  /**
   * Partitions to look at. Empty: all that have a committed offset.
   */
  'partitions': (_varve_v1_TopicPartition__Output)[];
}
