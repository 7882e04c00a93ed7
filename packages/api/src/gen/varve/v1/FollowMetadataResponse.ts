// Original file: proto/varve/v1/peer.proto

import type { Long } from '@grpc/proto-loader';

/**
 * What the controller knows, and what the broker lacks. At most one of snapshot and batch is set.
 */
export interface FollowMetadataResponse {
  /**
   * Term of the metadata group as the controller knows it.
   */
  'term'?: (number | string | Long);
  /**
   * Node id of the active controller; -1 when unknown.
   */
  'controllerId'?: (number);
  /**
   * Number of the controller's last metadata record: the broker's, too, once it has applied this message and, of a snapshot, its last
   * piece.
   */
  'metadataOffset'?: (number | string | Long);
  /**
   * Digest of the image there, 16 hexadecimal digits.
   */
  'digest'?: (string);
  /**
   * The next piece of a snapshot that takes the place of whatever the broker has.
   */
  'snapshot'?: (Buffer | Uint8Array | string);
  /**
   * It was the last piece.
   */
  'snapshotEnds'?: (boolean);
  /**
   * The next batch of records.
   */
  'batch'?: (Buffer | Uint8Array | string);
}

/**
 * What the controller knows, and what the broker lacks. At most one of snapshot and batch is set.
 */
export interface FollowMetadataResponse__Output {
  /**
   * Term of the metadata group as the controller knows it.
   */
  'term': (number);
  /**
   * Node id of the active controller; -1 when unknown.
   */
  'controllerId': (number);
  /**
   * Number of the controller's last metadata record: the broker's, too, once it has applied this message and, of a snapshot, its last
   * piece.
   */
  'metadataOffset': (number);
  /**
   * Digest of the image there, 16 hexadecimal digits.
   */
  'digest': (string);
  /**
   * The next piece of a snapshot that takes the place of whatever the broker has.
   */
  'snapshot': (Buffer);
  /**
   * It was the last piece.
   */
  'snapshotEnds': (boolean);
  /**
   * The next batch of records.
   */
  'batch': (Buffer);
}
