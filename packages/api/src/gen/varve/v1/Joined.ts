// Original file: proto/varve/v1/groups.proto


/**
 * The member is in the group.
 */
export interface Joined {
  /**
   * Id that the broker gave to the member.
   */
  'memberId'?: (string);
  /**
   * The member's generation so far.
   */
  'generation'?: (number);
  /**
   * The session timeout that holds.
   */
  'sessionTimeoutMs'?: (number);
  /**
   * How often to send a heartbeat; 0: not at all.
   */
  'heartbeatIntervalMs'?: (number);
}

/**
 * The member is in the group.
 */
export interface Joined__Output {
  /**
   * Id that the broker gave to the member.
   */
  'memberId': (string);
  /**
   * The member's generation so far.
   */
  'generation': (number);
  /**
   * The session timeout that holds.
   */
  'sessionTimeoutMs': (number);
  /**
   * How often to send a heartbeat; 0: not at all.
   */
  'heartbeatIntervalMs': (number);
}
