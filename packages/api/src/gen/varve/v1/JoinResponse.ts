// Original file: proto/varve/v1/groups.proto

import type { Assignment as _varve_v1_Assignment, Assignment__Output as _varve_v1_Assignment__Output } from '../../varve/v1/Assignment.ts';
import type { CommitResult as _varve_v1_CommitResult, CommitResult__Output as _varve_v1_CommitResult__Output } from '../../varve/v1/CommitResult.ts';
import type { MemberHeartbeat as _varve_v1_MemberHeartbeat, MemberHeartbeat__Output as _varve_v1_MemberHeartbeat__Output } from '../../varve/v1/MemberHeartbeat.ts';

/**
 * What the broker says in a member's session.
 */
export interface JoinResponse {
  /**
   * A new assignment.
   */
  'assignment'?: (_varve_v1_Assignment | null);
  /**
   * Answer to a commit.
   */
  'commit'?: (_varve_v1_CommitResult | null);
  /**
   * Answer to a heartbeat.
   */
  'heartbeat'?: (_varve_v1_MemberHeartbeat | null);
  /**
   * Exactly one is set.
   */
  'message'?: "assignment"|"commit"|"heartbeat";
}

/**
 * What the broker says in a member's session.
 */
export interface JoinResponse__Output {
  /**
   * A new assignment.
   */
  'assignment'?: (_varve_v1_Assignment__Output | null);
  /**
   * Answer to a commit.
   */
  'commit'?: (_varve_v1_CommitResult__Output | null);
  /**
   * Answer to a heartbeat.
   */
  'heartbeat'?: (_varve_v1_MemberHeartbeat__Output | null);
  /**
   * Exactly one is set.
   */
  'message'?: "assignment"|"commit"|"heartbeat";
}
