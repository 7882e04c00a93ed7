// Original file: proto/varve/v1/peer.proto


/**
 * As Admin's ReplaceControllerResponse.
 */
export interface ReplaceMemberResponse {
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
 * As Admin's ReplaceControllerResponse.
 */
export interface ReplaceMemberResponse__Output {
  /**
   * Directory id of the disk that counts no more. Empty: the new one counts already.
   */
  'oldDirectoryId': (string);
  /**
   * Directory id of the disk that counts from now on.
   */
  'newDirectoryId': (string);
}
