// Original file: proto/varve/v1/admin.proto


/**
 * A question about one topic.
 */
export interface DescribeTopicRequest {
  /**
   * Name of the topic.
   */
  'topic'?: (string);
}

/**
 * A question about one topic.
 */
export interface DescribeTopicRequest__Output {
  /**
   * Name of the topic.
   */
  'topic': (string);
}
