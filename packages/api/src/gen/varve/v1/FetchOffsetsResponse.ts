// Original file: proto/varve/v1/groups.proto

import type { CommittedOffset as _varve_v1_CommittedOffset, CommittedOffset__Output as _varve_v1_CommittedOffset__Output } from '../../varve/v1/CommittedOffset.ts';

/**
 * Committed offsets.
 */
export interface FetchOffsetsResponse {
  /**
   * One for each partition.
   */
  'offsets'?: (_varve_v1_CommittedOffset)[];
}

/**
 * Committed offsets.
 */
export interface FetchOffsetsResponse__Output {
  /**
   * One for each partition.
   */
  'offsets': (_varve_v1_CommittedOffset__Output)[];
}
