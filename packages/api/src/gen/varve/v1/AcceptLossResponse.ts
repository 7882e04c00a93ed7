// Original file: proto/varve/v1/admin.proto

import type { LeaderHint as _varve_v1_LeaderHint, LeaderHint__Output as _varve_v1_LeaderHint__Output } from '../../varve/v1/LeaderHint.ts';
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
  /**
   * Where the leader is.
   */
  'leader'?: (_varve_v1_LeaderHint | null);
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
  /**
   * Where the leader is.
   */
  'leader': (_varve_v1_LeaderHint__Output | null);
}
