// Original file: proto/varve/v1/admin.proto

import type { PartitionPlacement as _varve_v1_PartitionPlacement, PartitionPlacement__Output as _varve_v1_PartitionPlacement__Output } from '../../varve/v1/PartitionPlacement.ts';

/**
 * A topic.
 */
export interface TopicDescription {
  /**
   * Name.
   */
  'topic'?: (string);
  /**
   * Id: 32 lower-case hexadecimal digits. A topic created again under the same name has another id.
   */
  'topicId'?: (string);
  /**
   * Its partitions, by number.
   */
  'partitions'?: (_varve_v1_PartitionPlacement)[];
  /**
   * Number of copies that each partition should have.
   */
  'replicationFactor'?: (number);
  /**
   * True for topics that the cluster keeps for itself.
   */
  'internal'?: (boolean);
  /**
   * Configuration keys that were set for this topic.
   */
  'configs'?: ({[key: string]: string});
}

/**
 * A topic.
 */
export interface TopicDescription__Output {
  /**
   * Name.
   */
  'topic': (string);
  /**
   * Id: 32 lower-case hexadecimal digits. A topic created again under the same name has another id.
   */
  'topicId': (string);
  /**
   * Its partitions, by number.
   */
  'partitions': (_varve_v1_PartitionPlacement__Output)[];
  /**
   * Number of copies that each partition should have.
   */
  'replicationFactor': (number);
  /**
   * True for topics that the cluster keeps for itself.
   */
  'internal': (boolean);
  /**
   * Configuration keys that were set for this topic.
   */
  'configs': ({[key: string]: string});
}
