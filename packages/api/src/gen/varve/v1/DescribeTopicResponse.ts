// Original file: proto/varve/v1/admin.proto

import type { TopicDescription as _varve_v1_TopicDescription, TopicDescription__Output as _varve_v1_TopicDescription__Output } from '../../varve/v1/TopicDescription.ts';

/**
 * Answer about one topic.
 */
export interface DescribeTopicResponse {
  /**
   * The topic.
   */
  'topic'?: (_varve_v1_TopicDescription | null);
}

/**
 * Answer about one topic.
 */
export interface DescribeTopicResponse__Output {
  /**
   * The topic.
   */
  'topic': (_varve_v1_TopicDescription__Output | null);
}
