// Original file: proto/varve/v1/admin.proto

import type { ConfigSource as _varve_v1_ConfigSource, ConfigSource__Output as _varve_v1_ConfigSource__Output } from '../../varve/v1/ConfigSource.ts';

/**
 * One configuration key.
 */
export interface ConfigEntry {
  /**
   * The key, such as retention.ms.
   */
  'name'?: (string);
  /**
   * The value in force.
   */
  'value'?: (string);
  /**
   * Where it comes from.
   */
  'source'?: (_varve_v1_ConfigSource);
  /**
   * The value that holds when nobody sets it for the topic.
   */
  'defaultValue'?: (string);
  /**
   * What it does, its unit and range.
   */
  'doc'?: (string);
}

/**
 * One configuration key.
 */
export interface ConfigEntry__Output {
  /**
   * The key, such as retention.ms.
   */
  'name': (string);
  /**
   * The value in force.
   */
  'value': (string);
  /**
   * Where it comes from.
   */
  'source': (_varve_v1_ConfigSource__Output);
  /**
   * The value that holds when nobody sets it for the topic.
   */
  'defaultValue': (string);
  /**
   * What it does, its unit and range.
   */
  'doc': (string);
}
