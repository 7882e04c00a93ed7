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
   * Always -1: nothing can be committed before the first assignment, which follows at once and may be empty. What a member that
   * comes back had before may be somebody else's by now, or may have been moved.
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
   * Always -1: nothing can be committed before the first assignment, which follows at once and may be empty. What a member that
   * comes back had before may be somebody else's by now, or may have been moved.
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
