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
   * Each the next offset to read.
   */
  'offsets'?: (_varve_v1_CommittedOffset)[];
  /**
   * Generation of the newest assignment that the member has taken in. An older one is refused.
   */
  'generation'?: (number);
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
   * Each the next offset to read.
   */
  'offsets': (_varve_v1_CommittedOffset__Output)[];
  /**
   * Generation of the newest assignment that the member has taken in. An older one is refused.
   */
  'generation': (number);
}
