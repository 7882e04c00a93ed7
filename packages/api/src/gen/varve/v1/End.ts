// Original file: proto/varve/v1/common.proto

import type { Long } from '@grpc/proto-loader';

/**
 * Where a read of one partition ends by itself.
 */
export interface End {
  /**
   * Never: wait for new records.
   */
  'none'?: (boolean);
  /**
   * Before this offset.
   */
  'offset'?: (number | string | Long);
  /**
   * Before the first record whose time is at or after this one, looked up when the read starts.
   * When there is no such record yet: at the high watermark of that moment.
   */
  'timeMs'?: (number | string | Long);
  /**
   * After this many records have been delivered from this partition.
   */
  'count'?: (number | string | Long);
  /**
   * At the high watermark of the moment when the read starts.
   */
  'latestAtStart'?: (boolean);
  /**
   * At most one is set; nothing set means none.
   */
  'end'?: "none"|"offset"|"timeMs"|"count"|"latestAtStart";
}

/**
 * Where a read of one partition ends by itself.
 */
export interface End__Output {
  /**
   * Never: wait for new records.
   */
  'none'?: (boolean);
  /**
   * Before this offset.
   */
  'offset'?: (number);
  /**
   * Before the first record whose time is at or after this one, looked up when the read starts.
   * When there is no such record yet: at the high watermark of that moment.
   */
  'timeMs'?: (number);
  /**
   * After this many records have been delivered from this partition.
   */
  'count'?: (number);
  /**
   * At the high watermark of the moment when the read starts.
   */
  'latestAtStart'?: (boolean);
  /**
   * At most one is set; nothing set means none.
   */
  'end'?: "none"|"offset"|"timeMs"|"count"|"latestAtStart";
}
