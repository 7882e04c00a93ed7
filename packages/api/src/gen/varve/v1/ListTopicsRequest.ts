// Original file: proto/varve/v1/admin.proto


/**
 * A question about topics.
 */
export interface ListTopicsRequest {
  /**
   * Only names that begin so. Empty: all.
   */
  'prefix'?: (string);
  /**
   * Topics that the cluster keeps for itself, too.
   */
  'includeInternal'?: (boolean);
  /**
   * Most topics in one answer. 0: 1000, which is also the largest.
   */
  'pageSize'?: (number);
  /**
   * next_page_token of the answer before. Empty: from the beginning.
   */
  'pageToken'?: (string);
}

/**
 * A question about topics.
 */
export interface ListTopicsRequest__Output {
  /**
   * Only names that begin so. Empty: all.
   */
  'prefix': (string);
  /**
   * Topics that the cluster keeps for itself, too.
   */
  'includeInternal': (boolean);
  /**
   * Most topics in one answer. 0: 1000, which is also the largest.
   */
  'pageSize': (number);
  /**
   * next_page_token of the answer before. Empty: from the beginning.
   */
  'pageToken': (string);
}
