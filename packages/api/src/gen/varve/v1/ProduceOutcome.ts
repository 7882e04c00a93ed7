// Original file: proto/varve/v1/log.proto

import type { ProduceResponse as _varve_v1_ProduceResponse, ProduceResponse__Output as _varve_v1_ProduceResponse__Output } from '../../varve/v1/ProduceResponse.ts';
import type { Error as _varve_v1_Error, Error__Output as _varve_v1_Error__Output } from '../../varve/v1/Error.ts';

/**
 * The answer to one request of a produce stream.
 */
export interface ProduceOutcome {
  /**
   * The request was carried out; results may still say that a partition refused.
   */
  'response'?: (_varve_v1_ProduceResponse | null);
  /**
   * The request was refused as a whole.
   */
  'error'?: (_varve_v1_Error | null);
  /**
   * Exactly one is set.
   */
  'outcome'?: "response"|"error";
}

/**
 * The answer to one request of a produce stream.
 */
export interface ProduceOutcome__Output {
  /**
   * The request was carried out; results may still say that a partition refused.
   */
  'response'?: (_varve_v1_ProduceResponse__Output | null);
  /**
   * The request was refused as a whole.
   */
  'error'?: (_varve_v1_Error__Output | null);
  /**
   * Exactly one is set.
   */
  'outcome'?: "response"|"error";
}
