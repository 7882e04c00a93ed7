// Original file: proto/varve/v1/common.proto

import type { Header as _varve_v1_Header, Header__Output as _varve_v1_Header__Output } from '../../varve/v1/Header.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * One record of a partition.
 */
export interface Record {
  /**
   * Key. Absent means null, which differs from empty.
   */
  'key'?: (Buffer | Uint8Array | string);
  /**
   * Value. Absent means null (a tombstone in a compacted topic), which differs from empty.
   */
  'value'?: (Buffer | Uint8Array | string);
  /**
   * Headers, in order.
   */
  'headers'?: (_varve_v1_Header)[];
  /**
   * The record's time. When producing, absent means the broker's time on arrival.
   */
  'timestampMs'?: (number | string | Long);
  /**
   * The record's offset. Set when reading, ignored when producing.
   */
  'offset'?: (number | string | Long);
  /**
   * Epoch of the leader that appended the record. Set when reading, ignored when producing.
   */
  'leaderEpoch'?: (number);
  '_key'?: "key";
  '_value'?: "value";
  '_timestampMs'?: "timestampMs";
}

/**
 * One record of a partition.
 */
export interface Record__Output {
  /**
   * Key. Absent means null, which differs from empty.
   */
  'key'?: (Buffer);
  /**
   * Value. Absent means null (a tombstone in a compacted topic), which differs from empty.
   */
  'value'?: (Buffer);
  /**
   * Headers, in order.
   */
  'headers': (_varve_v1_Header__Output)[];
  /**
   * The record's time. When producing, absent means the broker's time on arrival.
   */
  'timestampMs'?: (number);
  /**
   * The record's offset. Set when reading, ignored when producing.
   */
  'offset': (number);
  /**
   * Epoch of the leader that appended the record. Set when reading, ignored when producing.
   */
  'leaderEpoch': (number);
  '_key'?: "key";
  '_value'?: "value";
  '_timestampMs'?: "timestampMs";
}
