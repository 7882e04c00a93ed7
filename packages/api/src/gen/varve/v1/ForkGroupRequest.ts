// Original file: proto/varve/v1/groups.proto

import type { Position as _varve_v1_Position, Position__Output as _varve_v1_Position__Output } from '../../varve/v1/Position.ts';
import type { End as _varve_v1_End, End__Output as _varve_v1_End__Output } from '../../varve/v1/End.ts';
import type { GroupRate as _varve_v1_GroupRate, GroupRate__Output as _varve_v1_GroupRate__Output } from '../../varve/v1/GroupRate.ts';

/**
 * A wish to make a group beside another one.
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
  /**
   * Where it ends. Absent: nowhere. An end of a count of records is refused: a group has no such thing. In a partition whose end lies
   * before its start there is nothing to read, and it ends where it starts; when that is so in every partition, the request is refused.
   */
  'end'?: (_varve_v1_End | null);
  /**
   * How fast it may read. Absent: as fast as it can.
   */
  'rate'?: (_varve_v1_GroupRate | null);
  /**
   * Only these topics. Empty: all of which the old group has committed offsets.
   */
  'topics'?: (string)[];
  /**
   * Tell what would be made, make nothing.
   */
  'validateOnly'?: (boolean);
}

/**
 * A wish to make a group beside another one.
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
  /**
   * Where it ends. Absent: nowhere. An end of a count of records is refused: a group has no such thing. In a partition whose end lies
   * before its start there is nothing to read, and it ends where it starts; when that is so in every partition, the request is refused.
   */
  'end': (_varve_v1_End__Output | null);
  /**
   * How fast it may read. Absent: as fast as it can.
   */
  'rate': (_varve_v1_GroupRate__Output | null);
  /**
   * Only these topics. Empty: all of which the old group has committed offsets.
   */
  'topics': (string)[];
  /**
   * Tell what would be made, make nothing.
   */
  'validateOnly': (boolean);
}
