// Original file: proto/varve/v1/groups.proto

import type { Position as _varve_v1_Position, Position__Output as _varve_v1_Position__Output } from '../../varve/v1/Position.ts';
import type { TopicPartition as _varve_v1_TopicPartition, TopicPartition__Output as _varve_v1_TopicPartition__Output } from '../../varve/v1/TopicPartition.ts';

/**
 * What a member wants.
 */
export interface MemberSubscription {
  /**
   * Name of the group.
   */
  'group'?: (string);
  /**
   * Name under which a restarted member gets its old partitions back, without a rebalance. Empty: none.
   */
  'instanceId'?: (string);
  /**
   * Topics to read.
   */
  'topics'?: (string)[];
  /**
   * Longest silence before the member counts as gone; it then has to send heartbeats. 0: no heartbeats are needed, the
   * connection is the sign of life, and the broker's default is how long a member may take to come back.
   */
  'sessionTimeoutMs'?: (number);
  /**
   * Name of the assignor: range, round-robin or cooperative-sticky. Empty: cooperative-sticky.
   */
  'assignor'?: (string);
  /**
   * Where to start partitions without a committed offset. Absent: latest. What it comes to is committed at once.
   */
  'start'?: (_varve_v1_Position | null);
  /**
   * Reads every topic whose whole name matches this pattern (RE2 syntax), also those that come later. Empty: none.
   */
  'topicPattern'?: (string);
  /**
   * Longest time to give back a partition. 0: the broker's default.
   */
  'rebalanceTimeoutMs'?: (number);
  /**
   * Id of an earlier answer, to go on as that member. Empty: a new member.
   */
  'memberId'?: (string);
  /**
   * Name of the program, for people.
   */
  'clientId'?: (string);
  /**
   * What a member that comes back believes to have, so that nobody else gets it meanwhile. With the topic ids of its assignments: what
   * it has of a topic that was deleted is lost to it, and the topic that has its name now is read from where the group is in that one.
   */
  'owned'?: (_varve_v1_TopicPartition)[];
  /**
   * Id that the client made for a new member, such as a UUID: 16 to 249 characters, used when member_id is empty. A join that was not
   * answered is sent again with the same id and is the same member, so that none is left behind; otherwise every new member has an id of
   * its own. Empty: the broker makes one.
   */
  'newMemberId'?: (string);
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
   * Name under which a restarted member gets its old partitions back, without a rebalance. Empty: none.
   */
  'instanceId': (string);
  /**
   * Topics to read.
   */
  'topics': (string)[];
  /**
   * Longest silence before the member counts as gone; it then has to send heartbeats. 0: no heartbeats are needed, the
   * connection is the sign of life, and the broker's default is how long a member may take to come back.
   */
  'sessionTimeoutMs': (number);
  /**
   * Name of the assignor: range, round-robin or cooperative-sticky. Empty: cooperative-sticky.
   */
  'assignor': (string);
  /**
   * Where to start partitions without a committed offset. Absent: latest. What it comes to is committed at once.
   */
  'start': (_varve_v1_Position__Output | null);
  /**
   * Reads every topic whose whole name matches this pattern (RE2 syntax), also those that come later. Empty: none.
   */
  'topicPattern': (string);
  /**
   * Longest time to give back a partition. 0: the broker's default.
   */
  'rebalanceTimeoutMs': (number);
  /**
   * Id of an earlier answer, to go on as that member. Empty: a new member.
   */
  'memberId': (string);
  /**
   * Name of the program, for people.
   */
  'clientId': (string);
  /**
   * What a member that comes back believes to have, so that nobody else gets it meanwhile. With the topic ids of its assignments: what
   * it has of a topic that was deleted is lost to it, and the topic that has its name now is read from where the group is in that one.
   */
  'owned': (_varve_v1_TopicPartition__Output)[];
  /**
   * Id that the client made for a new member, such as a UUID: 16 to 249 characters, used when member_id is empty. A join that was not
   * answered is sent again with the same id and is the same member, so that none is left behind; otherwise every new member has an id of
   * its own. Empty: the broker makes one.
   */
  'newMemberId': (string);
}
