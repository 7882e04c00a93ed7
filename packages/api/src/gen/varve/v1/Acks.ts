// Original file: proto/varve/v1/common.proto

/**
 * What a producer wants to wait for.
 */
export const Acks = {
  /**
   * The same as ACKS_ALL.
   */
  ACKS_UNSPECIFIED: 'ACKS_UNSPECIFIED',
  /**
   * Do not wait: the answer says that the request was accepted, not that it was stored.
   */
  ACKS_NONE: 'ACKS_NONE',
  /**
   * Wait until the partition's leader counts the batch.
   */
  ACKS_LEADER: 'ACKS_LEADER',
  /**
   * Wait until the batch is committed: counted by every in-sync replica.
   */
  ACKS_ALL: 'ACKS_ALL',
} as const;

/**
 * What a producer wants to wait for.
 */
export type Acks =
  /**
   * The same as ACKS_ALL.
   */
  | 'ACKS_UNSPECIFIED'
  | 0
  /**
   * Do not wait: the answer says that the request was accepted, not that it was stored.
   */
  | 'ACKS_NONE'
  | 1
  /**
   * Wait until the partition's leader counts the batch.
   */
  | 'ACKS_LEADER'
  | 2
  /**
   * Wait until the batch is committed: counted by every in-sync replica.
   */
  | 'ACKS_ALL'
  | 3

/**
 * What a producer wants to wait for.
 */
export type Acks__Output = typeof Acks[keyof typeof Acks]
