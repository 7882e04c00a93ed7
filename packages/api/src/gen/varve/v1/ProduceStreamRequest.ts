// Original file: proto/varve/v1/log.proto

import type { ProduceRequest as _varve_v1_ProduceRequest, ProduceRequest__Output as _varve_v1_ProduceRequest__Output } from '../../varve/v1/ProduceRequest.ts';

/**
 * One request of a produce stream.
 */
export interface ProduceStreamRequest {
  /**
   * The request.
   */
  'produce'?: (_varve_v1_ProduceRequest | null);
}

/**
 * One request of a produce stream.
 */
export interface ProduceStreamRequest__Output {
  /**
   * The request.
   */
  'produce': (_varve_v1_ProduceRequest__Output | null);
}
