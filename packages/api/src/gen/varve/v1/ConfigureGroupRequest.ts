// Original file: proto/varve/v1/groups.proto

import type { GroupRate as _varve_v1_GroupRate, GroupRate__Output as _varve_v1_GroupRate__Output } from '../../varve/v1/GroupRate.ts';

/**
 * A wish to limit a group.
 */
export interface ConfigureGroupRequest {
  /**
   * Name of the group. It need not exist yet.
   */
  'group'?: (string);
  /**
   * How fast it may read. Absent: as it is.
   */
  'rate'?: (_varve_v1_GroupRate | null);
}

/**
 * A wish to limit a group.
 */
export interface ConfigureGroupRequest__Output {
  /**
   * Name of the group. It need not exist yet.
   */
  'group': (string);
  /**
   * How fast it may read. Absent: as it is.
   */
  'rate': (_varve_v1_GroupRate__Output | null);
}
