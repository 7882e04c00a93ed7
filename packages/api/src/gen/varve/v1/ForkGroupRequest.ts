// Original file: proto/varve/v1/groups.proto

import type { Position as _varve_v1_Position, Position__Output as _varve_v1_Position__Output } from '../../varve/v1/Position.ts';

/**
 * A wish to copy a group.
 */
export interface ForkGroupRequest {
  /**
   * Name of the group to copy.
   */
  'group'?: (string);
  /**
   * Name of the new group; it must not exist.
   */
  'newGroup'?: (string);
  /**
   * Where the new group starts. Absent: where the old one is.
   */
  'position'?: (_varve_v1_Position | null);
}

/**
 * A wish to copy a group.
 */
export interface ForkGroupRequest__Output {
  /**
   * Name of the group to copy.
   */
  'group': (string);
  /**
   * Name of the new group; it must not exist.
   */
  'newGroup': (string);
  /**
   * Where the new group starts. Absent: where the old one is.
   */
  'position': (_varve_v1_Position__Output | null);
}
