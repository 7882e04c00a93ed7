// Original file: proto/varve/v1/common.proto

import type { Long } from '@grpc/proto-loader';

/**
 * A place in a partition. It is resolved to an offset once, when the request arrives.
 */
export interface Position {
  /**
   * The first offset that is still kept.
   */
  'earliest'?: (boolean);
  /**
   * The high watermark: only records that are yet to come.
   */
  'latest'?: (boolean);
  /**
   * This offset.
   */
  'offset'?: (number | string | Long);
  /**
   * The first record whose time is at or after this one, in offset order; the high watermark when there is none.
   */
  'timeMs'?: (number | string | Long);
  /**
   * This many offsets before the high watermark, at least the first that is still kept.
   */
  'last'?: (number | string | Long);
  /**
   * Like time_ms, this long before the broker's present time.
   */
  'agoMs'?: (number | string | Long);
  /**
   * Exactly one is set. The value of earliest and latest does not matter, only that it is set.
   */
  'position'?: "earliest"|"latest"|"offset"|"timeMs"|"last"|"agoMs";
}

/**
 * A place in a partition. It is resolved to an offset once, when the request arrives.
 */
export interface Position__Output {
  /**
   * The first offset that is still kept.
   */
  'earliest'?: (boolean);
  /**
   * The high watermark: only records that are yet to come.
   */
  'latest'?: (boolean);
  /**
   * This offset.
   */
  'offset'?: (number);
  /**
   * The first record whose time is at or after this one, in offset order; the high watermark when there is none.
   */
  'timeMs'?: (number);
  /**
   * This many offsets before the high watermark, at least the first that is still kept.
   */
  'last'?: (number);
  /**
   * Like time_ms, this long before the broker's present time.
   */
  'agoMs'?: (number);
  /**
   * Exactly one is set. The value of earliest and latest does not matter, only that it is set.
   */
  'position'?: "earliest"|"latest"|"offset"|"timeMs"|"last"|"agoMs";
}
