// Original file: proto/varve/v1/peer.proto


/**
 * Raft messages.
 */
export interface RaftRequest {
  /**
   * Encoded messages, in order.
   */
  'messages'?: (Buffer | Uint8Array | string)[];
}

/**
 * Raft messages.
 */
export interface RaftRequest__Output {
  /**
   * Encoded messages, in order.
   */
  'messages': (Buffer)[];
}
