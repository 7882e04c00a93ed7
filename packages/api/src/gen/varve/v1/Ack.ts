// Original file: proto/varve/v1/common.proto

import type { AckLevel as _varve_v1_AckLevel, AckLevel__Output as _varve_v1_AckLevel__Output } from '../../varve/v1/AckLevel.ts';

/**
 * The level an append had reached when it was answered.
 */
export interface Ack {
  /**
   * Level reached.
   */
  'level'?: (_varve_v1_AckLevel);
  /**
   * Epoch of the leader that appended the batch.
   */
  'leaderEpoch'?: (number);
  /**
   * Number of replicas known to have the batch on disk, the leader included.
   * 0 where only the operating system has it (topics with flush=os).
   */
  'durableReplicas'?: (number);
}

/**
 * The level an append had reached when it was answered.
 */
export interface Ack__Output {
  /**
   * Level reached.
   */
  'level': (_varve_v1_AckLevel__Output);
  /**
   * Epoch of the leader that appended the batch.
   */
  'leaderEpoch': (number);
  /**
   * Number of replicas known to have the batch on disk, the leader included.
   * 0 where only the operating system has it (topics with flush=os).
   */
  'durableReplicas': (number);
}
