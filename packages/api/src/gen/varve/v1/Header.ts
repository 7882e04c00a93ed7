// Original file: proto/varve/v1/common.proto


/**
 * One name and value beside a record. Names may repeat; their order is kept.
 */
export interface Header {
  /**
   * Name, UTF-8.
   */
  'key'?: (string);
  /**
   * Value. Absent means null, which differs from empty.
   */
  'value'?: (Buffer | Uint8Array | string);
  '_value'?: "value";
}

/**
 * One name and value beside a record. Names may repeat; their order is kept.
 */
export interface Header__Output {
  /**
   * Name, UTF-8.
   */
  'key': (string);
  /**
   * Value. Absent means null, which differs from empty.
   */
  'value'?: (Buffer);
  '_value'?: "value";
}
