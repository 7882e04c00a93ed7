// Original file: proto/varve/v1/admin.proto

import type { BrokerDescription as _varve_v1_BrokerDescription, BrokerDescription__Output as _varve_v1_BrokerDescription__Output } from '../../varve/v1/BrokerDescription.ts';
import type { ControllerDescription as _varve_v1_ControllerDescription, ControllerDescription__Output as _varve_v1_ControllerDescription__Output } from '../../varve/v1/ControllerDescription.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * Answer about the cluster.
 */
export interface DescribeClusterResponse {
  /**
   * Id of the cluster.
   */
  'clusterId'?: (string);
  /**
   * Node id of the active controller; -1 when unknown.
   */
  'controllerId'?: (number);
  /**
   * Its nodes, by id.
   */
  'brokers'?: (_varve_v1_BrokerDescription)[];
  /**
   * Number of metadata records applied by the node that answers.
   */
  'metadataOffset'?: (number | string | Long);
  /**
   * Node id of the node that answers.
   */
  'nodeId'?: (number);
  /**
   * The controllers, by id.
   */
  'controllers'?: (_varve_v1_ControllerDescription)[];
}

/**
 * Answer about the cluster.
 */
export interface DescribeClusterResponse__Output {
  /**
   * Id of the cluster.
   */
  'clusterId': (string);
  /**
   * Node id of the active controller; -1 when unknown.
   */
  'controllerId': (number);
  /**
   * Its nodes, by id.
   */
  'brokers': (_varve_v1_BrokerDescription__Output)[];
  /**
   * Number of metadata records applied by the node that answers.
   */
  'metadataOffset': (number);
  /**
   * Node id of the node that answers.
   */
  'nodeId': (number);
  /**
   * The controllers, by id.
   */
  'controllers': (_varve_v1_ControllerDescription__Output)[];
}
