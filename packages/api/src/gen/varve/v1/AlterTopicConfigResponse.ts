// Original file: proto/varve/v1/admin.proto

import type { ConfigEntry as _varve_v1_ConfigEntry, ConfigEntry__Output as _varve_v1_ConfigEntry__Output } from '../../varve/v1/ConfigEntry.ts';

/**
 * The configuration after the changes.
 */
export interface AlterTopicConfigResponse {
  /**
   * Every key, by name, as it is now, or would be.
   */
  'entries'?: (_varve_v1_ConfigEntry)[];
}

/**
 * The configuration after the changes.
 */
export interface AlterTopicConfigResponse__Output {
  /**
   * Every key, by name, as it is now, or would be.
   */
  'entries': (_varve_v1_ConfigEntry__Output)[];
}
