// Original file: proto/varve/v1/common.proto


/**
 * Where the leader of a partition is. A hint: a client that cannot reach the address goes on through
 * the node that it knows.
 */
export interface LeaderHint {
  /**
   * Node id of the leader; -1 when there is none.
   */
  'nodeId'?: (number);
  /**
   * Address of the leader's gRPC listener, `host:port`. Empty when unknown.
   */
  'address'?: (string);
  /**
   * The leader's epoch; -1 when unknown.
   */
  'leaderEpoch'?: (number);
}

/**
 * Where the leader of a partition is. A hint: a client that cannot reach the address goes on through
 * the node that it knows.
 */
export interface LeaderHint__Output {
  /**
   * Node id of the leader; -1 when there is none.
   */
  'nodeId': (number);
  /**
   * Address of the leader's gRPC listener, `host:port`. Empty when unknown.
   */
  'address': (string);
  /**
   * The leader's epoch; -1 when unknown.
   */
  'leaderEpoch': (number);
}
