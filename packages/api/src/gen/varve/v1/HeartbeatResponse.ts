// Original file: proto/varve/v1/peer.proto

import type { Long } from '@grpc/proto-loader';

/**
 * Answer to a sign of life.
 */
export interface HeartbeatResponse {
  /**
   * Term of the controller that answers.
   */
  'term'?: (number | string | Long);
  /**
   * The broker leads and follows nothing for now.
   */
  'fenced'?: (boolean);
  /**
   * Nothing is led by it any more, and everybody knows: it may stop.
   */
  'mayStop'?: (boolean);
  /**
   * Another epoch is registered, or none: it has to register again.
   */
  'stale'?: (boolean);
}

/**
 * Answer to a sign of life.
 */
export interface HeartbeatResponse__Output {
  /**
   * Term of the controller that answers.
   */
  'term': (number);
  /**
   * The broker leads and follows nothing for now.
   */
  'fenced': (boolean);
  /**
   * Nothing is led by it any more, and everybody knows: it may stop.
   */
  'mayStop': (boolean);
  /**
   * Another epoch is registered, or none: it has to register again.
   */
  'stale': (boolean);
}
