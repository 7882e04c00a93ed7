// Original file: proto/varve/v1/admin.proto

import type { Position as _varve_v1_Position, Position__Output as _varve_v1_Position__Output } from '../../varve/v1/Position.ts';

/**
 * Records to be deleted in one partition.
 */
export interface PartitionDeletion {
  /**
   * The partition.
   */
  'partition'?: (number);
  /**
   * Records before this position go. latest: all that are committed.
   */
  'before'?: (_varve_v1_Position | null);
}

/**
 * Records to be deleted in one partition.
 */
export interface PartitionDeletion__Output {
  /**
   * The partition.
   */
  'partition': (number);
  /**
   * Records before this position go. latest: all that are committed.
   */
  'before': (_varve_v1_Position__Output | null);
}
