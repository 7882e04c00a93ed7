// Original file: proto/varve/v1/peer.proto

import type { Long } from '@grpc/proto-loader';

/**
 * A piece of a snapshot.
 */
export interface InstallSnapshotRequest {
  /**
   * Index of the last entry that the snapshot covers.
   */
  'index'?: (number | string | Long);
  /**
   * Term of that entry.
   */
  'term'?: (number | string | Long);
  /**
   * Where this piece begins.
   */
  'position'?: (number | string | Long);
  /**
   * The piece.
   */
  'chunk'?: (Buffer | Uint8Array | string);
  /**
   * CRC-32C of the whole snapshot; set with the last piece.
   */
  'crc32c'?: (number);
  '_crc32c'?: "crc32c";
}

/**
 * A piece of a snapshot.
 */
export interface InstallSnapshotRequest__Output {
  /**
   * Index of the last entry that the snapshot covers.
   */
  'index': (number);
  /**
   * Term of that entry.
   */
  'term': (number);
  /**
   * Where this piece begins.
   */
  'position': (number);
  /**
   * The piece.
   */
  'chunk': (Buffer);
  /**
   * CRC-32C of the whole snapshot; set with the last piece.
   */
  'crc32c'?: (number);
  '_crc32c'?: "crc32c";
}
