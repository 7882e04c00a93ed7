// Original file: proto/varve/v1/admin.proto

import type { Long } from '@grpc/proto-loader';

/**
 * A controller, as the node that answers knows it.
 */
export interface ControllerDescription {
  /**
   * Node id.
   */
  'nodeId'?: (number);
  /**
   * Id of the directory that counts: 32 hexadecimal digits.
   */
  'directoryId'?: (string);
  /**
   * Address of its peer listener, `host:port`.
   */
  'address'?: (string);
  /**
   * It decides for the cluster.
   */
  'active'?: (boolean);
  /**
   * It takes part in elections. False: it is being filled.
   */
  'voter'?: (boolean);
  /**
   * Entries of the metadata log that it lacks. Only the active controller knows.
   */
  'lag'?: (number | string | Long);
  /**
   * It answered of late. Only the active controller knows.
   */
  'answers'?: (boolean);
  '_lag'?: "lag";
  '_answers'?: "answers";
}

/**
 * A controller, as the node that answers knows it.
 */
export interface ControllerDescription__Output {
  /**
   * Node id.
   */
  'nodeId': (number);
  /**
   * Id of the directory that counts: 32 hexadecimal digits.
   */
  'directoryId': (string);
  /**
   * Address of its peer listener, `host:port`.
   */
  'address': (string);
  /**
   * It decides for the cluster.
   */
  'active': (boolean);
  /**
   * It takes part in elections. False: it is being filled.
   */
  'voter': (boolean);
  /**
   * Entries of the metadata log that it lacks. Only the active controller knows.
   */
  'lag'?: (number);
  /**
   * It answered of late. Only the active controller knows.
   */
  'answers'?: (boolean);
  '_lag'?: "lag";
  '_answers'?: "answers";
}
