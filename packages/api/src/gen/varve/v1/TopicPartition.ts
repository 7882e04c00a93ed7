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
  /**
   * Id of the topic: a topic that is deleted and made again has another one. Told with revoke and lost, and looked at in owned and
   * revoked. Empty: not said, and the topic is the one that has the name now.
   */
  'topicId'?: (string);
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
  /**
   * Id of the topic: a topic that is deleted and made again has another one. Told with revoke and lost, and looked at in owned and
   * revoked. Empty: not said, and the topic is the one that has the name now.
   */
  'topicId': (string);
}
