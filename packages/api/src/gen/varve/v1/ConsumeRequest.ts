// Original file: proto/varve/v1/log.proto

import type { PartitionRange as _varve_v1_PartitionRange, PartitionRange__Output as _varve_v1_PartitionRange__Output } from '../../varve/v1/PartitionRange.ts';
import type { Position as _varve_v1_Position, Position__Output as _varve_v1_Position__Output } from '../../varve/v1/Position.ts';
import type { End as _varve_v1_End, End__Output as _varve_v1_End__Output } from '../../varve/v1/End.ts';
import type { Format as _varve_v1_Format, Format__Output as _varve_v1_Format__Output } from '../../varve/v1/Format.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * A continuous read of one topic.
 */
export interface ConsumeRequest {
  /**
   * Name of the topic.
   */
  'topic'?: (string);
  /**
   * Partitions to read. Empty: all that the topic has when the read starts.
   */
  'partitions'?: (_varve_v1_PartitionRange)[];
  /**
   * Where to start, for partitions that do not say it themselves. Absent: earliest.
   */
  'start'?: (_varve_v1_Position | null);
  /**
   * Where to end, for partitions that do not say it themselves. Absent: never.
   */
  'end'?: (_varve_v1_End | null);
  /**
   * Deliver only records whose time is at or after this one. Absent: all.
   */
  'fromTimeMs'?: (number | string | Long);
  /**
   * Deliver only records whose time is before this one. Absent: all.
   */
  'toTimeMs'?: (number | string | Long);
  /**
   * How records are delivered.
   */
  'format'?: (_varve_v1_Format);
  /**
   * Soft limit of the bytes that the broker holds for this reader beyond what the network has taken.
   * 0: the broker's default. A larger wish than the broker's limit gets the limit.
   */
  'maxBufferBytes'?: (number);
  /**
   * Group that the records are for: its rate holds. Empty: none.
   */
  'group'?: (string);
  '_fromTimeMs'?: "fromTimeMs";
  '_toTimeMs'?: "toTimeMs";
}

/**
 * A continuous read of one topic.
 */
export interface ConsumeRequest__Output {
  /**
   * Name of the topic.
   */
  'topic': (string);
  /**
   * Partitions to read. Empty: all that the topic has when the read starts.
   */
  'partitions': (_varve_v1_PartitionRange__Output)[];
  /**
   * Where to start, for partitions that do not say it themselves. Absent: earliest.
   */
  'start': (_varve_v1_Position__Output | null);
  /**
   * Where to end, for partitions that do not say it themselves. Absent: never.
   */
  'end': (_varve_v1_End__Output | null);
  /**
   * Deliver only records whose time is at or after this one. Absent: all.
   */
  'fromTimeMs'?: (number);
  /**
   * Deliver only records whose time is before this one. Absent: all.
   */
  'toTimeMs'?: (number);
  /**
   * How records are delivered.
   */
  'format': (_varve_v1_Format__Output);
  /**
   * Soft limit of the bytes that the broker holds for this reader beyond what the network has taken.
   * 0: the broker's default. A larger wish than the broker's limit gets the limit.
   */
  'maxBufferBytes': (number);
  /**
   * Group that the records are for: its rate holds. Empty: none.
   */
  'group': (string);
  '_fromTimeMs'?: "fromTimeMs";
  '_toTimeMs'?: "toTimeMs";
}
