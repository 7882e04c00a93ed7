// Original file: proto/varve/v1/peer.proto

import type { Long } from '@grpc/proto-loader';

/**
 * A wish to follow the metadata.
 */
export interface WatchMetadataRequest {
  /**
   * The first record to send.
   */
  'fromOffset'?: (number | string | Long);
}

/**
 * A wish to follow the metadata.
 */
export interface WatchMetadataRequest__Output {
  /**
   * The first record to send.
   */
  'fromOffset': (number);
}
