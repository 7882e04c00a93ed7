// Original file: proto/varve/v1/admin.proto

/**
 * Whom to elect.
 */
export const ElectionMode = {
  /**
   * The same as ELECTION_MODE_PREFERRED.
   */
  ELECTION_MODE_UNSPECIFIED: 'ELECTION_MODE_UNSPECIFIED',
  /**
   * The first replica of each partition, where it is in sync. Nothing is lost.
   */
  ELECTION_MODE_PREFERRED: 'ELECTION_MODE_PREFERRED',
  /**
   * Partitions without leader: whoever has most of those that are there, complete or not. Acknowledged records may be lost.
   */
  ELECTION_MODE_UNCLEAN: 'ELECTION_MODE_UNCLEAN',
} as const;

/**
 * Whom to elect.
 */
export type ElectionMode =
  /**
   * The same as ELECTION_MODE_PREFERRED.
   */
  | 'ELECTION_MODE_UNSPECIFIED'
  | 0
  /**
   * The first replica of each partition, where it is in sync. Nothing is lost.
   */
  | 'ELECTION_MODE_PREFERRED'
  | 1
  /**
   * Partitions without leader: whoever has most of those that are there, complete or not. Acknowledged records may be lost.
   */
  | 'ELECTION_MODE_UNCLEAN'
  | 2

/**
 * Whom to elect.
 */
export type ElectionMode__Output = typeof ElectionMode[keyof typeof ElectionMode]
