// Original file: proto/varve/v1/common.proto

/**
 * What had happened when the answer was sent.
 */
export const AckLevel = {
  /**
   * Not stated.
   */
  ACK_LEVEL_UNSPECIFIED: 'ACK_LEVEL_UNSPECIFIED',
  /**
   * The request was accepted; nothing is promised.
   */
  ACK_LEVEL_NONE: 'ACK_LEVEL_NONE',
  /**
   * The leader counts the batch; a failover can still lose it.
   */
  ACK_LEVEL_LEADER: 'ACK_LEVEL_LEADER',
  /**
   * The batch is committed.
   */
  ACK_LEVEL_ALL: 'ACK_LEVEL_ALL',
} as const;

/**
 * What had happened when the answer was sent.
 */
export type AckLevel =
  /**
   * Not stated.
   */
  | 'ACK_LEVEL_UNSPECIFIED'
  | 0
  /**
   * The request was accepted; nothing is promised.
   */
  | 'ACK_LEVEL_NONE'
  | 1
  /**
   * The leader counts the batch; a failover can still lose it.
   */
  | 'ACK_LEVEL_LEADER'
  | 2
  /**
   * The batch is committed.
   */
  | 'ACK_LEVEL_ALL'
  | 3

/**
 * What had happened when the answer was sent.
 */
export type AckLevel__Output = typeof AckLevel[keyof typeof AckLevel]
