// SPDX-License-Identifier: Apache-2.0
// One input line becomes one record: the value is the line's bytes untouched, key and time are read out of it.
//
//   line     2016/01/04 21:18:48.64,37.3257,-122.1043,…,NC,72573650
//   key      field 12 by ","                     -> "72573650"
//   time     field 1, %Y/%m/%d %H:%M:%S.%f       -> 1451942328640
//
// Where a key or a time may come from: a field (a number or a header's name in delimited lines, a path in JSON), a
// pattern (its group named key or time, else its first group, else the whole match), or what stands before a separator,
// which is then cut off the value. A field that is there but empty is "no key" (null), as an absent event id should
// be, not a key that every such record shares. Lines are text in UTF-8 when they are valid UTF-8; others are read byte by
// byte, so that their keys keep their bytes.
//
// `compileLineReader` refuses options that contradict each other; the reader refuses lines it cannot read, as values.

import { isUtf8 } from "node:buffer";
import { delimitedField, delimitedFields } from "./delimited.ts";
import { readRecordDocument } from "./record-document.ts";
import { jsonValueAt, parseJsonPath } from "./json-path.ts";
import { compileTimeFormat, type TimeReader } from "./time-format.ts";

export interface LineReaderOptions {
  /** `lines`: any text, delimited or not. `ndjson`: each line is one JSON document. `records`: each is a whole record. */
  format: "lines" | "ndjson" | "records";
  delimiter?: string | undefined;
  keyField?: string | undefined;
  keyPattern?: string | undefined;
  keyDelimiter?: string | undefined;
  /** The same key for every record. */
  key?: string | undefined;
  timeField?: string | undefined;
  timePattern?: string | undefined;
  timeFormat?: string | undefined;
  headers?: readonly { key: string; value: Uint8Array | null }[];
  /** An empty value becomes null: a tombstone. */
  emptyIsNull?: boolean | undefined;
  /** The line that --skip-header skips, which names the fields; "later": it has not been read yet, any name will do. */
  headerLine?: Uint8Array | "later";
}

/** `value` is a view of the line (borrowed); `key` is owned. */
export interface LineRecord {
  key: Uint8Array | null;
  value: Uint8Array | null;
  headers: readonly { key: string; value: Uint8Array | null }[];
  /** Undefined: no time was asked for; whoever sends the record sets it. */
  timestampMs: number | undefined;
  /** Where it stood before, in a line that is a whole record. */
  partition?: number;
}

export type LineOutcome = { kind: "record"; record: LineRecord } | { kind: "bad-line"; message: string };
export type LineReader = (line: Uint8Array) => LineOutcome;
export type CompiledLineReader = { kind: "reader"; read: LineReader } | { kind: "bad-options"; message: string };

/** Finds a text in a line; undefined when it is not there. `json` is given for NDJSON only. */
type Finder = (text: string, json: unknown) => string | undefined;

/** Checks the options once and returns the function that is called per line. */
export function compileLineReader(options: LineReaderOptions): CompiledLineReader {
  const contradiction = findContradiction(options);
  if (contradiction !== undefined) return { kind: "bad-options", message: contradiction };
  if (options.format === "records") return { kind: "reader", read: recordReader(options.headers ?? []) };
  const keyFinder = compileFinder(options, "key", options.keyField, options.keyPattern);
  if (typeof keyFinder === "string") return { kind: "bad-options", message: keyFinder };
  const timeFinder = compileFinder(options, "time", options.timeField, options.timePattern);
  if (typeof timeFinder === "string") return { kind: "bad-options", message: timeFinder };
  const format = compileTimeFormat(options.timeFormat ?? "auto");
  if (format.kind === "bad-format") return { kind: "bad-options", message: format.message };
  return { kind: "reader", read: lineReader(options, keyFinder, timeFinder, format.read) };
}

function lineReader(
  options: LineReaderOptions,
  findKey: Finder | undefined,
  findTime: Finder | undefined,
  readTime: TimeReader,
): LineReader {
  const headers = options.headers ?? [];
  const constantKey = options.key === undefined ? null : Buffer.from(options.key);
  const keyDelimiter = options.keyDelimiter === undefined ? undefined : Buffer.from(options.keyDelimiter);
  const needsText = findKey !== undefined || findTime !== undefined;
  return (line) => {
    let key: Uint8Array | null = constantKey;
    let value: Uint8Array | null = line;
    if (keyDelimiter !== undefined) {
      const at = Buffer.from(line.buffer, line.byteOffset, line.byteLength).indexOf(keyDelimiter);
      if (at < 0) return badLine(`no key delimiter "${options.keyDelimiter}" in it`, line);
      key = at === 0 ? null : Buffer.from(line.subarray(0, at));
      value = line.subarray(at + keyDelimiter.length);
    }
    let timestampMs: number | undefined;
    if (needsText) {
      const encoding = isUtf8(line) ? "utf8" : "latin1";
      const text = withoutMarks(Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString(encoding));
      const json = options.format === "ndjson" ? parseJson(text) : undefined;
      if (json !== undefined && "fault" in json) return badLine(`not JSON (${json.fault})`, line);
      if (findKey !== undefined) {
        const found = findKey(text, json?.document);
        if (found === undefined) return badLine("no key found in it", line);
        key = found === "" ? null : Buffer.from(found, encoding);
      }
      if (findTime !== undefined) {
        const found = findTime(text, json?.document);
        timestampMs = found === undefined ? undefined : readTime(found);
        if (timestampMs === undefined) {
          const why =
            found === undefined
              ? "no time found in it"
              : `"${found}" is not a time of format "${options.timeFormat ?? "auto"}"`;
          return badLine(why, line);
        }
      }
    }
    if (options.emptyIsNull === true && value.length === 0) value = null;
    return { kind: "record", record: { key, value, headers, timestampMs } };
  };
}

function recordReader(headers: LineRecord["headers"]): LineReader {
  return (line) => {
    const outcome = readRecordDocument(Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString("utf8"));
    if (typeof outcome === "string") return badLine(outcome, line);
    return { kind: "record", record: { ...outcome, headers: [...outcome.headers, ...headers] } };
  };
}

function findContradiction(options: LineReaderOptions): string | undefined {
  const { keyField, timeField, keyPattern, timePattern, keyDelimiter, key, emptyIsNull } = options;
  const readOut = [keyField, timeField, keyPattern, timePattern, keyDelimiter, key, emptyIsNull];
  if (options.format === "records" && readOut.some((option) => option !== undefined)) {
    return "Cannot read key or time out of whole records: each has its own";
  }
  const keySources = [options.key, options.keyField, options.keyPattern, options.keyDelimiter];
  if (keySources.filter((source) => source !== undefined).length > 1) {
    return "Cannot take the key from two places: give one of --key, --key-field, --key-pattern and --key-delimiter";
  }
  if (options.timeField !== undefined && options.timePattern !== undefined) {
    return "Cannot take the time from two places: give --time-field or --time-pattern";
  }
  if (options.timeFormat !== undefined && options.timeField === undefined && options.timePattern === undefined) {
    return "Cannot use --time-format alone: say where the time is with --time-field or --time-pattern";
  }
  if (options.keyDelimiter === "") return "Cannot cut a key off by an empty --key-delimiter";
  if (options.delimiter === "") return "Cannot cut fields by an empty --delimiter";
  return undefined;
}

function compileFinder(
  options: LineReaderOptions,
  what: "key" | "time",
  field: string | undefined,
  pattern: string | undefined,
): Finder | string | undefined {
  if (pattern !== undefined) return patternFinder(what, pattern);
  if (field === undefined) return undefined;
  if (options.format === "ndjson") {
    const path = parseJsonPath(field);
    if (path.kind === "bad-path") return path.message;
    return (_text, json) => jsonValueAt(json, path.steps);
  }
  const delimiter = options.delimiter ?? ",";
  const number = fieldNumber(field, what, delimiter, options.headerLine);
  return typeof number === "string" ? number : (text) => delimitedField(text, number, delimiter);
}

function fieldNumber(
  field: string,
  what: "key" | "time",
  delimiter: string,
  headerLine: Uint8Array | "later" | undefined,
): number | string {
  if (/^[1-9]\d{0,5}$/.test(field)) return Number(field);
  if (headerLine === "later") return 1;
  if (headerLine === undefined) {
    return `Cannot use --${what}-field "${field}": give the number of the field, from 1, or --skip-header so that the first line can name the fields`;
  }
  const names = delimitedFields(withoutMarks(Buffer.from(headerLine).toString("utf8")), delimiter);
  const index = names.indexOf(field);
  if (index < 0)
    return `Cannot find the field "${field}" for --${what}-field: the header line names ${names.join(", ")}`;
  return index + 1;
}

function patternFinder(what: "key" | "time", pattern: string): Finder | string {
  let compiled: RegExp;
  try {
    compiled = new RegExp(pattern, "u");
  } catch (error) {
    return `Cannot use --${what}-pattern "${pattern}": ${error instanceof Error ? error.message : String(error)}`;
  }
  return (text) => {
    const match = compiled.exec(text);
    return match === null ? undefined : (match.groups?.[what] ?? match[1] ?? match[0]);
  };
}

/** Without what Windows adds: the byte order mark of a file's first line, the carriage return of every line. */
function withoutMarks(text: string): string {
  return text.slice(text.startsWith("\uFEFF") ? 1 : 0, text.endsWith("\r") ? -1 : undefined);
}

function parseJson(text: string): { document: unknown } | { fault: string } {
  try {
    return { document: JSON.parse(text) as unknown };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }
}

function badLine(why: string, line: Uint8Array): LineOutcome {
  const text = Buffer.from(line.subarray(0, 80)).toString("utf8");
  return { kind: "bad-line", message: `${why}: ${JSON.stringify(line.length > 80 ? `${text}…` : text)}` };
}
