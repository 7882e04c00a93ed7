// Original file: proto/varve/v1/groups.proto

import type { GroupState as _varve_v1_GroupState, GroupState__Output as _varve_v1_GroupState__Output } from '../../varve/v1/GroupState.ts';

/**
 * A group in a list.
 */
export interface GroupSummary {
  /**
   * Name.
   */
  'group'?: (string);
  /**
   * State.
   */
  'state'?: (_varve_v1_GroupState);
  /**
   * Number of members.
   */
  'memberCount'?: (number);
}

/**
 * A group in a list.
 */
export interface GroupSummary__Output {
  /**
   * Name.
   */
  'group': (string);
  /**
   * State.
   */
  'state': (_varve_v1_GroupState__Output);
  /**
   * Number of members.
   */
  'memberCount': (number);
}
