// Original file: proto/varve/v1/groups.proto

import type { TopicPartition as _varve_v1_TopicPartition, TopicPartition__Output as _varve_v1_TopicPartition__Output } from '../../varve/v1/TopicPartition.ts';

/**
 * Partitions that a member gave back.
 */
export interface MemberRevoked {
  /**
   * Generation of the newest assignment that the member has taken in.
   */
  'generation'?: (number);
  /**
   * The partitions.
   */
  'partitions'?: (_varve_v1_TopicPartition)[];
}

/**
 * Partitions that a member gave back.
 */
export interface MemberRevoked__Output {
  /**
   * Generation of the newest assignment that the member has taken in.
   */
  'generation': (number);
  /**
   * The partitions.
   */
  'partitions': (_varve_v1_TopicPartition__Output)[];
}
