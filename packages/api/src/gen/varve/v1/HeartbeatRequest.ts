// Original file: proto/varve/v1/peer.proto

import type { Long } from '@grpc/proto-loader';

/**
 * A sign of life.
 */
export interface HeartbeatRequest {
  /**
   * Epoch of the broker's registration.
   */
  'brokerEpoch'?: (number | string | Long);
  /**
   * Number of metadata records that it has applied.
   */
  'metadataOffset'?: (number | string | Long);
  /**
   * It is not ready to lead or follow anything.
   */
  'wantsFence'?: (boolean);
  /**
   * It wants to hand over its partitions, and stop.
   */
  'wantsShutdown'?: (boolean);
  /**
   * Its disk has no room: it is to be given no leadership back.
   */
  'withoutRoom'?: (boolean);
}

/**
 * A sign of life.
 */
export interface HeartbeatRequest__Output {
  /**
   * Epoch of the broker's registration.
   */
  'brokerEpoch': (number);
  /**
   * Number of metadata records that it has applied.
   */
  'metadataOffset': (number);
  /**
   * It is not ready to lead or follow anything.
   */
  'wantsFence': (boolean);
  /**
   * It wants to hand over its partitions, and stop.
   */
  'wantsShutdown': (boolean);
  /**
   * Its disk has no room: it is to be given no leadership back.
   */
  'withoutRoom': (boolean);
}
