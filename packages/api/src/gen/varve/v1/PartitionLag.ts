// Original file: proto/varve/v1/groups.proto

import type { Error as _varve_v1_Error, Error__Output as _varve_v1_Error__Output } from '../../varve/v1/Error.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * How far behind a group is in a partition.
 */
export interface PartitionLag {
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
  'committedOffset'?: (number | string | Long);
  /**
   * First offset that cannot be read yet.
   */
  'highWatermark'?: (number | string | Long);
  /**
   * Number of offsets between the two, from the first that is still kept; -1 when it is not known.
   */
  'lag'?: (number | string | Long);
  /**
   * First offset that is still kept.
   */
  'logStartOffset'?: (number | string | Long);
  /**
   * How long ago the next record to read was appended, by its own time; 0 when there is none; -1 when it is not known.
   */
  'lagMs'?: (number | string | Long);
  /**
   * Who has it. Empty: nobody.
   */
  'memberId'?: (string);
  /**
   * Where the group ends in it. Absent: nowhere.
   */
  'endOffset'?: (number | string | Long);
  /**
   * Why the lag is not known. Absent when it is.
   */
  'error'?: (_varve_v1_Error | null);
  '_endOffset'?: "endOffset";
}

/**
 * How far behind a group is in a partition.
 */
export interface PartitionLag__Output {
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
  'committedOffset': (number);
  /**
   * First offset that cannot be read yet.
   */
  'highWatermark': (number);
  /**
   * Number of offsets between the two, from the first that is still kept; -1 when it is not known.
   */
  'lag': (number);
  /**
   * First offset that is still kept.
   */
  'logStartOffset': (number);
  /**
   * How long ago the next record to read was appended, by its own time; 0 when there is none; -1 when it is not known.
   */
  'lagMs': (number);
  /**
   * Who has it. Empty: nobody.
   */
  'memberId': (string);
  /**
   * Where the group ends in it. Absent: nowhere.
   */
  'endOffset'?: (number);
  /**
   * Why the lag is not known. Absent when it is.
   */
  'error': (_varve_v1_Error__Output | null);
  '_endOffset'?: "endOffset";
}
