// Original file: proto/varve/v1/groups.proto

import type { OffsetMove as _varve_v1_OffsetMove, OffsetMove__Output as _varve_v1_OffsetMove__Output } from '../../varve/v1/OffsetMove.ts';

/**
 * How the group moves.
 */
export interface ResetOffsetsResponse {
  /**
   * One for each partition.
   */
  'moves'?: (_varve_v1_OffsetMove)[];
}

/**
 * How the group moves.
 */
export interface ResetOffsetsResponse__Output {
  /**
   * One for each partition.
   */
  'moves': (_varve_v1_OffsetMove__Output)[];
}
