// Original file: proto/varve/v1/groups.proto

import type { AssignedPartition as _varve_v1_AssignedPartition, AssignedPartition__Output as _varve_v1_AssignedPartition__Output } from '../../varve/v1/AssignedPartition.ts';
import type { TopicPartition as _varve_v1_TopicPartition, TopicPartition__Output as _varve_v1_TopicPartition__Output } from '../../varve/v1/TopicPartition.ts';

/**
 * What changes for a member. Partitions that it does not name stay as they are. A large change comes in several messages; those before
 * what has to be heard first (assign, lost) is said whole carry the generation of before, so that nothing is committed too early.
 */
export interface Assignment {
  /**
   * Id of the member.
   */
  'memberId'?: (string);
  /**
   * Number of the assignment, for commits from now on; commits of an older one are refused.
   */
  'generation'?: (number);
  /**
   * Partitions to read from the offset given. One that the member has already was moved: go on from here, and commit nothing
   * that was read before.
   */
  'assign'?: (_varve_v1_AssignedPartition)[];
  /**
   * Partitions to stop reading: commit, then answer with revoked.
   */
  'revoke'?: (_varve_v1_TopicPartition)[];
  /**
   * Partitions that are gone, with their topic or to somebody else: stop, commit nothing, answer nothing. Before assign: a partition in
   * both is one of a topic that was made again.
   */
  'lost'?: (_varve_v1_TopicPartition)[];
}

/**
 * What changes for a member. Partitions that it does not name stay as they are. A large change comes in several messages; those before
 * what has to be heard first (assign, lost) is said whole carry the generation of before, so that nothing is committed too early.
 */
export interface Assignment__Output {
  /**
   * Id of the member.
   */
  'memberId': (string);
  /**
   * Number of the assignment, for commits from now on; commits of an older one are refused.
   */
  'generation': (number);
  /**
   * Partitions to read from the offset given. One that the member has already was moved: go on from here, and commit nothing
   * that was read before.
   */
  'assign': (_varve_v1_AssignedPartition__Output)[];
  /**
   * Partitions to stop reading: commit, then answer with revoked.
   */
  'revoke': (_varve_v1_TopicPartition__Output)[];
  /**
   * Partitions that are gone, with their topic or to somebody else: stop, commit nothing, answer nothing. Before assign: a partition in
   * both is one of a topic that was made again.
   */
  'lost': (_varve_v1_TopicPartition__Output)[];
}
