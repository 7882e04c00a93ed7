// Original file: proto/varve/v1/groups.proto

import type { LeaderHint as _varve_v1_LeaderHint, LeaderHint__Output as _varve_v1_LeaderHint__Output } from '../../varve/v1/LeaderHint.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * A partition to read.
 */
export interface AssignedPartition {
  /**
   * Name of the topic.
   */
  'topic'?: (string);
  /**
   * The partition.
   */
  'partition'?: (number);
  /**
   * Offset to go on from.
   */
  'offset'?: (number | string | Long);
  /**
   * Leader epoch of the record before it; -1 when unknown.
   */
  'leaderEpoch'?: (number);
  /**
   * What the last commit said.
   */
  'metadata'?: (string);
  /**
   * Where to stop, exclusive, in a group with an end.
   */
  'endOffset'?: (number | string | Long);
  /**
   * Where the leader is.
   */
  'leader'?: (_varve_v1_LeaderHint | null);
  /**
   * Generation of the reset that moved the group here last; -1: none did. A member that has the partition already, and was told the
   * same number, keeps its place, or goes on to the offset if that is further; with another number it goes to the offset.
   */
  'movedGeneration'?: (number);
  /**
   * Id of the topic. What a member has under the same name and another id is gone: it goes to the offset.
   */
  'topicId'?: (string);
  '_endOffset'?: "endOffset";
}

/**
 * A partition to read.
 */
export interface AssignedPartition__Output {
  /**
   * Name of the topic.
   */
  'topic': (string);
  /**
   * The partition.
   */
  'partition': (number);
  /**
   * Offset to go on from.
   */
  'offset': (number);
  /**
   * Leader epoch of the record before it; -1 when unknown.
   */
  'leaderEpoch': (number);
  /**
   * What the last commit said.
   */
  'metadata': (string);
  /**
   * Where to stop, exclusive, in a group with an end.
   */
  'endOffset'?: (number);
  /**
   * Where the leader is.
   */
  'leader': (_varve_v1_LeaderHint__Output | null);
  /**
   * Generation of the reset that moved the group here last; -1: none did. A member that has the partition already, and was told the
   * same number, keeps its place, or goes on to the offset if that is further; with another number it goes to the offset.
   */
  'movedGeneration': (number);
  /**
   * Id of the topic. What a member has under the same name and another id is gone: it goes to the offset.
   */
  'topicId': (string);
  '_endOffset'?: "endOffset";
}
