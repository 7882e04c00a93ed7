// Original file: proto/varve/v1/admin.proto


/**
 * Damage to be given up.
 */
export interface AcceptLossRequest {
  /**
   * Name of the topic.
   */
  'topic'?: (string);
  /**
   * The partition.
   */
  'partition'?: (number);
  /**
   * Tell what would be lost, change nothing.
   */
  'validateOnly'?: (boolean);
}

/**
 * Damage to be given up.
 */
export interface AcceptLossRequest__Output {
  /**
   * Name of the topic.
   */
  'topic': (string);
  /**
   * The partition.
   */
  'partition': (number);
  /**
   * Tell what would be lost, change nothing.
   */
  'validateOnly': (boolean);
}
