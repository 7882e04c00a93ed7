// Original file: proto/varve/v1/log.proto

import type { Position as _varve_v1_Position, Position__Output as _varve_v1_Position__Output } from '../../varve/v1/Position.ts';

/**
 * A question about offsets.
 */
export interface ListOffsetsRequest {
  /**
   * Name of the topic.
   */
  'topic'?: (string);
  /**
   * Partitions to look at. Empty: all.
   */
  'partitions'?: (number)[];
  /**
   * The position to resolve. Absent: latest.
   */
  'position'?: (_varve_v1_Position | null);
}

/**
 * A question about offsets.
 */
export interface ListOffsetsRequest__Output {
  /**
   * Name of the topic.
   */
  'topic': (string);
  /**
   * Partitions to look at. Empty: all.
   */
  'partitions': (number)[];
  /**
   * The position to resolve. Absent: latest.
   */
  'position': (_varve_v1_Position__Output | null);
}
