// Original file: proto/varve/v1/peer.proto

import type { ReplicaFetchResult as _varve_v1_ReplicaFetchResult, ReplicaFetchResult__Output as _varve_v1_ReplicaFetchResult__Output } from '../../varve/v1/ReplicaFetchResult.ts';

/**
 * What a leader says.
 */
export interface ReplicateResponse {
  /**
   * Answers to fetches, in any order.
   */
  'results'?: (_varve_v1_ReplicaFetchResult)[];
}

/**
 * What a leader says.
 */
export interface ReplicateResponse__Output {
  /**
   * Answers to fetches, in any order.
   */
  'results': (_varve_v1_ReplicaFetchResult__Output)[];
}
