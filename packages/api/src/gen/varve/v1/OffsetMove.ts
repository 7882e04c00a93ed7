// Original file: proto/varve/v1/groups.proto

import type { Error as _varve_v1_Error, Error__Output as _varve_v1_Error__Output } from '../../varve/v1/Error.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * How a group moves in a partition.
 */
export interface OffsetMove {
  /**
   * Name of the topic.
   */
  'topic'?: (string);
  /**
   * The partition.
   */
  'partition'?: (number);
  /**
   * The next offset that it would have read; -1 when nothing was committed.
   */
  'fromOffset'?: (number | string | Long);
  /**
   * The next offset to read now.
   */
  'toOffset'?: (number | string | Long);
  /**
   * Offsets between the two that it will not read.
   */
  'skipped'?: (number | string | Long);
  /**
   * Offsets between the two that it will read again.
   */
  'seenAgain'?: (number | string | Long);
  /**
   * Why it was not moved; then nothing of the request is moved. Absent on success.
   */
  'error'?: (_varve_v1_Error | null);
}

/**
 * How a group moves in a partition.
 */
export interface OffsetMove__Output {
  /**
   * Name of the topic.
   */
  'topic': (string);
  /**
   * The partition.
   */
  'partition': (number);
  /**
   * The next offset that it would have read; -1 when nothing was committed.
   */
  'fromOffset': (number);
  /**
   * The next offset to read now.
   */
  'toOffset': (number);
  /**
   * Offsets between the two that it will not read.
   */
  'skipped': (number);
  /**
   * Offsets between the two that it will read again.
   */
  'seenAgain': (number);
  /**
   * Why it was not moved; then nothing of the request is moved. Absent on success.
   */
  'error': (_varve_v1_Error__Output | null);
}
