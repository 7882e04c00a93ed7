// Original file: proto/varve/v1/groups.proto

import type { MemberSubscription as _varve_v1_MemberSubscription, MemberSubscription__Output as _varve_v1_MemberSubscription__Output } from '../../varve/v1/MemberSubscription.ts';
import type { MemberCommit as _varve_v1_MemberCommit, MemberCommit__Output as _varve_v1_MemberCommit__Output } from '../../varve/v1/MemberCommit.ts';
import type { MemberHeartbeat as _varve_v1_MemberHeartbeat, MemberHeartbeat__Output as _varve_v1_MemberHeartbeat__Output } from '../../varve/v1/MemberHeartbeat.ts';
import type { MemberRevoked as _varve_v1_MemberRevoked, MemberRevoked__Output as _varve_v1_MemberRevoked__Output } from '../../varve/v1/MemberRevoked.ts';
import type { MemberLeave as _varve_v1_MemberLeave, MemberLeave__Output as _varve_v1_MemberLeave__Output } from '../../varve/v1/MemberLeave.ts';
import type { MemberTopics as _varve_v1_MemberTopics, MemberTopics__Output as _varve_v1_MemberTopics__Output } from '../../varve/v1/MemberTopics.ts';

/**
 * What a member says in its session.
 */
export interface JoinRequest {
  /**
   * The first message.
   */
  'join'?: (_varve_v1_MemberSubscription | null);
  /**
   * Offsets to commit.
   */
  'commit'?: (_varve_v1_MemberCommit | null);
  /**
   * A sign of life.
   */
  'heartbeat'?: (_varve_v1_MemberHeartbeat | null);
  /**
   * Partitions that the member has stopped reading, so that others may have them.
   */
  'revoked'?: (_varve_v1_MemberRevoked | null);
  /**
   * The member goes, and its partitions go to others at once.
   */
  'leave'?: (_varve_v1_MemberLeave | null);
  /**
   * The member wants other topics from now on.
   */
  'topics'?: (_varve_v1_MemberTopics | null);
  /**
   * Exactly one is set.
   */
  'message'?: "join"|"commit"|"heartbeat"|"revoked"|"leave"|"topics";
}

/**
 * What a member says in its session.
 */
export interface JoinRequest__Output {
  /**
   * The first message.
   */
  'join'?: (_varve_v1_MemberSubscription__Output | null);
  /**
   * Offsets to commit.
   */
  'commit'?: (_varve_v1_MemberCommit__Output | null);
  /**
   * A sign of life.
   */
  'heartbeat'?: (_varve_v1_MemberHeartbeat__Output | null);
  /**
   * Partitions that the member has stopped reading, so that others may have them.
   */
  'revoked'?: (_varve_v1_MemberRevoked__Output | null);
  /**
   * The member goes, and its partitions go to others at once.
   */
  'leave'?: (_varve_v1_MemberLeave__Output | null);
  /**
   * The member wants other topics from now on.
   */
  'topics'?: (_varve_v1_MemberTopics__Output | null);
  /**
   * Exactly one is set.
   */
  'message'?: "join"|"commit"|"heartbeat"|"revoked"|"leave"|"topics";
}
