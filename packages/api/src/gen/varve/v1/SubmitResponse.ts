// Original file: proto/varve/v1/peer.proto

import type { Long } from '@grpc/proto-loader';

/**
 * What a command came to.
 */
export interface SubmitResponse {
  /**
   * The outcome, encoded by the same tables.
   */
  'outcome'?: (Buffer | Uint8Array | string);
  /**
   * Term of the controller that decided. Answers of a lower term than one that was seen are of the past.
   */
  'term'?: (number | string | Long);
  /**
   * Number of the last metadata record when it was decided.
   */
  'metadataOffset'?: (number | string | Long);
}

/**
 * What a command came to.
 */
export interface SubmitResponse__Output {
  /**
   * The outcome, encoded by the same tables.
   */
  'outcome': (Buffer);
  /**
   * Term of the controller that decided. Answers of a lower term than one that was seen are of the past.
   */
  'term': (number);
  /**
   * Number of the last metadata record when it was decided.
   */
  'metadataOffset': (number);
}
