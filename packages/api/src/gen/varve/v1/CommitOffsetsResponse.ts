// Original file: proto/varve/v1/groups.proto

import type { CommittedOffset as _varve_v1_CommittedOffset, CommittedOffset__Output as _varve_v1_CommittedOffset__Output } from '../../varve/v1/CommittedOffset.ts';

/**
 * What became of a commit.
 */
export interface CommitOffsetsResponse {
  /**
   * One for each partition, in order.
   */
  'offsets'?: (_varve_v1_CommittedOffset)[];
}

/**
 * What became of a commit.
 */
export interface CommitOffsetsResponse__Output {
  /**
   * One for each partition, in order.
   */
  'offsets': (_varve_v1_CommittedOffset__Output)[];
}
