// Original file: proto/varve/v1/groups.proto

import type { Long } from '@grpc/proto-loader';

/**
 * How far behind a group is in a partition.
 */
export interface PartitionLag {
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
  'committedOffset'?: (number | string | Long);
  /**
   * First offset that cannot be read yet.
   */
  'highWatermark'?: (number | string | Long);
  /**
   * Number of offsets between the two.
   */
  'lag'?: (number | string | Long);
}

/**
 * How far behind a group is in a partition.
 */
export interface PartitionLag__Output {
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
  'committedOffset': (number);
  /**
   * First offset that cannot be read yet.
   */
  'highWatermark': (number);
  /**
   * Number of offsets between the two.
   */
  'lag': (number);
}
