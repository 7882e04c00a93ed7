// Original file: proto/varve/v1/replication.proto

import type { Long } from '@grpc/proto-loader';

/**
 * What a replica holds.
 */
export interface ReplicaEnd {
  /**
   * Id of the topic.
   */
  'topicId'?: (string);
  /**
   * The partition.
   */
  'partition'?: (number);
  /**
   * Epoch of the last batch; -1 of an empty log.
   */
  'lastEpoch'?: (number);
  /**
   * Where the log ends, or where it is damaged.
   */
  'logEndOffset'?: (number | string | Long);
  /**
   * Damage was found in it.
   */
  'damaged'?: (boolean);
  /**
   * Up to where it knows its records to be committed; behind the damage, perhaps.
   */
  'highWatermark'?: (number | string | Long);
}

/**
 * What a replica holds.
 */
export interface ReplicaEnd__Output {
  /**
   * Id of the topic.
   */
  'topicId': (string);
  /**
   * The partition.
   */
  'partition': (number);
  /**
   * Epoch of the last batch; -1 of an empty log.
   */
  'lastEpoch': (number);
  /**
   * Where the log ends, or where it is damaged.
   */
  'logEndOffset': (number);
  /**
   * Damage was found in it.
   */
  'damaged': (boolean);
  /**
   * Up to where it knows its records to be committed; behind the damage, perhaps.
   */
  'highWatermark': (number);
}
