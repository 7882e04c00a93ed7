// SPDX-License-Identifier: Apache-2.0
// The one operational error of this package: bytes that are not what they claim to be.

/** What is wrong with the bytes. `TOO_LARGE`: obeying them would take more memory than the caller allows. `INVALID_VALUE`: a
 * writer was given what its field cannot carry. */
export type FormatErrorCode =
  | "TRUNCATED"
  | "MALFORMED"
  | "TOO_LARGE"
  | "UNSAFE_INTEGER"
  | "UNSUPPORTED"
  | "INVALID_VALUE";

/** Thrown by readers and decoders on hostile or damaged bytes. Match on `code`; never retriable, the bytes stay bad. */
export class FormatError extends Error {
  override readonly name = "FormatError";
  readonly retriable = false;
  readonly code: FormatErrorCode;

  constructor(code: FormatErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
