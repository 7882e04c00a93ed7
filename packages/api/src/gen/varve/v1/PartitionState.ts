// Original file: proto/varve/v1/admin.proto

/**
 * State of a partition.
 */
export const PartitionState = {
  /**
   * Not stated.
   */
  PARTITION_STATE_UNSPECIFIED: 'PARTITION_STATE_UNSPECIFIED',
  /**
   * Serves reads and writes.
   */
  PARTITION_STATE_ONLINE: 'PARTITION_STATE_ONLINE',
  /**
   * Has no leader.
   */
  PARTITION_STATE_OFFLINE: 'PARTITION_STATE_OFFLINE',
  /**
   * Its log waits for a new leader epoch before it takes writes.
   */
  PARTITION_STATE_NEEDS_EPOCH: 'PARTITION_STATE_NEEDS_EPOCH',
  /**
   * Damage to acknowledged records was found. See AcceptLoss.
   */
  PARTITION_STATE_QUARANTINED: 'PARTITION_STATE_QUARANTINED',
  /**
   * Its disk failed.
   */
  PARTITION_STATE_FAILED: 'PARTITION_STATE_FAILED',
} as const;

/**
 * State of a partition.
 */
export type PartitionState =
  /**
   * Not stated.
   */
  | 'PARTITION_STATE_UNSPECIFIED'
  | 0
  /**
   * Serves reads and writes.
   */
  | 'PARTITION_STATE_ONLINE'
  | 1
  /**
   * Has no leader.
   */
  | 'PARTITION_STATE_OFFLINE'
  | 2
  /**
   * Its log waits for a new leader epoch before it takes writes.
   */
  | 'PARTITION_STATE_NEEDS_EPOCH'
  | 3
  /**
   * Damage to acknowledged records was found. See AcceptLoss.
   */
  | 'PARTITION_STATE_QUARANTINED'
  | 4
  /**
   * Its disk failed.
   */
  | 'PARTITION_STATE_FAILED'
  | 5

/**
 * State of a partition.
 */
export type PartitionState__Output = typeof PartitionState[keyof typeof PartitionState]
