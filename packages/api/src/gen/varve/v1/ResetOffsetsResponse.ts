// Original file: proto/varve/v1/groups.proto

import type { CommittedOffset as _varve_v1_CommittedOffset, CommittedOffset__Output as _varve_v1_CommittedOffset__Output } from '../../varve/v1/CommittedOffset.ts';

/**
 * Where a group is now.
 */
export interface ResetOffsetsResponse {
  /**
   * One for each partition.
   */
  'offsets'?: (_varve_v1_CommittedOffset)[];
}

/**
 * Where a group is now.
 */
export interface ResetOffsetsResponse__Output {
  /**
   * One for each partition.
   */
  'offsets': (_varve_v1_CommittedOffset__Output)[];
}
