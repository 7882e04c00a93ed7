// Original file: proto/varve/v1/admin.proto


/**
 * A question about configuration.
 */
export interface DescribeTopicConfigRequest {
  /**
   * Name of the topic. Empty: the defaults of the cluster.
   */
  'topic'?: (string);
}

/**
 * A question about configuration.
 */
export interface DescribeTopicConfigRequest__Output {
  /**
   * Name of the topic. Empty: the defaults of the cluster.
   */
  'topic': (string);
}
