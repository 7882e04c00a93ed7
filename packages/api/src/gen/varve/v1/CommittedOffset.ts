// Original file: proto/varve/v1/groups.proto

import type { Error as _varve_v1_Error, Error__Output as _varve_v1_Error__Output } from '../../varve/v1/Error.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * How far a group has read a partition.
 */
export interface CommittedOffset {
  /**
   * Name of the topic.
   */
  'topic'?: (string);
  /**
   * The partition.
   */
  'partition'?: (number);
  /**
   * The next offset to read; -1 when nothing is committed.
   */
  'offset'?: (number | string | Long);
  /**
   * Leader epoch of the last record read; -1 when unknown.
   */
  'leaderEpoch'?: (number);
  /**
   * A note of the member's own, at most 4 KiB.
   */
  'metadata'?: (string);
  /**
   * Why the offset is not known or was not committed. Absent on success.
   */
  'error'?: (_varve_v1_Error | null);
  /**
   * When it was committed, by the broker's clock; 0 when nothing is. Ignored in a commit.
   */
  'committedAtMs'?: (number | string | Long);
}

/**
 * How far a group has read a partition.
 */
export interface CommittedOffset__Output {
  /**
   * Name of the topic.
   */
  'topic': (string);
  /**
   * The partition.
   */
  'partition': (number);
  /**
   * The next offset to read; -1 when nothing is committed.
   */
  'offset': (number);
  /**
   * Leader epoch of the last record read; -1 when unknown.
   */
  'leaderEpoch': (number);
  /**
   * A note of the member's own, at most 4 KiB.
   */
  'metadata': (string);
  /**
   * Why the offset is not known or was not committed. Absent on success.
   */
  'error': (_varve_v1_Error__Output | null);
  /**
   * When it was committed, by the broker's clock; 0 when nothing is. Ignored in a commit.
   */
  'committedAtMs': (number);
}
