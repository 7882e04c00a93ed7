// Original file: proto/varve/v1/log.proto

import type { Position as _varve_v1_Position, Position__Output as _varve_v1_Position__Output } from '../../varve/v1/Position.ts';
import type { End as _varve_v1_End, End__Output as _varve_v1_End__Output } from '../../varve/v1/End.ts';

/**
 * What to read of one partition.
 */
export interface PartitionRange {
  /**
   * The partition.
   */
  'partition'?: (number);
  /**
   * Where to start. Absent: the start of the whole request.
   */
  'start'?: (_varve_v1_Position | null);
  /**
   * Where to end. Absent: the end of the whole request.
   */
  'end'?: (_varve_v1_End | null);
  /**
   * The leader epoch that the reader knows; an older or newer leader refuses. Absent: do not check.
   */
  'currentLeaderEpoch'?: (number);
  '_currentLeaderEpoch'?: "currentLeaderEpoch";
}

/**
 * What to read of one partition.
 */
export interface PartitionRange__Output {
  /**
   * The partition.
   */
  'partition': (number);
  /**
   * Where to start. Absent: the start of the whole request.
   */
  'start': (_varve_v1_Position__Output | null);
  /**
   * Where to end. Absent: the end of the whole request.
   */
  'end': (_varve_v1_End__Output | null);
  /**
   * The leader epoch that the reader knows; an older or newer leader refuses. Absent: do not check.
   */
  'currentLeaderEpoch'?: (number);
  '_currentLeaderEpoch'?: "currentLeaderEpoch";
}
