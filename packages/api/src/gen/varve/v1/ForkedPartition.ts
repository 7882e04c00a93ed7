// Original file: proto/varve/v1/groups.proto

import type { Long } from '@grpc/proto-loader';

/**
 * Where a new group begins and ends in a partition.
 */
export interface ForkedPartition {
  /**
   * Name of the topic.
   */
  'topic'?: (string);
  /**
   * The partition.
   */
  'partition'?: (number);
  /**
   * The next offset to read.
   */
  'offset'?: (number | string | Long);
  /**
   * Where it ends. Absent: nowhere.
   */
  'endOffset'?: (number | string | Long);
  '_endOffset'?: "endOffset";
}

/**
 * Where a new group begins and ends in a partition.
 */
export interface ForkedPartition__Output {
  /**
   * Name of the topic.
   */
  'topic': (string);
  /**
   * The partition.
   */
  'partition': (number);
  /**
   * The next offset to read.
   */
  'offset': (number);
  /**
   * Where it ends. Absent: nowhere.
   */
  'endOffset'?: (number);
  '_endOffset'?: "endOffset";
}
