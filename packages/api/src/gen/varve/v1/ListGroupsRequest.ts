// Original file: proto/varve/v1/groups.proto


/**
 * A question about groups.
 */
export interface ListGroupsRequest {
  /**
   * Only names that begin so. Empty: all.
   */
  'prefix'?: (string);
  /**
   * Most groups in one answer. 0: 1000, which is also the largest.
   */
  'pageSize'?: (number);
  /**
   * next_page_token of the answer before. Empty: from the beginning.
   */
  'pageToken'?: (string);
}

/**
 * A question about groups.
 */
export interface ListGroupsRequest__Output {
  /**
   * Only names that begin so. Empty: all.
   */
  'prefix': (string);
  /**
   * Most groups in one answer. 0: 1000, which is also the largest.
   */
  'pageSize': (number);
  /**
   * next_page_token of the answer before. Empty: from the beginning.
   */
  'pageToken': (string);
}
