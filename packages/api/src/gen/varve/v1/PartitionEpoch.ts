// Original file: proto/varve/v1/log.proto


/**
 * The epoch in question, in one partition.
 */
export interface PartitionEpoch {
  /**
   * The partition.
   */
  'partition'?: (number);
  /**
   * The epoch whose end is asked for.
   */
  'leaderEpoch'?: (number);
  /**
   * The leader epoch that the reader knows; an older or newer leader refuses. Absent: do not check.
   */
  'currentLeaderEpoch'?: (number);
  '_currentLeaderEpoch'?: "currentLeaderEpoch";
}

/**
 * The epoch in question, in one partition.
 */
export interface PartitionEpoch__Output {
  /**
   * The partition.
   */
  'partition': (number);
  /**
   * The epoch whose end is asked for.
   */
  'leaderEpoch': (number);
  /**
   * The leader epoch that the reader knows; an older or newer leader refuses. Absent: do not check.
   */
  'currentLeaderEpoch'?: (number);
  '_currentLeaderEpoch'?: "currentLeaderEpoch";
}
