// Original file: proto/varve/v1/groups.proto

import type { GroupRate as _varve_v1_GroupRate, GroupRate__Output as _varve_v1_GroupRate__Output } from '../../varve/v1/GroupRate.ts';

/**
 * What holds for the group now.
 */
export interface ConfigureGroupResponse {
  /**
   * How fast it may read.
   */
  'rate'?: (_varve_v1_GroupRate | null);
}

/**
 * What holds for the group now.
 */
export interface ConfigureGroupResponse__Output {
  /**
   * How fast it may read.
   */
  'rate': (_varve_v1_GroupRate__Output | null);
}
