// Original file: proto/varve/v1/admin.proto


/**
 * A topic to be.
 */
export interface CreateTopicRequest {
  /**
   * Name: 1 to 249 of the characters a-z A-Z 0-9 . _ -, not "." or "..".
   */
  'topic'?: (string);
  /**
   * Number of partitions. Absent: the cluster's default.
   */
  'partitions'?: (number);
  /**
   * Number of copies of each partition. Absent: 3, or as many as there are brokers if that is fewer.
   */
  'replicationFactor'?: (number);
  /**
   * Configuration keys that differ from the defaults.
   */
  'configs'?: ({[key: string]: string});
  /**
   * Check all, create nothing.
   */
  'validateOnly'?: (boolean);
  '_partitions'?: "partitions";
  '_replicationFactor'?: "replicationFactor";
}

/**
 * A topic to be.
 */
export interface CreateTopicRequest__Output {
  /**
   * Name: 1 to 249 of the characters a-z A-Z 0-9 . _ -, not "." or "..".
   */
  'topic': (string);
  /**
   * Number of partitions. Absent: the cluster's default.
   */
  'partitions'?: (number);
  /**
   * Number of copies of each partition. Absent: 3, or as many as there are brokers if that is fewer.
   */
  'replicationFactor'?: (number);
  /**
   * Configuration keys that differ from the defaults.
   */
  'configs': ({[key: string]: string});
  /**
   * Check all, create nothing.
   */
  'validateOnly': (boolean);
  '_partitions'?: "partitions";
  '_replicationFactor'?: "replicationFactor";
}
