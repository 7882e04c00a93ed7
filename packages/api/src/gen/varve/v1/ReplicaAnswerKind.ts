// Original file: proto/varve/v1/replication.proto

/**
 * What became of a fetch.
 */
export const ReplicaAnswerKind = {
  /**
   * Not said.
   */
  REPLICA_ANSWER_KIND_UNSPECIFIED: 'REPLICA_ANSWER_KIND_UNSPECIFIED',
  /**
   * Here is what follows, perhaps nothing but a new high watermark.
   */
  REPLICA_ANSWER_KIND_RECORDS: 'REPLICA_ANSWER_KIND_RECORDS',
  /**
   * The follower's log differs from the leader's.
   */
  REPLICA_ANSWER_KIND_DIVERGED: 'REPLICA_ANSWER_KIND_DIVERGED',
  /**
   * The leader's log begins above the follower's end.
   */
  REPLICA_ANSWER_KIND_OUT_OF_RANGE: 'REPLICA_ANSWER_KIND_OUT_OF_RANGE',
  /**
   * Not now: the metadata of one of them are behind, or the leader cannot read.
   */
  REPLICA_ANSWER_KIND_REFUSED: 'REPLICA_ANSWER_KIND_REFUSED',
} as const;

/**
 * What became of a fetch.
 */
export type ReplicaAnswerKind =
  /**
   * Not said.
   */
  | 'REPLICA_ANSWER_KIND_UNSPECIFIED'
  | 0
  /**
   * Here is what follows, perhaps nothing but a new high watermark.
   */
  | 'REPLICA_ANSWER_KIND_RECORDS'
  | 1
  /**
   * The follower's log differs from the leader's.
   */
  | 'REPLICA_ANSWER_KIND_DIVERGED'
  | 2
  /**
   * The leader's log begins above the follower's end.
   */
  | 'REPLICA_ANSWER_KIND_OUT_OF_RANGE'
  | 3
  /**
   * Not now: the metadata of one of them are behind, or the leader cannot read.
   */
  | 'REPLICA_ANSWER_KIND_REFUSED'
  | 4

/**
 * What became of a fetch.
 */
export type ReplicaAnswerKind__Output = typeof ReplicaAnswerKind[keyof typeof ReplicaAnswerKind]
