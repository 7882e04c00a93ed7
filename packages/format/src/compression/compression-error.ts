// SPDX-License-Identifier: Apache-2.0
import { FormatError, type FormatErrorCode } from "../format-error.ts";
import type { Codec } from "../record-batch/layout.ts";

/** Compressed bytes that are damaged (MALFORMED), too large when plain (TOO_LARGE), or of a kind not read here (UNSUPPORTED). */
export class CompressionError extends FormatError {
  readonly codec: Codec;

  constructor(codec: Codec, code: FormatErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.codec = codec;
  }
}

export function malformed(codec: Codec, why: string, cause?: unknown): CompressionError {
  return new CompressionError(codec, "MALFORMED", `Cannot decompress the ${codec} bytes: ${why}.`, { cause });
}

export function tooLarge(codec: Codec, maxBytes: number): CompressionError {
  return new CompressionError(
    codec,
    "TOO_LARGE",
    `Cannot decompress the ${codec} bytes: they hold more than the ${maxBytes} bytes allowed.`,
  );
}
