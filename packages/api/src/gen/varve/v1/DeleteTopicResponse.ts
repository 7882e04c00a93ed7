// Original file: proto/varve/v1/admin.proto

import type { TopicDescription as _varve_v1_TopicDescription, TopicDescription__Output as _varve_v1_TopicDescription__Output } from '../../varve/v1/TopicDescription.ts';

/**
 * A topic that was deleted, or would have been.
 */
export interface DeleteTopicResponse {
  /**
   * The topic as it was.
   */
  'topic'?: (_varve_v1_TopicDescription | null);
}

/**
 * A topic that was deleted, or would have been.
 */
export interface DeleteTopicResponse__Output {
  /**
   * The topic as it was.
   */
  'topic': (_varve_v1_TopicDescription__Output | null);
}
