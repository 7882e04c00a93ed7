// Original file: proto/varve/v1/peer.proto

import type { Long } from '@grpc/proto-loader';

/**
 * A sign of life.
 */
export interface BrokerHeartbeatRequest {
  /**
   * Its node id.
   */
  'nodeId'?: (number);
  /**
   * Its epoch.
   */
  'brokerEpoch'?: (number | string | Long);
  /**
   * Number of metadata records that it has applied.
   */
  'metadataOffset'?: (number | string | Long);
  /**
   * It wants to hand over its partitions.
   */
  'wantsShutdown'?: (boolean);
}

/**
 * A sign of life.
 */
export interface BrokerHeartbeatRequest__Output {
  /**
   * Its node id.
   */
  'nodeId': (number);
  /**
   * Its epoch.
   */
  'brokerEpoch': (number);
  /**
   * Number of metadata records that it has applied.
   */
  'metadataOffset': (number);
  /**
   * It wants to hand over its partitions.
   */
  'wantsShutdown': (boolean);
}
