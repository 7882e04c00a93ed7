// Original file: proto/varve/v1/groups.proto

import type { GroupState as _varve_v1_GroupState, GroupState__Output as _varve_v1_GroupState__Output } from '../../varve/v1/GroupState.ts';
import type { GroupMember as _varve_v1_GroupMember, GroupMember__Output as _varve_v1_GroupMember__Output } from '../../varve/v1/GroupMember.ts';
import type { PartitionLag as _varve_v1_PartitionLag, PartitionLag__Output as _varve_v1_PartitionLag__Output } from '../../varve/v1/PartitionLag.ts';
import type { GroupRate as _varve_v1_GroupRate, GroupRate__Output as _varve_v1_GroupRate__Output } from '../../varve/v1/GroupRate.ts';
import type { LeaderHint as _varve_v1_LeaderHint, LeaderHint__Output as _varve_v1_LeaderHint__Output } from '../../varve/v1/LeaderHint.ts';

/**
 * Answer about one group.
 */
export interface DescribeGroupResponse {
  /**
   * Name.
   */
  'group'?: (string);
  /**
   * State.
   */
  'state'?: (_varve_v1_GroupState);
  /**
   * Number of the present assignment.
   */
  'generation'?: (number);
  /**
   * Name of the assignor.
   */
  'assignor'?: (string);
  /**
   * Its members, by id.
   */
  'members'?: (_varve_v1_GroupMember)[];
  /**
   * Offset and lag of each partition that has a committed offset or a member.
   */
  'lags'?: (_varve_v1_PartitionLag)[];
  /**
   * How fast it may read.
   */
  'rate'?: (_varve_v1_GroupRate | null);
  /**
   * Node that keeps the group.
   */
  'coordinator'?: (_varve_v1_LeaderHint | null);
}

/**
 * Answer about one group.
 */
export interface DescribeGroupResponse__Output {
  /**
   * Name.
   */
  'group': (string);
  /**
   * State.
   */
  'state': (_varve_v1_GroupState__Output);
  /**
   * Number of the present assignment.
   */
  'generation': (number);
  /**
   * Name of the assignor.
   */
  'assignor': (string);
  /**
   * Its members, by id.
   */
  'members': (_varve_v1_GroupMember__Output)[];
  /**
   * Offset and lag of each partition that has a committed offset or a member.
   */
  'lags': (_varve_v1_PartitionLag__Output)[];
  /**
   * How fast it may read.
   */
  'rate': (_varve_v1_GroupRate__Output | null);
  /**
   * Node that keeps the group.
   */
  'coordinator': (_varve_v1_LeaderHint__Output | null);
}
