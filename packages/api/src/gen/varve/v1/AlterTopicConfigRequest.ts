// Original file: proto/varve/v1/admin.proto

import type { ConfigOperation as _varve_v1_ConfigOperation, ConfigOperation__Output as _varve_v1_ConfigOperation__Output } from '../../varve/v1/ConfigOperation.ts';

/**
 * Changes of a topic's configuration.
 */
export interface AlterTopicConfigRequest {
  /**
   * Name of the topic.
   */
  'topic'?: (string);
  /**
   * The changes. A key may occur once.
   */
  'operations'?: (_varve_v1_ConfigOperation)[];
  /**
   * Check all, change nothing.
   */
  'validateOnly'?: (boolean);
}

/**
 * Changes of a topic's configuration.
 */
export interface AlterTopicConfigRequest__Output {
  /**
   * Name of the topic.
   */
  'topic': (string);
  /**
   * The changes. A key may occur once.
   */
  'operations': (_varve_v1_ConfigOperation__Output)[];
  /**
   * Check all, change nothing.
   */
  'validateOnly': (boolean);
}
