// Original file: proto/varve/v1/groups.proto


/**
 * A partition of a topic.
 */
export interface TopicPartition {
  /**
   * Name of the topic.
   */
  'topic'?: (string);
  /**
   * The partition.
   */
  'partition'?: (number);
}

/**
 * A partition of a topic.
 */
export interface TopicPartition__Output {
  /**
   * Name of the topic.
   */
  'topic': (string);
  /**
   * The partition.
   */
  'partition': (number);
}
