// Original file: proto/varve/v1/groups.proto

import type { CommittedOffset as _varve_v1_CommittedOffset, CommittedOffset__Output as _varve_v1_CommittedOffset__Output } from '../../varve/v1/CommittedOffset.ts';

/**
 * The new group's offsets.
 */
export interface ForkGroupResponse {
  /**
   * One for each partition.
   */
  'offsets'?: (_varve_v1_CommittedOffset)[];
}

/**
 * The new group's offsets.
 */
export interface ForkGroupResponse__Output {
  /**
   * One for each partition.
   */
  'offsets': (_varve_v1_CommittedOffset__Output)[];
}
