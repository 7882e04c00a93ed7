// Original file: proto/varve/v1/admin.proto

import type { ElectionResult as _varve_v1_ElectionResult, ElectionResult__Output as _varve_v1_ElectionResult__Output } from '../../varve/v1/ElectionResult.ts';

/**
 * Leaders that were elected.
 */
export interface ElectLeadersResponse {
  /**
   * One for each partition, in the order asked for, or by number.
   */
  'partitions'?: (_varve_v1_ElectionResult)[];
}

/**
 * Leaders that were elected.
 */
export interface ElectLeadersResponse__Output {
  /**
   * One for each partition, in the order asked for, or by number.
   */
  'partitions': (_varve_v1_ElectionResult__Output)[];
}
