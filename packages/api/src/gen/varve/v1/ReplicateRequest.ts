// Original file: proto/varve/v1/peer.proto

import type { ReplicaFetch as _varve_v1_ReplicaFetch, ReplicaFetch__Output as _varve_v1_ReplicaFetch__Output } from '../../varve/v1/ReplicaFetch.ts';
import type { ReplicaAck as _varve_v1_ReplicaAck, ReplicaAck__Output as _varve_v1_ReplicaAck__Output } from '../../varve/v1/ReplicaAck.ts';

/**
 * What a follower says.
 */
export interface ReplicateRequest {
  /**
   * Fetches of partitions whose answers the follower has taken in.
   */
  'fetches'?: (_varve_v1_ReplicaFetch)[];
  /**
   * Durable ends that have grown since.
   */
  'acks'?: (_varve_v1_ReplicaAck)[];
}

/**
 * What a follower says.
 */
export interface ReplicateRequest__Output {
  /**
   * Fetches of partitions whose answers the follower has taken in.
   */
  'fetches': (_varve_v1_ReplicaFetch__Output)[];
  /**
   * Durable ends that have grown since.
   */
  'acks': (_varve_v1_ReplicaAck__Output)[];
}
