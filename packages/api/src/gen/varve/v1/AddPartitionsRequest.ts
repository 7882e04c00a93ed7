// Original file: proto/varve/v1/admin.proto


/**
 * A wish for more partitions.
 */
export interface AddPartitionsRequest {
  /**
   * Name of the topic.
   */
  'topic'?: (string);
  /**
   * Number of partitions that it shall have in all.
   */
  'totalCount'?: (number);
  /**
   * Check all, change nothing.
   */
  'validateOnly'?: (boolean);
}

/**
 * A wish for more partitions.
 */
export interface AddPartitionsRequest__Output {
  /**
   * Name of the topic.
   */
  'topic': (string);
  /**
   * Number of partitions that it shall have in all.
   */
  'totalCount': (number);
  /**
   * Check all, change nothing.
   */
  'validateOnly': (boolean);
}
