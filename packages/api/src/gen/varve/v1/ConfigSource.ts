// Original file: proto/varve/v1/admin.proto

/**
 * Where a configuration value comes from.
 */
export const ConfigSource = {
  /**
   * Not stated.
   */
  CONFIG_SOURCE_UNSPECIFIED: 'CONFIG_SOURCE_UNSPECIFIED',
  /**
   * Nobody set it.
   */
  CONFIG_SOURCE_DEFAULT: 'CONFIG_SOURCE_DEFAULT',
  /**
   * The broker's own configuration.
   */
  CONFIG_SOURCE_BROKER: 'CONFIG_SOURCE_BROKER',
  /**
   * Set for this topic.
   */
  CONFIG_SOURCE_TOPIC: 'CONFIG_SOURCE_TOPIC',
} as const;

/**
 * Where a configuration value comes from.
 */
export type ConfigSource =
  /**
   * Not stated.
   */
  | 'CONFIG_SOURCE_UNSPECIFIED'
  | 0
  /**
   * Nobody set it.
   */
  | 'CONFIG_SOURCE_DEFAULT'
  | 1
  /**
   * The broker's own configuration.
   */
  | 'CONFIG_SOURCE_BROKER'
  | 2
  /**
   * Set for this topic.
   */
  | 'CONFIG_SOURCE_TOPIC'
  | 3

/**
 * Where a configuration value comes from.
 */
export type ConfigSource__Output = typeof ConfigSource[keyof typeof ConfigSource]
