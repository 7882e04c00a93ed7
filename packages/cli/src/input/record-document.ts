// SPDX-License-Identifier: Apache-2.0
// A record out of the line that printRecordAsJson() made of it: the inverse, byte for byte. Pure.
//
//   {"partition":0,"timestampMs":1451942328640,"key":"72573650","valueBase64":"/wA=","headers":[{"key":"a","value":null}], …}
//
// What is not needed to send it again (topic, offset, leader epoch, the time as text) is not looked at.

export interface RecordDocument {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[];
  readonly timestampMs: number | undefined;
  readonly partition?: number;
}

class DocumentFault extends Error {}

/** The record, or why there is none. */
export function readRecordDocument(line: string): RecordDocument | string {
  try {
    const document = objectIn(JSON.parse(line) as unknown, "the line");
    const partition = optionalNumber(document, "partition");
    return {
      key: bytesIn(document, "key"),
      value: bytesIn(document, "value"),
      headers: headersIn(document["headers"]),
      timestampMs: optionalNumber(document, "timestampMs"),
      ...(partition === undefined ? {} : { partition }),
    };
  } catch (error) {
    if (error instanceof DocumentFault) return error.message;
    if (error instanceof SyntaxError) return `not JSON (${error.message})`;
    throw error;
  }
}

function headersIn(headers: unknown): RecordDocument["headers"] {
  if (headers === undefined) return [];
  if (!Array.isArray(headers)) throw new DocumentFault('"headers" is no list');
  return headers.map((entry: unknown) => {
    const header = objectIn(entry, "a header");
    const key = header["key"];
    if (typeof key !== "string") throw new DocumentFault("a header has no key");
    return { key, value: bytesIn(header, "value") };
  });
}

/** Text under `name`, other bytes under `nameBase64`; null and absent are none. */
function bytesIn(document: Readonly<Record<string, unknown>>, name: string): Uint8Array | null {
  const [text, base64] = [document[name] ?? null, document[`${name}Base64`] ?? null];
  if (text !== null && base64 !== null) throw new DocumentFault(`"${name}" stands there twice`);
  if (base64 !== null) {
    const bytes = typeof base64 === "string" ? Buffer.from(base64, "base64") : undefined;
    if (bytes?.toString("base64") !== base64) throw new DocumentFault(`"${name}Base64" is not base64`);
    return bytes;
  }
  if (text === null) return null;
  if (typeof text !== "string") throw new DocumentFault(`"${name}" is no text`);
  const bytes = Buffer.from(text);
  // Half of a surrogate pair, written as an escape.
  if (bytes.toString() !== text) throw new DocumentFault(`"${name}" is no valid text`);
  return bytes;
}

function optionalNumber(document: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const value = document[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number" || !Number.isSafeInteger(value))
    throw new DocumentFault(`"${name}" is no whole number`);
  return value < 0 ? undefined : value;
}

function objectIn(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new DocumentFault(`${what} is no JSON object`);
}
