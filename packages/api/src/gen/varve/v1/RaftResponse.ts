// Original file: proto/varve/v1/peer.proto


/**
 * Raft messages in the other direction.
 */
export interface RaftResponse {
  /**
   * Encoded messages, in order.
   */
  'messages'?: (Buffer | Uint8Array | string)[];
}

/**
 * Raft messages in the other direction.
 */
export interface RaftResponse__Output {
  /**
   * Encoded messages, in order.
   */
  'messages': (Buffer)[];
}
