// Original file: proto/varve/v1/log.proto

import type { Record as _varve_v1_Record, Record__Output as _varve_v1_Record__Output } from '../../varve/v1/Record.ts';
import type { LeaderHint as _varve_v1_LeaderHint, LeaderHint__Output as _varve_v1_LeaderHint__Output } from '../../varve/v1/LeaderHint.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * The next records of one partition. A message without records tells progress: what the filter skipped, or the end.
 */
export interface ConsumeResponse {
  /**
   * The partition.
   */
  'partition'?: (number);
  /**
   * Records in offset order (FORMAT_RECORDS). Offsets may have gaps.
   */
  'records'?: (_varve_v1_Record)[];
  /**
   * Whole record batches (FORMAT_BATCHES).
   */
  'batches'?: (Buffer | Uint8Array | string);
  /**
   * Offset at which the read of this partition goes on: where a reader that reconnects starts.
   */
  'nextOffset'?: (number | string | Long);
  /**
   * First offset that cannot be read yet.
   */
  'highWatermark'?: (number | string | Long);
  /**
   * First offset that is still kept.
   */
  'logStartOffset'?: (number | string | Long);
  /**
   * True in the last message of this partition: its end has been reached.
   */
  'endReached'?: (boolean);
  /**
   * Number of records that the time filter left out since the message before, in this partition.
   */
  'skipped'?: (number);
  /**
   * Where the leader is. Set in a partition's first message and when it has changed.
   */
  'leader'?: (_varve_v1_LeaderHint | null);
}

/**
 * The next records of one partition. A message without records tells progress: what the filter skipped, or the end.
 */
export interface ConsumeResponse__Output {
  /**
   * The partition.
   */
  'partition': (number);
  /**
   * Records in offset order (FORMAT_RECORDS). Offsets may have gaps.
   */
  'records': (_varve_v1_Record__Output)[];
  /**
   * Whole record batches (FORMAT_BATCHES).
   */
  'batches': (Buffer);
  /**
   * Offset at which the read of this partition goes on: where a reader that reconnects starts.
   */
  'nextOffset': (number);
  /**
   * First offset that cannot be read yet.
   */
  'highWatermark': (number);
  /**
   * First offset that is still kept.
   */
  'logStartOffset': (number);
  /**
   * True in the last message of this partition: its end has been reached.
   */
  'endReached': (boolean);
  /**
   * Number of records that the time filter left out since the message before, in this partition.
   */
  'skipped': (number);
  /**
   * Where the leader is. Set in a partition's first message and when it has changed.
   */
  'leader': (_varve_v1_LeaderHint__Output | null);
}
