// Original file: proto/varve/v1/replication.proto

import type { ReplicaAnswer as _varve_v1_ReplicaAnswer, ReplicaAnswer__Output as _varve_v1_ReplicaAnswer__Output } from '../../varve/v1/ReplicaAnswer.ts';

/**
 * What a leader says.
 */
export interface ReplicateResponse {
  /**
   * Answers to fetches, in any order.
   */
  'answers'?: (_varve_v1_ReplicaAnswer)[];
}

/**
 * What a leader says.
 */
export interface ReplicateResponse__Output {
  /**
   * Answers to fetches, in any order.
   */
  'answers': (_varve_v1_ReplicaAnswer__Output)[];
}
