// Original file: proto/varve/v1/peer.proto

import type { Long } from '@grpc/proto-loader';

/**
 * A replica under one registration.
 */
export interface ReplicaEpoch {
  /**
   * Node id.
   */
  'nodeId'?: (number);
  /**
   * Epoch of its registration when it proved to be caught up.
   */
  'brokerEpoch'?: (number | string | Long);
}

/**
 * A replica under one registration.
 */
export interface ReplicaEpoch__Output {
  /**
   * Node id.
   */
  'nodeId': (number);
  /**
   * Epoch of its registration when it proved to be caught up.
   */
  'brokerEpoch': (number);
}
