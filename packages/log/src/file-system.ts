/**
 * The only door through which this package touches a disk.
 *
 * Everything the store does to files goes through these two interfaces, so that a simulated disk can stand in for the
 * real one: it keeps what the kernel holds apart from what would survive a power loss, and may lose, tear, reorder,
 * flip, refuse or hang anything these docstrings do not promise.
 *
 *        FileHandle.write        FileHandle.sync
 *   you ────────────────▶ cache ────────────────▶ durable bytes of the file
 *        open("create"), rename, unlink, mkdir    FileSystem.syncDirectory
 *   you ────────────────▶ cache ────────────────▶ durable names in that directory
 *
 * Two things are durable apart from each other: the bytes of a file (and its size), and the name it has in its
 * directory. A synced file whose directory was not synced may be gone, or be there under an older name (F-12).
 *
 * There is nothing synchronous here: a disk that hangs must not stop the event loop.
 */

/** Why an operation failed; `IO` is everything that is not one of the others, a full disk excepted. */
export type FileSystemErrorCode =
  | "NO_SPACE"
  | "IO"
  | "NOT_FOUND"
  | "EXISTS"
  | "PERMISSION"
  | "NOT_A_DIRECTORY"
  | "TOO_MANY_FILES"
  | "CLOSED";

/**
 * A file operation that failed. After an error of `write` any part of the bytes may be in the file; after an error of
 * `sync` nothing may be assumed about what is durable, and trying again proves nothing (J-14).
 */
export class FileSystemError extends Error {
  override readonly name = "FileSystemError";
  readonly code: FileSystemErrorCode;
  /** The path that was handed in; for an operation on a handle, the path it was opened with. */
  readonly path: string;

  constructor(code: FileSystemErrorCode, path: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.path = path;
  }
}

/**
 * Whether an operation failed for want of something that comes back: room on the disk, or a descriptor. Nothing is lost by it,
 * and the same operation may succeed later (J-15).
 */
export function isShortage(error: unknown): error is FileSystemError {
  return error instanceof FileSystemError && (error.code === "NO_SPACE" || error.code === "TOO_MANY_FILES");
}

/**
 * - `read`: must exist; reading only.
 * - `write`: must exist; reading and writing.
 * - `create`: must not exist (`EXISTS`), and is made empty; reading and writing. The *name* is durable only after
 *   `syncDirectory` of its directory.
 */
export type OpenMode = "read" | "write" | "create";

/** What is known of a path without opening it. */
export interface FileStatus {
  readonly sizeBytes: number;
  /** Wall clock of the file system; never used for decisions about retention. */
  readonly modifiedMs: number;
  readonly isDirectory: boolean;
}

/**
 * One open file. Operations on the same handle may be outstanding together: each is atomic towards none of the others,
 * so a caller does not read a range that it is writing, and does not `close` before the rest has ended. Two writes to
 * disjoint ranges may reach the cache in either order.
 */
export interface FileHandle {
  /** The path it was opened with (a later rename does not change it). */
  readonly path: string;

  /**
   * Fills `into` from position `at` and returns the number of bytes read; fewer than `into.length` only at the end of
   * the file, 0 at or beyond it. `into` is borrowed until the promise settles. Sees everything written before the call
   * through any handle. Errors: `IO`, `CLOSED`.
   */
  read(into: Uint8Array, at: number): Promise<number>;

  /**
   * Writes all chunks one after the other from position `at`, or throws; the file grows when needed and a gap reads as
   * zeros. Chunks are borrowed and must not change until the promise settles. On return the bytes are in the cache, not
   * durable. After an error any part of them may have been written. Errors: `NO_SPACE`, `IO`, `CLOSED`.
   */
  write(chunks: readonly Uint8Array[], at: number): Promise<void>;

  /**
   * Makes the bytes and the size durable (fdatasync). Covers every write and truncation that had *ended* when it was
   * called; later ones may or may not be covered. Does not make the name durable. An error is final for the file (J-14).
   */
  sync(): Promise<void>;

  /** Cuts the file, or grows it with zeros. In the cache on return; durable after `sync`. Errors: `NO_SPACE`, `IO`. */
  truncate(sizeBytes: number): Promise<void>;

  /** Bytes now. */
  size(): Promise<number>;

  /** Releases the descriptor; makes nothing durable. Idempotent: later calls return the same promise. */
  close(): Promise<void>;
}

/** A tree of files and directories. Paths are handed through as they are; `/` separates. */
export interface FileSystem {
  /** Errors: `NOT_FOUND`, `EXISTS` (mode `create`), `PERMISSION`, `TOO_MANY_FILES`, `NO_SPACE`, `IO`. */
  open(path: string, mode: OpenMode): Promise<FileHandle>;

  /** Makes the directory and its parents; fine when it exists. Names are durable after `syncDirectory` of each parent. */
  mkdir(path: string): Promise<void>;

  /** Names in the directory, without `.` and `..`, sorted by code unit. Errors: `NOT_FOUND`, `NOT_A_DIRECTORY`, `IO`. */
  readdir(path: string): Promise<string[]>;

  /**
   * Gives `from` (a file or a directory) the name `to`, replacing a file that is there. Atomic in the cache; after a
   * crash either name holds until the directories of both are synced. Errors: `NOT_FOUND`, `IO`.
   */
  rename(from: string, to: string): Promise<void>;

  /** Removes the name of a file; open handles go on. Durable after `syncDirectory`. Errors: `NOT_FOUND`, `IO`. */
  unlink(path: string): Promise<void>;

  /**
   * Removes a directory and all that is in it; fine when it is missing. Not atomic: a crash may leave any part, so
   * rename it to a name that means "to be removed" first. Errors: `IO`, `PERMISSION`.
   */
  removeTree(path: string): Promise<void>;

  /** Makes the names in this directory durable: creations, renames and removals that had ended. An error is final. */
  syncDirectory(path: string): Promise<void>;

  /** Undefined when there is nothing at `path`. Errors: `PERMISSION`, `IO`. */
  stat(path: string): Promise<FileStatus | undefined>;

  /** Bytes that this process may still write on the disk of `path`. */
  freeBytes(path: string): Promise<number>;
}
