// Original file: proto/varve/v1/peer.proto


/**
 * Answer to a sign of life.
 */
export interface BrokerHeartbeatResponse {
  /**
   * The broker leads nothing for now.
   */
  'fenced'?: (boolean);
  /**
   * Its partitions are handed over: it may stop.
   */
  'mayStop'?: (boolean);
}

/**
 * Answer to a sign of life.
 */
export interface BrokerHeartbeatResponse__Output {
  /**
   * The broker leads nothing for now.
   */
  'fenced': (boolean);
  /**
   * Its partitions are handed over: it may stop.
   */
  'mayStop': (boolean);
}
