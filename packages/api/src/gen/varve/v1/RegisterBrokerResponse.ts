// Original file: proto/varve/v1/peer.proto

import type { Long } from '@grpc/proto-loader';

/**
 * A registration.
 */
export interface RegisterBrokerResponse {
  /**
   * The broker's new epoch.
   */
  'brokerEpoch'?: (number | string | Long);
  /**
   * Term of the controller that answered.
   */
  'term'?: (number | string | Long);
}

/**
 * A registration.
 */
export interface RegisterBrokerResponse__Output {
  /**
   * The broker's new epoch.
   */
  'brokerEpoch': (number);
  /**
   * Term of the controller that answered.
   */
  'term': (number);
}
