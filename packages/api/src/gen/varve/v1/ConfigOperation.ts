// Original file: proto/varve/v1/admin.proto


/**
 * One change of one configuration key.
 */
export interface ConfigOperation {
  /**
   * The key.
   */
  'name'?: (string);
  /**
   * Set the key to this value.
   */
  'set'?: (string);
  /**
   * Go back to the default. The value does not matter, only that it is set.
   */
  'delete'?: (boolean);
  /**
   * Exactly one is set.
   */
  'operation'?: "set"|"delete";
}

/**
 * One change of one configuration key.
 */
export interface ConfigOperation__Output {
  /**
   * The key.
   */
  'name': (string);
  /**
   * Set the key to this value.
   */
  'set'?: (string);
  /**
   * Go back to the default. The value does not matter, only that it is set.
   */
  'delete'?: (boolean);
  /**
   * Exactly one is set.
   */
  'operation'?: "set"|"delete";
}
