// Original file: proto/varve/v1/groups.proto

import type { CommittedOffset as _varve_v1_CommittedOffset, CommittedOffset__Output as _varve_v1_CommittedOffset__Output } from '../../varve/v1/CommittedOffset.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * Offsets that a member commits.
 */
export interface MemberCommit {
  /**
   * Number of its own that the answer repeats.
   */
  'requestId'?: (number | string | Long);
  /**
   * The offsets.
   */
  'offsets'?: (_varve_v1_CommittedOffset)[];
}

/**
 * Offsets that a member commits.
 */
export interface MemberCommit__Output {
  /**
   * Number of its own that the answer repeats.
   */
  'requestId': (number);
  /**
   * The offsets.
   */
  'offsets': (_varve_v1_CommittedOffset__Output)[];
}
