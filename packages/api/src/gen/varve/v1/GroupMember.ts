// Original file: proto/varve/v1/groups.proto

import type { TopicPartition as _varve_v1_TopicPartition, TopicPartition__Output as _varve_v1_TopicPartition__Output } from '../../varve/v1/TopicPartition.ts';

/**
 * A member of a group.
 */
export interface GroupMember {
  /**
   * Id that the broker gave to it.
   */
  'memberId'?: (string);
  /**
   * Its own lasting name. Empty: none.
   */
  'instanceId'?: (string);
  /**
   * Address that it connects from.
   */
  'clientAddress'?: (string);
  /**
   * Its partitions, those included that it is asked to give back.
   */
  'partitions'?: (_varve_v1_TopicPartition)[];
  /**
   * Name of the program.
   */
  'clientId'?: (string);
  /**
   * Number of its assignment.
   */
  'generation'?: (number);
  /**
   * Partitions that it is asked to give back.
   */
  'revoking'?: (_varve_v1_TopicPartition)[];
}

/**
 * A member of a group.
 */
export interface GroupMember__Output {
  /**
   * Id that the broker gave to it.
   */
  'memberId': (string);
  /**
   * Its own lasting name. Empty: none.
   */
  'instanceId': (string);
  /**
   * Address that it connects from.
   */
  'clientAddress': (string);
  /**
   * Its partitions, those included that it is asked to give back.
   */
  'partitions': (_varve_v1_TopicPartition__Output)[];
  /**
   * Name of the program.
   */
  'clientId': (string);
  /**
   * Number of its assignment.
   */
  'generation': (number);
  /**
   * Partitions that it is asked to give back.
   */
  'revoking': (_varve_v1_TopicPartition__Output)[];
}
