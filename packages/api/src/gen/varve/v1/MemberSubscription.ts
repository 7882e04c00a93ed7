// Original file: proto/varve/v1/groups.proto

import type { Position as _varve_v1_Position, Position__Output as _varve_v1_Position__Output } from '../../varve/v1/Position.ts';

/**
 * What a member wants.
 */
export interface MemberSubscription {
  /**
   * Name of the group.
   */
  'group'?: (string);
  /**
   * Name under which a restarted member gets its old partitions back. Empty: none.
   */
  'instanceId'?: (string);
  /**
   * Topics to read.
   */
  'topics'?: (string)[];
  /**
   * Longest silence before the member counts as gone. 0: the broker's default.
   */
  'sessionTimeoutMs'?: (number);
  /**
   * Name of the assignor: range, round-robin or cooperative-sticky. Empty: cooperative-sticky.
   */
  'assignor'?: (string);
  /**
   * Where to start partitions without a committed offset. Absent: latest.
   */
  'start'?: (_varve_v1_Position | null);
}

/**
 * What a member wants.
 */
export interface MemberSubscription__Output {
  /**
   * Name of the group.
   */
  'group': (string);
  /**
   * Name under which a restarted member gets its old partitions back. Empty: none.
   */
  'instanceId': (string);
  /**
   * Topics to read.
   */
  'topics': (string)[];
  /**
   * Longest silence before the member counts as gone. 0: the broker's default.
   */
  'sessionTimeoutMs': (number);
  /**
   * Name of the assignor: range, round-robin or cooperative-sticky. Empty: cooperative-sticky.
   */
  'assignor': (string);
  /**
   * Where to start partitions without a committed offset. Absent: latest.
   */
  'start': (_varve_v1_Position__Output | null);
}
