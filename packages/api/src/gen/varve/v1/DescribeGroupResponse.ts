// Original file: proto/varve/v1/groups.proto

import type { GroupState as _varve_v1_GroupState, GroupState__Output as _varve_v1_GroupState__Output } from '../../varve/v1/GroupState.ts';
import type { GroupMember as _varve_v1_GroupMember, GroupMember__Output as _varve_v1_GroupMember__Output } from '../../varve/v1/GroupMember.ts';
import type { PartitionLag as _varve_v1_PartitionLag, PartitionLag__Output as _varve_v1_PartitionLag__Output } from '../../varve/v1/PartitionLag.ts';

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
   * Offset and lag of each partition.
   */
  'lags'?: (_varve_v1_PartitionLag)[];
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
   * Offset and lag of each partition.
   */
  'lags': (_varve_v1_PartitionLag__Output)[];
}
