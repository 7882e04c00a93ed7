// Original file: proto/varve/v1/admin.proto


/**
 * A topic in a list.
 */
export interface TopicSummary {
  /**
   * Name.
   */
  'topic'?: (string);
  /**
   * Id: 32 lower-case hexadecimal digits.
   */
  'topicId'?: (string);
  /**
   * Number of partitions.
   */
  'partitionCount'?: (number);
  /**
   * Number of copies that each partition should have.
   */
  'replicationFactor'?: (number);
  /**
   * True for topics that the cluster keeps for itself.
   */
  'internal'?: (boolean);
}

/**
 * A topic in a list.
 */
export interface TopicSummary__Output {
  /**
   * Name.
   */
  'topic': (string);
  /**
   * Id: 32 lower-case hexadecimal digits.
   */
  'topicId': (string);
  /**
   * Number of partitions.
   */
  'partitionCount': (number);
  /**
   * Number of copies that each partition should have.
   */
  'replicationFactor': (number);
  /**
   * True for topics that the cluster keeps for itself.
   */
  'internal': (boolean);
}
