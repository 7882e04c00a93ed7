// Original file: proto/varve/v1/peer.proto

import type { Long } from '@grpc/proto-loader';

/**
 * What became of a snapshot.
 */
export interface InstallSnapshotResponse {
  /**
   * Last index that the receiver has.
   */
  'index'?: (number | string | Long);
}

/**
 * What became of a snapshot.
 */
export interface InstallSnapshotResponse__Output {
  /**
   * Last index that the receiver has.
   */
  'index': (number);
}
