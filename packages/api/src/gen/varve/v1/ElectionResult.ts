// Original file: proto/varve/v1/admin.proto

import type { LeaderHint as _varve_v1_LeaderHint, LeaderHint__Output as _varve_v1_LeaderHint__Output } from '../../varve/v1/LeaderHint.ts';

/**
 * The leader of a partition.
 */
export interface ElectionResult {
  /**
   * The partition.
   */
  'partition'?: (number);
  /**
   * Who leads now, or would; node id -1 when nobody does.
   */
  'leader'?: (_varve_v1_LeaderHint | null);
  /**
   * Another one than before, or would be.
   */
  'changed'?: (boolean);
  /**
   * With ELECTION_MODE_UNCLEAN: records may be missing there.
   */
  'unclean'?: (boolean);
}

/**
 * The leader of a partition.
 */
export interface ElectionResult__Output {
  /**
   * The partition.
   */
  'partition': (number);
  /**
   * Who leads now, or would; node id -1 when nobody does.
   */
  'leader': (_varve_v1_LeaderHint__Output | null);
  /**
   * Another one than before, or would be.
   */
  'changed': (boolean);
  /**
   * With ELECTION_MODE_UNCLEAN: records may be missing there.
   */
  'unclean': (boolean);
}
