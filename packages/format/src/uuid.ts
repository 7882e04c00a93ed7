// SPDX-License-Identifier: Apache-2.0
// Topic, directory and cluster ids. In memory an id is 32 lower-case hexadecimal digits; on the wire 16 bytes, most
// significant first; in Kafka's tools 22 characters of URL-safe base64. The zero id means "none".

import { FormatError } from "./format-error.ts";

export const uuidBytes = 16;
export const zeroUuid = "00000000000000000000000000000000";

const hexadecimal = /^[0-9a-f]{32}$/;
const base64Url = /^[A-Za-z0-9_-]{21}[AQgw]$/;

/** Whether `text` is an id in our in-memory form. */
export function isUuid(text: string): boolean {
  return hexadecimal.test(text);
}

/** 16 owned bytes of an id in hexadecimal, dashed or Kafka's base64 form. Throws `FormatError` MALFORMED otherwise. */
export function parseUuid(text: string): Uint8Array {
  const digits = text.length === 36 ? text.replaceAll("-", "").toLowerCase() : text.toLowerCase();
  if (hexadecimal.test(digits)) return new Uint8Array(Buffer.from(digits, "hex"));
  if (base64Url.test(text)) return new Uint8Array(Buffer.from(text, "base64url"));
  throw new FormatError("MALFORMED", `Cannot parse the id "${text.slice(0, 64)}": want 32 hexadecimal digits.`);
}

/** Hexadecimal form of the 16 bytes at `at`; `bytes` is only borrowed. Throws `FormatError` TRUNCATED when they are fewer. */
export function printUuid(bytes: Uint8Array, at = 0): string {
  if (bytes.length - at < uuidBytes) throw new FormatError("TRUNCATED", "Cannot read an id: fewer than 16 bytes left.");
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, uuidBytes).toString("hex");
}

/** The form that Kafka's tools print. */
export function printUuidAsBase64(uuid: string): string {
  return Buffer.from(parseUuid(uuid)).toString("base64url");
}
