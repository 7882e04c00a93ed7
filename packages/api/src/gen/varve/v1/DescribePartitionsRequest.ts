// Original file: proto/varve/v1/admin.proto


/**
 * A question about partitions.
 */
export interface DescribePartitionsRequest {
  /**
   * Name of the topic.
   */
  'topic'?: (string);
  /**
   * Partitions to look at. Empty: all.
   */
  'partitions'?: (number)[];
}

/**
 * A question about partitions.
 */
export interface DescribePartitionsRequest__Output {
  /**
   * Name of the topic.
   */
  'topic': (string);
  /**
   * Partitions to look at. Empty: all.
   */
  'partitions': (number)[];
}
