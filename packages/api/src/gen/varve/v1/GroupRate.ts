// Original file: proto/varve/v1/groups.proto

import type { Long } from '@grpc/proto-loader';

/**
 * How fast a group may read, all its members together. 0: as fast as it can.
 */
export interface GroupRate {
  /**
   * Records in a second.
   */
  'recordsPerSecond'?: (number | string | Long);
  /**
   * Bytes of their stored batches in a second.
   */
  'bytesPerSecond'?: (number | string | Long);
}

/**
 * How fast a group may read, all its members together. 0: as fast as it can.
 */
export interface GroupRate__Output {
  /**
   * Records in a second.
   */
  'recordsPerSecond': (number);
  /**
   * Bytes of their stored batches in a second.
   */
  'bytesPerSecond': (number);
}
