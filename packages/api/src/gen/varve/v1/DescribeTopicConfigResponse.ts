// Original file: proto/varve/v1/admin.proto

import type { ConfigEntry as _varve_v1_ConfigEntry, ConfigEntry__Output as _varve_v1_ConfigEntry__Output } from '../../varve/v1/ConfigEntry.ts';

/**
 * Answer about configuration.
 */
export interface DescribeTopicConfigResponse {
  /**
   * Every key, by name.
   */
  'entries'?: (_varve_v1_ConfigEntry)[];
}

/**
 * Answer about configuration.
 */
export interface DescribeTopicConfigResponse__Output {
  /**
   * Every key, by name.
   */
  'entries': (_varve_v1_ConfigEntry__Output)[];
}
