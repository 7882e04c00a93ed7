// Original file: proto/varve/v1/admin.proto

import type { Long } from '@grpc/proto-loader';

/**
 * What was given up.
 */
export interface AcceptLossResponse {
  /**
   * First offset that is lost.
   */
  'fromOffset'?: (number | string | Long);
  /**
   * First offset after the loss.
   */
  'toOffset'?: (number | string | Long);
}

/**
 * What was given up.
 */
export interface AcceptLossResponse__Output {
  /**
   * First offset that is lost.
   */
  'fromOffset': (number);
  /**
   * First offset after the loss.
   */
  'toOffset': (number);
}
