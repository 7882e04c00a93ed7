// Original file: proto/varve/v1/peer.proto

import type { Long } from '@grpc/proto-loader';

/**
 * Metadata records.
 */
export interface WatchMetadataResponse {
  /**
   * Offset of the first record here.
   */
  'baseOffset'?: (number | string | Long);
  /**
   * The records, encoded.
   */
  'records'?: (Buffer | Uint8Array | string)[];
  /**
   * Set when from_offset is no longer kept: a snapshot to begin from.
   */
  'snapshot'?: (Buffer | Uint8Array | string);
}

/**
 * Metadata records.
 */
export interface WatchMetadataResponse__Output {
  /**
   * Offset of the first record here.
   */
  'baseOffset': (number);
  /**
   * The records, encoded.
   */
  'records': (Buffer)[];
  /**
   * Set when from_offset is no longer kept: a snapshot to begin from.
   */
  'snapshot': (Buffer);
}
