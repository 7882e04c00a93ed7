// Original file: proto/varve/v1/common.proto


/**
 * A refusal or failure of one part of a request. A whole call that fails ends with a gRPC status
 * instead, whose details carry the same facts as google.rpc.ErrorInfo.
 */
export interface Error {
  /**
   * Stable name in capitals, such as NOT_LEADER. docs/errors.md lists all of them.
   */
  'reason'?: (string);
  /**
   * What failed and what to do, for people. Its text may change at any time.
   */
  'message'?: (string);
  /**
   * True when the same request may succeed later.
   */
  'retriable'?: (boolean);
  /**
   * Facts by name, such as the valid offset range of OFFSET_OUT_OF_RANGE. docs/errors.md lists them by reason.
   */
  'metadata'?: ({[key: string]: string});
}

/**
 * A refusal or failure of one part of a request. A whole call that fails ends with a gRPC status
 * instead, whose details carry the same facts as google.rpc.ErrorInfo.
 */
export interface Error__Output {
  /**
   * Stable name in capitals, such as NOT_LEADER. docs/errors.md lists all of them.
   */
  'reason': (string);
  /**
   * What failed and what to do, for people. Its text may change at any time.
   */
  'message': (string);
  /**
   * True when the same request may succeed later.
   */
  'retriable': (boolean);
  /**
   * Facts by name, such as the valid offset range of OFFSET_OUT_OF_RANGE. docs/errors.md lists them by reason.
   */
  'metadata': ({[key: string]: string});
}
