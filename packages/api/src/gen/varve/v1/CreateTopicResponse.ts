// Original file: proto/varve/v1/admin.proto

import type { TopicDescription as _varve_v1_TopicDescription, TopicDescription__Output as _varve_v1_TopicDescription__Output } from '../../varve/v1/TopicDescription.ts';

/**
 * A topic that was created, or would have been.
 */
export interface CreateTopicResponse {
  /**
   * The topic. With validate_only it has no id and no leaders.
   */
  'topic'?: (_varve_v1_TopicDescription | null);
}

/**
 * A topic that was created, or would have been.
 */
export interface CreateTopicResponse__Output {
  /**
   * The topic. With validate_only it has no id and no leaders.
   */
  'topic': (_varve_v1_TopicDescription__Output | null);
}
