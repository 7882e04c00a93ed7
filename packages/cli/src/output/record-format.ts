// SPDX-License-Identifier: Apache-2.0
// How `consume` prints a record: a format string in the letters of kcat and rpk, or one JSON document per line.
//
//   %t topic      %p partition   %o offset        %T timestamp, ms       %d timestamp, ISO 8601
//   %k key        %v or %s value %K key length    %V or %S value length  (-1 when null)
//   %h headers    %e leader epoch                 %% percent             \n \t \r \0 \\ \xHH escapes
//
// Keys and values are written as their bytes, so that `consume -f '%v\n' > file` gives back what `produce` read. Null
// prints as nothing; %K and %V tell null (-1) from empty (0). Pure: records in, bytes out.

import { usageError } from "../exit-code.ts";

/** What both printers need of a record. Bytes are borrowed for the call. */
export interface PrintableRecord {
  topic: string;
  partition: number;
  offset: number;
  timestampMs: number;
  leaderEpoch?: number | undefined;
  key: Uint8Array | null;
  value: Uint8Array | null;
  headers: readonly { key: string; value: Uint8Array | null }[];
}

export type RecordPrinter = (record: PrintableRecord) => Uint8Array;
export type CompiledFormat = { kind: "printer"; print: RecordPrinter } | { kind: "bad-format"; message: string };

type Part = (record: PrintableRecord) => Uint8Array | string;

const directives: Readonly<Record<string, Part>> = {
  t: (record) => record.topic,
  p: (record) => String(record.partition),
  o: (record) => String(record.offset),
  T: (record) => String(record.timestampMs),
  d: (record) => isoTime(record.timestampMs),
  e: (record) => String(record.leaderEpoch ?? -1),
  k: (record) => record.key ?? "",
  K: (record) => String(record.key?.length ?? -1),
  v: (record) => record.value ?? "",
  s: (record) => record.value ?? "",
  V: (record) => String(record.value?.length ?? -1),
  S: (record) => String(record.value?.length ?? -1),
  h: (record) =>
    record.headers.map((header) => `${header.key}=${header.value === null ? "" : textOf(header.value)}`).join(","),
  "%": () => "%",
};

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "0": "\0", "\\": "\\" };

/** Compiles a format string once; unknown letters are refused by name, not printed. */
export function compileRecordFormat(format: string): CompiledFormat {
  const parts: Part[] = [];
  let literal: number[] = [];
  const flush = (): void => {
    if (literal.length === 0) return;
    const bytes = Uint8Array.from(literal);
    parts.push(() => bytes);
    literal = [];
  };
  for (let at = 0; at < format.length;) {
    const directive = format[at] === "%" ? format[at + 1] : undefined;
    if (format[at] === "%") {
      const part = directive === undefined ? undefined : directives[directive];
      if (part === undefined) return unknownPart(format, `%${directive ?? ""}`);
      flush();
      parts.push(part);
      at += 2;
      continue;
    }
    if (format[at] === "\\") {
      const hex = /^\\x([0-9a-f]{2})/i.exec(format.slice(at, at + 4));
      const plain = escapes[format[at + 1] ?? ""];
      if (hex === null && plain === undefined) return unknownPart(format, `\\${format[at + 1] ?? ""}`);
      literal.push(hex === null ? (plain ?? "").charCodeAt(0) : Number.parseInt(hex[1] ?? "", 16));
      at += hex === null ? 2 : 4;
      continue;
    }
    const character = String.fromCodePoint(format.codePointAt(at) ?? 0);
    literal.push(...Buffer.from(character));
    at += character.length;
  }
  flush();
  return {
    kind: "printer",
    print: (record) =>
      Buffer.concat(
        parts.map((part) => {
          const piece = part(record);
          return typeof piece === "string" ? Buffer.from(piece) : piece;
        }),
      ),
  };
}

/** The printer of a format of the command line. @throws CliError with code `usage` */
export function recordPrinter(format: string): RecordPrinter {
  const result = compileRecordFormat(format);
  if (result.kind === "bad-format") throw usageError(result.message, "The letters are in: varve consume --help");
  return result.print;
}

function unknownPart(format: string, part: string): CompiledFormat {
  const known = `${Object.keys(directives)
    .map((letter) => `%${letter}`)
    .join(" ")} \\n \\t \\r \\0 \\\\ \\xHH`;
  return {
    kind: "bad-format",
    message: `Cannot use the format "${format}": "${part}" is not known; known are ${known}`,
  };
}

/**
 * One line of JSON. Bytes that are valid UTF-8 are text under `key` and `value`; others are base64 under `keyBase64`
 * and `valueBase64`, so a reader never takes one for the other.
 */
export function printRecordAsJson(record: PrintableRecord): Uint8Array {
  const document = {
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    timestampMs: record.timestampMs,
    timestamp: isoTime(record.timestampMs),
    ...jsonBytes("key", record.key),
    ...jsonBytes("value", record.value),
    headers: record.headers.map((header) => ({ key: header.key, ...jsonBytes("value", header.value) })),
    ...(record.leaderEpoch === undefined ? {} : { leaderEpoch: record.leaderEpoch }),
  };
  return Buffer.from(`${JSON.stringify(document)}\n`);
}

function jsonBytes(name: string, bytes: Uint8Array | null): Record<string, string | null> {
  if (bytes === null) return { [name]: null };
  const text = Buffer.from(bytes).toString("utf8");
  return Buffer.from(text).equals(bytes)
    ? { [name]: text }
    : { [`${name}Base64`]: Buffer.from(bytes).toString("base64") };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("utf8");
}

/** ISO 8601 with milliseconds; a time that no calendar holds prints as its number. */
export function isoTime(timestampMs: number): string {
  return Math.abs(timestampMs) <= 8.64e15 ? new Date(timestampMs).toISOString() : String(timestampMs);
}
