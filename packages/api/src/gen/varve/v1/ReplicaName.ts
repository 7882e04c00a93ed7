// Original file: proto/varve/v1/replication.proto


/**
 * A replica of the broker that is asked.
 */
export interface ReplicaName {
  /**
   * Id of the topic.
   */
  'topicId'?: (string);
  /**
   * The partition.
   */
  'partition'?: (number);
}

/**
 * A replica of the broker that is asked.
 */
export interface ReplicaName__Output {
  /**
   * Id of the topic.
   */
  'topicId': (string);
  /**
   * The partition.
   */
  'partition': (number);
}
