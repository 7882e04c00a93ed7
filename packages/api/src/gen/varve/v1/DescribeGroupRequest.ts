// Original file: proto/varve/v1/groups.proto


/**
 * A question about one group.
 */
export interface DescribeGroupRequest {
  /**
   * Name of the group.
   */
  'group'?: (string);
}

/**
 * A question about one group.
 */
export interface DescribeGroupRequest__Output {
  /**
   * Name of the group.
   */
  'group': (string);
}
