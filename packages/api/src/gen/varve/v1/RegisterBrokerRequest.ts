// Original file: proto/varve/v1/peer.proto

import type { Long } from '@grpc/proto-loader';

/**
 * A broker that starts.
 */
export interface RegisterBrokerRequest {
  /**
   * Its node id.
   */
  'nodeId'?: (number);
  /**
   * Random id of this start, 32 hexadecimal digits.
   */
  'incarnationId'?: (string);
  /**
   * Epoch of its registration before; -1 when it has none.
   */
  'previousBrokerEpoch'?: (number | string | Long);
  /**
   * Address of its gRPC listener, `host:port`.
   */
  'address'?: (string);
  /**
   * Rack. Empty: none.
   */
  'rack'?: (string);
  /**
   * Id of its data directory.
   */
  'directoryId'?: (string);
  /**
   * True when it was shut down in order, with every log flushed.
   */
  'cleanShutdown'?: (boolean);
}

/**
 * A broker that starts.
 */
export interface RegisterBrokerRequest__Output {
  /**
   * Its node id.
   */
  'nodeId': (number);
  /**
   * Random id of this start, 32 hexadecimal digits.
   */
  'incarnationId': (string);
  /**
   * Epoch of its registration before; -1 when it has none.
   */
  'previousBrokerEpoch': (number);
  /**
   * Address of its gRPC listener, `host:port`.
   */
  'address': (string);
  /**
   * Rack. Empty: none.
   */
  'rack': (string);
  /**
   * Id of its data directory.
   */
  'directoryId': (string);
  /**
   * True when it was shut down in order, with every log flushed.
   */
  'cleanShutdown': (boolean);
}
