// Original file: proto/varve/v1/admin.proto

import type { TopicSummary as _varve_v1_TopicSummary, TopicSummary__Output as _varve_v1_TopicSummary__Output } from '../../varve/v1/TopicSummary.ts';

/**
 * Topics, by name.
 */
export interface ListTopicsResponse {
  /**
   * The topics.
   */
  'topics'?: (_varve_v1_TopicSummary)[];
  /**
   * What to send for the next page. Empty: this was the last.
   */
  'nextPageToken'?: (string);
}

/**
 * Topics, by name.
 */
export interface ListTopicsResponse__Output {
  /**
   * The topics.
   */
  'topics': (_varve_v1_TopicSummary__Output)[];
  /**
   * What to send for the next page. Empty: this was the last.
   */
  'nextPageToken': (string);
}
