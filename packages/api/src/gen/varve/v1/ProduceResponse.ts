// Original file: proto/varve/v1/log.proto

import type { ProduceResult as _varve_v1_ProduceResult, ProduceResult__Output as _varve_v1_ProduceResult__Output } from '../../varve/v1/ProduceResult.ts';

/**
 * What became of a request's records in each partition.
 */
export interface ProduceResponse {
  /**
   * One for each partition that received records.
   */
  'results'?: (_varve_v1_ProduceResult)[];
}

/**
 * What became of a request's records in each partition.
 */
export interface ProduceResponse__Output {
  /**
   * One for each partition that received records.
   */
  'results': (_varve_v1_ProduceResult__Output)[];
}
