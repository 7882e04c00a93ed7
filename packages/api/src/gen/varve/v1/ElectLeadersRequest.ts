// Original file: proto/varve/v1/admin.proto

import type { ElectionMode as _varve_v1_ElectionMode, ElectionMode__Output as _varve_v1_ElectionMode__Output } from '../../varve/v1/ElectionMode.ts';

/**
 * Leaders to be elected.
 */
export interface ElectLeadersRequest {
  /**
   * Name of the topic.
   */
  'topic'?: (string);
  /**
   * The partitions. Empty: all.
   */
  'partitions'?: (number)[];
  /**
   * Whom to elect.
   */
  'mode'?: (_varve_v1_ElectionMode);
  /**
   * Tell who would lead, change nothing.
   */
  'validateOnly'?: (boolean);
}

/**
 * Leaders to be elected.
 */
export interface ElectLeadersRequest__Output {
  /**
   * Name of the topic.
   */
  'topic': (string);
  /**
   * The partitions. Empty: all.
   */
  'partitions': (number)[];
  /**
   * Whom to elect.
   */
  'mode': (_varve_v1_ElectionMode__Output);
  /**
   * Tell who would lead, change nothing.
   */
  'validateOnly': (boolean);
}
