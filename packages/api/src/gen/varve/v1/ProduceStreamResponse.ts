// Original file: proto/varve/v1/log.proto

import type { ProduceOutcome as _varve_v1_ProduceOutcome, ProduceOutcome__Output as _varve_v1_ProduceOutcome__Output } from '../../varve/v1/ProduceOutcome.ts';

/**
 * Answers of a produce stream.
 */
export interface ProduceStreamResponse {
  /**
   * The next answers, in request order.
   */
  'outcomes'?: (_varve_v1_ProduceOutcome)[];
}

/**
 * Answers of a produce stream.
 */
export interface ProduceStreamResponse__Output {
  /**
   * The next answers, in request order.
   */
  'outcomes': (_varve_v1_ProduceOutcome__Output)[];
}
