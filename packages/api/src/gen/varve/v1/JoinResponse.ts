// Original file: proto/varve/v1/groups.proto

import type { Assignment as _varve_v1_Assignment, Assignment__Output as _varve_v1_Assignment__Output } from '../../varve/v1/Assignment.ts';
import type { CommitResult as _varve_v1_CommitResult, CommitResult__Output as _varve_v1_CommitResult__Output } from '../../varve/v1/CommitResult.ts';
import type { MemberHeartbeat as _varve_v1_MemberHeartbeat, MemberHeartbeat__Output as _varve_v1_MemberHeartbeat__Output } from '../../varve/v1/MemberHeartbeat.ts';
import type { Joined as _varve_v1_Joined, Joined__Output as _varve_v1_Joined__Output } from '../../varve/v1/Joined.ts';
import type { GroupFinished as _varve_v1_GroupFinished, GroupFinished__Output as _varve_v1_GroupFinished__Output } from '../../varve/v1/GroupFinished.ts';

/**
 * What the broker says in a member's session.
 */
export interface JoinResponse {
  /**
   * A change of what the member has.
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
   * The first message.
   */
  'joined'?: (_varve_v1_Joined | null);
  /**
   * The group has an end and has committed all of it: there is nothing to read any more. The stream ends.
   */
  'finished'?: (_varve_v1_GroupFinished | null);
  /**
   * Exactly one is set.
   */
  'message'?: "assignment"|"commit"|"heartbeat"|"joined"|"finished";
}

/**
 * What the broker says in a member's session.
 */
export interface JoinResponse__Output {
  /**
   * A change of what the member has.
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
   * The first message.
   */
  'joined'?: (_varve_v1_Joined__Output | null);
  /**
   * The group has an end and has committed all of it: there is nothing to read any more. The stream ends.
   */
  'finished'?: (_varve_v1_GroupFinished__Output | null);
  /**
   * Exactly one is set.
   */
  'message'?: "assignment"|"commit"|"heartbeat"|"joined"|"finished";
}
