// Original file: proto/varve/v1/groups.proto


/**
 * A member goes.
 */
export interface MemberLeave {
  /**
   * A member with an instance id will be back before its session times out: its partitions wait for it.
   */
  'willReturn'?: (boolean);
}

/**
 * A member goes.
 */
export interface MemberLeave__Output {
  /**
   * A member with an instance id will be back before its session times out: its partitions wait for it.
   */
  'willReturn': (boolean);
}
