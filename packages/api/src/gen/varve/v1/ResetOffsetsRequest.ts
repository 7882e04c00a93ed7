// Original file: proto/varve/v1/groups.proto

import type { Position as _varve_v1_Position, Position__Output as _varve_v1_Position__Output } from '../../varve/v1/Position.ts';

/**
 * A wish to move a group.
 */
export interface ResetOffsetsRequest {
  /**
   * Name of the group.
   */
  'group'?: (string);
  /**
   * Name of the topic. Empty: every topic of which the group has committed offsets.
   */
  'topic'?: (string);
  /**
   * Partitions to move. Empty: all.
   */
  'partitions'?: (number)[];
  /**
   * Where to.
   */
  'position'?: (_varve_v1_Position | null);
  /**
   * Tell what would happen, change nothing.
   */
  'validateOnly'?: (boolean);
}

/**
 * A wish to move a group.
 */
export interface ResetOffsetsRequest__Output {
  /**
   * Name of the group.
   */
  'group': (string);
  /**
   * Name of the topic. Empty: every topic of which the group has committed offsets.
   */
  'topic': (string);
  /**
   * Partitions to move. Empty: all.
   */
  'partitions': (number)[];
  /**
   * Where to.
   */
  'position': (_varve_v1_Position__Output | null);
  /**
   * Tell what would happen, change nothing.
   */
  'validateOnly': (boolean);
}
