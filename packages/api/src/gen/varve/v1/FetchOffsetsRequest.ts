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
   * Partitions to look at. Empty: all that have a committed offset. More than an answer can hold (4 MiB) are refused: ask in parts, or
   * without notes.
   */
  'partitions'?: (_varve_v1_TopicPartition)[];
  /**
   * Leave out what members noted with their commits.
   */
  'withoutNotes'?: (boolean);
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
   * Partitions to look at. Empty: all that have a committed offset. More than an answer can hold (4 MiB) are refused: ask in parts, or
   * without notes.
   */
  'partitions': (_varve_v1_TopicPartition__Output)[];
  /**
   * Leave out what members noted with their commits.
   */
  'withoutNotes': (boolean);
}
