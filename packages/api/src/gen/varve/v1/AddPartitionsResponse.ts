// Original file: proto/varve/v1/admin.proto

import type { TopicDescription as _varve_v1_TopicDescription, TopicDescription__Output as _varve_v1_TopicDescription__Output } from '../../varve/v1/TopicDescription.ts';

/**
 * A topic with more partitions.
 */
export interface AddPartitionsResponse {
  /**
   * The topic as it is now, or would be.
   */
  'topic'?: (_varve_v1_TopicDescription | null);
}

/**
 * A topic with more partitions.
 */
export interface AddPartitionsResponse__Output {
  /**
   * The topic as it is now, or would be.
   */
  'topic': (_varve_v1_TopicDescription__Output | null);
}
