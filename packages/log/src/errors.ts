/**
 * Operational errors of the store, one class. Refusals (a wrong sequence, an offset out of range) are values and never
 * come this way; bugs are `InvariantError`s.
 */

/**
 * - `DISK_FAILED`: a sync failed, or the journal could not be read or written: the process ends (J-14).
 * - `PARTITION_FAILED`: an I/O error on one segment; that partition is closed, others go on (J-14).
 * - `NO_SPACE`: the disk is full (J-15); the store resumes by itself.
 * - `TOO_MANY_FILES`: the process or the machine has no descriptor left; nothing is wrong with the disk.
 * - `DAMAGED`: bytes that counted are not what was written (J-12).
 * - `BAD_FILE`: a file of the store cannot be understood; `path` says which, the message what to do.
 * - `UNKNOWN_VERSION`: a file was written by a newer Varve.
 * - `EXISTS`, `NOT_FOUND`: of a partition.
 * - `CLOSED`: the store, or the partition, is closed.
 * - `BAD_OPTIONS`: options that cannot work.
 */
export type LogErrorCode =
  | "DISK_FAILED"
  | "PARTITION_FAILED"
  | "NO_SPACE"
  | "TOO_MANY_FILES"
  | "DAMAGED"
  | "BAD_FILE"
  | "UNKNOWN_VERSION"
  | "EXISTS"
  | "NOT_FOUND"
  | "CLOSED"
  | "BAD_OPTIONS";

/** An operational error of the store; match on `code`. */
export class LogError extends Error {
  override readonly name = "LogError";
  readonly code: LogErrorCode;
  /** The file or directory that is to blame, if one is. */
  readonly path: string | undefined;
  /** Whether the same call may succeed later without anybody doing anything. */
  readonly retriable: boolean;

  constructor(code: LogErrorCode, message: string, options: { path?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.path = options.path;
    this.retriable = code === "NO_SPACE" || code === "TOO_MANY_FILES";
  }
}
