// Original file: proto/varve/v1/admin.proto

import type { LeaderHint as _varve_v1_LeaderHint, LeaderHint__Output as _varve_v1_LeaderHint__Output } from '../../varve/v1/LeaderHint.ts';

/**
 * Where a partition is.
 */
export interface PartitionPlacement {
  /**
   * The partition.
   */
  'partition'?: (number);
  /**
   * Its leader; node id -1 when it has none.
   */
  'leader'?: (_varve_v1_LeaderHint | null);
  /**
   * Nodes that should have a copy, the preferred leader first.
   */
  'replicas'?: (number)[];
  /**
   * Nodes that have all that is committed and count for acknowledgements.
   */
  'inSyncReplicas'?: (number)[];
}

/**
 * Where a partition is.
 */
export interface PartitionPlacement__Output {
  /**
   * The partition.
   */
  'partition': (number);
  /**
   * Its leader; node id -1 when it has none.
   */
  'leader': (_varve_v1_LeaderHint__Output | null);
  /**
   * Nodes that should have a copy, the preferred leader first.
   */
  'replicas': (number)[];
  /**
   * Nodes that have all that is committed and count for acknowledgements.
   */
  'inSyncReplicas': (number)[];
}
