// Original file: proto/varve/v1/admin.proto

/**
 * State of a broker.
 */
export const BrokerState = {
  /**
   * Not stated.
   */
  BROKER_STATE_UNSPECIFIED: 'BROKER_STATE_UNSPECIFIED',
  /**
   * Alive; may lead partitions.
   */
  BROKER_STATE_ACTIVE: 'BROKER_STATE_ACTIVE',
  /**
   * Not heard from, or not caught up yet; leads nothing.
   */
  BROKER_STATE_FENCED: 'BROKER_STATE_FENCED',
  /**
   * Handing over its partitions.
   */
  BROKER_STATE_SHUTTING_DOWN: 'BROKER_STATE_SHUTTING_DOWN',
} as const;

/**
 * State of a broker.
 */
export type BrokerState =
  /**
   * Not stated.
   */
  | 'BROKER_STATE_UNSPECIFIED'
  | 0
  /**
   * Alive; may lead partitions.
   */
  | 'BROKER_STATE_ACTIVE'
  | 1
  /**
   * Not heard from, or not caught up yet; leads nothing.
   */
  | 'BROKER_STATE_FENCED'
  | 2
  /**
   * Handing over its partitions.
   */
  | 'BROKER_STATE_SHUTTING_DOWN'
  | 3

/**
 * State of a broker.
 */
export type BrokerState__Output = typeof BrokerState[keyof typeof BrokerState]
