// Original file: proto/varve/v1/log.proto

import type { Ack as _varve_v1_Ack, Ack__Output as _varve_v1_Ack__Output } from '../../varve/v1/Ack.ts';
import type { Error as _varve_v1_Error, Error__Output as _varve_v1_Error__Output } from '../../varve/v1/Error.ts';
import type { LeaderHint as _varve_v1_LeaderHint, LeaderHint__Output as _varve_v1_LeaderHint__Output } from '../../varve/v1/LeaderHint.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * What became of a request's records in one partition.
 */
export interface ProduceResult {
  /**
   * The partition.
   */
  'partition'?: (number);
  /**
   * Offset of the first record; -1 when unknown (acks none, or failed).
   */
  'baseOffset'?: (number | string | Long);
  /**
   * Offset of the last record; -1 when unknown.
   */
  'lastOffset'?: (number | string | Long);
  /**
   * The broker's time that was given to the records; absent when they kept their own.
   */
  'timestampMs'?: (number | string | Long);
  /**
   * Level reached. Absent when the append failed.
   */
  'ack'?: (_varve_v1_Ack | null);
  /**
   * True when the batch had been appended before by an earlier try; the offsets are those of that time.
   */
  'duplicate'?: (boolean);
  /**
   * Which of the request's records these are, by index, in offset order. Empty: all, in order.
   */
  'recordIndexes'?: (number)[];
  /**
   * Why the append failed. Absent on success.
   */
  'error'?: (_varve_v1_Error | null);
  /**
   * Where the leader is.
   */
  'leader'?: (_varve_v1_LeaderHint | null);
  /**
   * The first offset that is still kept; -1 when unknown.
   */
  'logStartOffset'?: (number | string | Long);
  '_timestampMs'?: "timestampMs";
}

/**
 * What became of a request's records in one partition.
 */
export interface ProduceResult__Output {
  /**
   * The partition.
   */
  'partition': (number);
  /**
   * Offset of the first record; -1 when unknown (acks none, or failed).
   */
  'baseOffset': (number);
  /**
   * Offset of the last record; -1 when unknown.
   */
  'lastOffset': (number);
  /**
   * The broker's time that was given to the records; absent when they kept their own.
   */
  'timestampMs'?: (number);
  /**
   * Level reached. Absent when the append failed.
   */
  'ack': (_varve_v1_Ack__Output | null);
  /**
   * True when the batch had been appended before by an earlier try; the offsets are those of that time.
   */
  'duplicate': (boolean);
  /**
   * Which of the request's records these are, by index, in offset order. Empty: all, in order.
   */
  'recordIndexes': (number)[];
  /**
   * Why the append failed. Absent on success.
   */
  'error': (_varve_v1_Error__Output | null);
  /**
   * Where the leader is.
   */
  'leader': (_varve_v1_LeaderHint__Output | null);
  /**
   * The first offset that is still kept; -1 when unknown.
   */
  'logStartOffset': (number);
  '_timestampMs'?: "timestampMs";
}
