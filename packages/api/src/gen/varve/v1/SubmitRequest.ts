// Original file: proto/varve/v1/peer.proto


/**
 * A command.
 */
export interface SubmitRequest {
  /**
   * The command, encoded by the tables of Varve's cluster package. They are no part of this interface.
   */
  'command'?: (Buffer | Uint8Array | string);
}

/**
 * A command.
 */
export interface SubmitRequest__Output {
  /**
   * The command, encoded by the tables of Varve's cluster package. They are no part of this interface.
   */
  'command': (Buffer);
}
