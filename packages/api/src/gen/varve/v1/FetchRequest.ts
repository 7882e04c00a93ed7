// Original file: proto/varve/v1/log.proto

import type { Position as _varve_v1_Position, Position__Output as _varve_v1_Position__Output } from '../../varve/v1/Position.ts';
import type { Format as _varve_v1_Format, Format__Output as _varve_v1_Format__Output } from '../../varve/v1/Format.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * One read of one partition.
 */
export interface FetchRequest {
  /**
   * Name of the topic.
   */
  'topic'?: (string);
  /**
   * The partition.
   */
  'partition'?: (number);
  /**
   * Where to start. Absent: earliest.
   */
  'start'?: (_varve_v1_Position | null);
  /**
   * How records are delivered.
   */
  'format'?: (_varve_v1_Format);
  /**
   * Soft limit of the answer's records. A first batch that is larger is delivered whole. 0: 1 MiB.
   */
  'maxBytes'?: (number);
  /**
   * Wait until this much can be delivered. 0 and 1: any record.
   */
  'minBytes'?: (number);
  /**
   * Longest wait for min_bytes. 0: answer at once.
   */
  'maxWaitMs'?: (number);
  /**
   * The leader epoch that the reader knows; an older or newer leader refuses. Absent: do not check.
   */
  'currentLeaderEpoch'?: (number);
  /**
   * Deliver only records whose time is at or after this one. Absent: all.
   */
  'fromTimeMs'?: (number | string | Long);
  /**
   * Deliver only records whose time is before this one. Absent: all.
   */
  'toTimeMs'?: (number | string | Long);
  /**
   * Group that the records are for: its rate holds. Empty: none.
   */
  'group'?: (string);
  /**
   * Id of the topic, when that one is meant and no other of its name that was created since. Empty: whichever there is.
   */
  'topicId'?: (string);
  '_currentLeaderEpoch'?: "currentLeaderEpoch";
  '_fromTimeMs'?: "fromTimeMs";
  '_toTimeMs'?: "toTimeMs";
}

/**
 * One read of one partition.
 */
export interface FetchRequest__Output {
  /**
   * Name of the topic.
   */
  'topic': (string);
  /**
   * The partition.
   */
  'partition': (number);
  /**
   * Where to start. Absent: earliest.
   */
  'start': (_varve_v1_Position__Output | null);
  /**
   * How records are delivered.
   */
  'format': (_varve_v1_Format__Output);
  /**
   * Soft limit of the answer's records. A first batch that is larger is delivered whole. 0: 1 MiB.
   */
  'maxBytes': (number);
  /**
   * Wait until this much can be delivered. 0 and 1: any record.
   */
  'minBytes': (number);
  /**
   * Longest wait for min_bytes. 0: answer at once.
   */
  'maxWaitMs': (number);
  /**
   * The leader epoch that the reader knows; an older or newer leader refuses. Absent: do not check.
   */
  'currentLeaderEpoch'?: (number);
  /**
   * Deliver only records whose time is at or after this one. Absent: all.
   */
  'fromTimeMs'?: (number);
  /**
   * Deliver only records whose time is before this one. Absent: all.
   */
  'toTimeMs'?: (number);
  /**
   * Group that the records are for: its rate holds. Empty: none.
   */
  'group': (string);
  /**
   * Id of the topic, when that one is meant and no other of its name that was created since. Empty: whichever there is.
   */
  'topicId': (string);
  '_currentLeaderEpoch'?: "currentLeaderEpoch";
  '_fromTimeMs'?: "fromTimeMs";
  '_toTimeMs'?: "toTimeMs";
}
