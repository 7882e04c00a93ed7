// Original file: proto/varve/v1/admin.proto

import type { BrokerState as _varve_v1_BrokerState, BrokerState__Output as _varve_v1_BrokerState__Output } from '../../varve/v1/BrokerState.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * A broker.
 */
export interface BrokerDescription {
  /**
   * Node id.
   */
  'nodeId'?: (number);
  /**
   * Address of its gRPC listener, `host:port`.
   */
  'address'?: (string);
  /**
   * Rack. Empty: none.
   */
  'rack'?: (string);
  /**
   * Number of its registration; grows with every start.
   */
  'brokerEpoch'?: (number | string | Long);
  /**
   * State.
   */
  'state'?: (_varve_v1_BrokerState);
  /**
   * Version of its software.
   */
  'version'?: (string);
}

/**
 * A broker.
 */
export interface BrokerDescription__Output {
  /**
   * Node id.
   */
  'nodeId': (number);
  /**
   * Address of its gRPC listener, `host:port`.
   */
  'address': (string);
  /**
   * Rack. Empty: none.
   */
  'rack': (string);
  /**
   * Number of its registration; grows with every start.
   */
  'brokerEpoch': (number);
  /**
   * State.
   */
  'state': (_varve_v1_BrokerState__Output);
  /**
   * Version of its software.
   */
  'version': (string);
}
