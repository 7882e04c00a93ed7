// Original file: proto/varve/v1/log.proto

import type { Record as _varve_v1_Record, Record__Output as _varve_v1_Record__Output } from '../../varve/v1/Record.ts';
import type { LeaderHint as _varve_v1_LeaderHint, LeaderHint__Output as _varve_v1_LeaderHint__Output } from '../../varve/v1/LeaderHint.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * Records of one partition. The fields are those of ConsumeResponse, with the same numbers.
 */
export interface FetchResponse {
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
   * Offset to ask for next.
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
   * Not used by Fetch; always false.
   */
  'endReached'?: (boolean);
  /**
   * Number of records that the time filter left out of this answer.
   */
  'skipped'?: (number);
  /**
   * Where the leader is.
   */
  'leader'?: (_varve_v1_LeaderHint | null);
}

/**
 * Records of one partition. The fields are those of ConsumeResponse, with the same numbers.
 */
export interface FetchResponse__Output {
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
   * Offset to ask for next.
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
   * Not used by Fetch; always false.
   */
  'endReached': (boolean);
  /**
   * Number of records that the time filter left out of this answer.
   */
  'skipped': (number);
  /**
   * Where the leader is.
   */
  'leader': (_varve_v1_LeaderHint__Output | null);
}
