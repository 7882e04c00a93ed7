// Original file: proto/varve/v1/groups.proto


/**
 * A group to be deleted.
 */
export interface DeleteGroupRequest {
  /**
   * Name of the group.
   */
  'group'?: (string);
  /**
   * Check all, delete nothing.
   */
  'validateOnly'?: (boolean);
}

/**
 * A group to be deleted.
 */
export interface DeleteGroupRequest__Output {
  /**
   * Name of the group.
   */
  'group': (string);
  /**
   * Check all, delete nothing.
   */
  'validateOnly': (boolean);
}
