// Original file: proto/varve/v1/admin.proto


/**
 * A lost disk to be replaced.
 */
export interface ReplaceControllerRequest {
  /**
   * Node id of the node.
   */
  'nodeId'?: (number);
  /**
   * Look who is there, change nothing.
   */
  'validateOnly'?: (boolean);
}

/**
 * A lost disk to be replaced.
 */
export interface ReplaceControllerRequest__Output {
  /**
   * Node id of the node.
   */
  'nodeId': (number);
  /**
   * Look who is there, change nothing.
   */
  'validateOnly': (boolean);
}
