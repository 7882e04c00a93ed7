// Original file: proto/varve/v1/groups.proto

import type { CommittedOffset as _varve_v1_CommittedOffset, CommittedOffset__Output as _varve_v1_CommittedOffset__Output } from '../../varve/v1/CommittedOffset.ts';
import type { TopicPartition as _varve_v1_TopicPartition, TopicPartition__Output as _varve_v1_TopicPartition__Output } from '../../varve/v1/TopicPartition.ts';

/**
 * The partitions that a member has from now on.
 */
export interface Assignment {
  /**
   * Id that the broker gave to the member.
   */
  'memberId'?: (string);
  /**
   * Number of the assignment; commits of an older one are refused.
   */
  'generation'?: (number);
  /**
   * Partitions, each with the offset to go on from.
   */
  'partitions'?: (_varve_v1_CommittedOffset)[];
  /**
   * Partitions to stop reading; answer with revoked.
   */
  'revoke'?: (_varve_v1_TopicPartition)[];
}

/**
 * The partitions that a member has from now on.
 */
export interface Assignment__Output {
  /**
   * Id that the broker gave to the member.
   */
  'memberId': (string);
  /**
   * Number of the assignment; commits of an older one are refused.
   */
  'generation': (number);
  /**
   * Partitions, each with the offset to go on from.
   */
  'partitions': (_varve_v1_CommittedOffset__Output)[];
  /**
   * Partitions to stop reading; answer with revoked.
   */
  'revoke': (_varve_v1_TopicPartition__Output)[];
}
