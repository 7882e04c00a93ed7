// Original file: proto/varve/v1/groups.proto

/**
 * State of a group.
 */
export const GroupState = {
  /**
   * Not stated.
   */
  GROUP_STATE_UNSPECIFIED: 'GROUP_STATE_UNSPECIFIED',
  /**
   * Has no members.
   */
  GROUP_STATE_EMPTY: 'GROUP_STATE_EMPTY',
  /**
   * Partitions are being handed over.
   */
  GROUP_STATE_REBALANCING: 'GROUP_STATE_REBALANCING',
  /**
   * Every member has its partitions.
   */
  GROUP_STATE_STABLE: 'GROUP_STATE_STABLE',
  /**
   * Has an end, and has committed all of it.
   */
  GROUP_STATE_FINISHED: 'GROUP_STATE_FINISHED',
} as const;

/**
 * State of a group.
 */
export type GroupState =
  /**
   * Not stated.
   */
  | 'GROUP_STATE_UNSPECIFIED'
  | 0
  /**
   * Has no members.
   */
  | 'GROUP_STATE_EMPTY'
  | 1
  /**
   * Partitions are being handed over.
   */
  | 'GROUP_STATE_REBALANCING'
  | 2
  /**
   * Every member has its partitions.
   */
  | 'GROUP_STATE_STABLE'
  | 3
  /**
   * Has an end, and has committed all of it.
   */
  | 'GROUP_STATE_FINISHED'
  | 4

/**
 * State of a group.
 */
export type GroupState__Output = typeof GroupState[keyof typeof GroupState]
