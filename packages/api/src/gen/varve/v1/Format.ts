// Original file: proto/varve/v1/common.proto

/**
 * How records are delivered.
 */
export const Format = {
  /**
   * The same as FORMAT_RECORDS.
   */
  FORMAT_UNSPECIFIED: 'FORMAT_UNSPECIFIED',
  /**
   * As Record messages, decompressed.
   */
  FORMAT_RECORDS: 'FORMAT_RECORDS',
  /**
   * As stored: whole record batches (Kafka's format, version 2), perhaps compressed. The first may begin below
   * the requested offset, and records outside the requested range or filter may be among them.
   */
  FORMAT_BATCHES: 'FORMAT_BATCHES',
} as const;

/**
 * How records are delivered.
 */
export type Format =
  /**
   * The same as FORMAT_RECORDS.
   */
  | 'FORMAT_UNSPECIFIED'
  | 0
  /**
   * As Record messages, decompressed.
   */
  | 'FORMAT_RECORDS'
  | 1
  /**
   * As stored: whole record batches (Kafka's format, version 2), perhaps compressed. The first may begin below
   * the requested offset, and records outside the requested range or filter may be among them.
   */
  | 'FORMAT_BATCHES'
  | 2

/**
 * How records are delivered.
 */
export type Format__Output = typeof Format[keyof typeof Format]
