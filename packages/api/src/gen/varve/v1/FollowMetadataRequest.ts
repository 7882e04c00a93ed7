// Original file: proto/varve/v1/peer.proto

import type { Long } from '@grpc/proto-loader';

/**
 * What a broker knows.
 */
export interface FollowMetadataRequest {
  /**
   * Number of the last metadata record that it has; 0: none.
   */
  'metadataOffset'?: (number | string | Long);
  /**
   * Digest of its image there, 16 hexadecimal digits.
   */
  'digest'?: (string);
}

/**
 * What a broker knows.
 */
export interface FollowMetadataRequest__Output {
  /**
   * Number of the last metadata record that it has; 0: none.
   */
  'metadataOffset': (number);
  /**
   * Digest of its image there, 16 hexadecimal digits.
   */
  'digest': (string);
}
