// Original file: proto/varve/v1/admin.proto


/**
 * A disk that was replaced, or would have been.
 */
export interface ReplaceControllerResponse {
  /**
   * Directory id of the disk that counts no more. Empty: the new one counts already.
   */
  'oldDirectoryId'?: (string);
  /**
   * Directory id of the disk that counts from now on.
   */
  'newDirectoryId'?: (string);
}

/**
 * A disk that was replaced, or would have been.
 */
export interface ReplaceControllerResponse__Output {
  /**
   * Directory id of the disk that counts no more. Empty: the new one counts already.
   */
  'oldDirectoryId': (string);
  /**
   * Directory id of the disk that counts from now on.
   */
  'newDirectoryId': (string);
}
