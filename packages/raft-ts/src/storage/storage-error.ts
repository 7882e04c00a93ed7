// SPDX-License-Identifier: Apache-2.0
// What storage rejects with. Match on `code`; the message is for people and says what to do next.

export type StorageErrorCode =
  /** What was read is not what was written (D-5). Fatal for the node; the next open will say "suspect". */
  | "damaged"
  /** Another process holds the directory (D-10). */
  | "locked"
  /** The directory belongs to another node or another cluster (P7), or holds something else altogether. */
  | "foreign"
  /** What came in is not what was announced: a snapshot of another size or checksum, for instance. Harmless here. */
  | "mismatch"
  /** A write failed: nothing may be written any more (P5). */
  | "failed"
  /** Not open, or suspect. */
  | "closed";

export class StorageError extends Error {
  override readonly name = "StorageError";
  readonly code: StorageErrorCode;

  constructor(code: StorageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export function damaged(what: string, options?: ErrorOptions): StorageError {
  return new StorageError("damaged", what, options);
}

/** The system's name for what went wrong, such as "ENOENT"; undefined when it is no error of the system. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
