// Original file: proto/varve/v1/peer.proto


/**
 * As Admin's ReplaceControllerRequest.
 */
export interface ReplaceMemberRequest {
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
 * As Admin's ReplaceControllerRequest.
 */
export interface ReplaceMemberRequest__Output {
  /**
   * Node id of the node.
   */
  'nodeId': (number);
  /**
   * Look who is there, change nothing.
   */
  'validateOnly': (boolean);
}
