// Original file: proto/varve/v1/replication.proto

import type { ReplicaFetch as _varve_v1_ReplicaFetch, ReplicaFetch__Output as _varve_v1_ReplicaFetch__Output } from '../../varve/v1/ReplicaFetch.ts';
import type { ReplicaSync as _varve_v1_ReplicaSync, ReplicaSync__Output as _varve_v1_ReplicaSync__Output } from '../../varve/v1/ReplicaSync.ts';

/**
 * What a follower says.
 */
export interface ReplicateRequest {
  /**
   * At most one of each partition is under way.
   */
  'fetches'?: (_varve_v1_ReplicaFetch)[];
  /**
   * Durable ends that have grown since the last fetch.
   */
  'syncs'?: (_varve_v1_ReplicaSync)[];
  /**
   * Partitions that are not followed here any more.
   */
  'closedHandles'?: (number)[];
  /**
   * The follower's disk has no room: it fetches nothing for now. Said in every message for as long as it is so.
   */
  'withoutRoom'?: (boolean);
}

/**
 * What a follower says.
 */
export interface ReplicateRequest__Output {
  /**
   * At most one of each partition is under way.
   */
  'fetches': (_varve_v1_ReplicaFetch__Output)[];
  /**
   * Durable ends that have grown since the last fetch.
   */
  'syncs': (_varve_v1_ReplicaSync__Output)[];
  /**
   * Partitions that are not followed here any more.
   */
  'closedHandles': (number)[];
  /**
   * The follower's disk has no room: it fetches nothing for now. Said in every message for as long as it is so.
   */
  'withoutRoom': (boolean);
}
