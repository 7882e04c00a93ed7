// Original file: proto/varve/v1/groups.proto

import type { CommittedOffset as _varve_v1_CommittedOffset, CommittedOffset__Output as _varve_v1_CommittedOffset__Output } from '../../varve/v1/CommittedOffset.ts';

/**
 * Offsets to commit.
 */
export interface CommitOffsetsRequest {
  /**
   * Name of the group.
   */
  'group'?: (string);
  /**
   * Id of the member; empty for a group without members.
   */
  'memberId'?: (string);
  /**
   * Generation of the member; not looked at for a group without members.
   */
  'generation'?: (number);
  /**
   * The offsets.
   */
  'offsets'?: (_varve_v1_CommittedOffset)[];
}

/**
 * Offsets to commit.
 */
export interface CommitOffsetsRequest__Output {
  /**
   * Name of the group.
   */
  'group': (string);
  /**
   * Id of the member; empty for a group without members.
   */
  'memberId': (string);
  /**
   * Generation of the member; not looked at for a group without members.
   */
  'generation': (number);
  /**
   * The offsets.
   */
  'offsets': (_varve_v1_CommittedOffset__Output)[];
}
