// SPDX-License-Identifier: Apache-2.0
// One field of a delimited line, without cutting the whole line up. Two dialects:
//
//   ","  "\t"  "|" …  fields as in RFC 4180: a field may stand in double quotes, "" inside is one quote,
//                     a delimiter inside quotes does not count
//   " "               runs of spaces and tabs are one delimiter, as in awk; quotes are ordinary letters
//
// Pure; a field that is not there is undefined.

/** Field `number` (from 1) of the line. @throws nothing */
export function delimitedField(line: string, number: number, delimiter: string): string | undefined {
  return delimiter === " " ? blankSeparated(line, number) : quotedField(line, number, delimiter);
}

/** All fields, for a header line whose names may be used instead of numbers. */
export function delimitedFields(line: string, delimiter: string): string[] {
  const fields: string[] = [];
  for (let number = 1; ; number += 1) {
    const field = delimitedField(line, number, delimiter);
    if (field === undefined) return fields;
    fields.push(field);
  }
}

function blankSeparated(line: string, number: number): string | undefined {
  let at = 0;
  for (let field = 1; ; field += 1) {
    while (isBlank(line, at)) at += 1;
    if (at >= line.length) return undefined;
    const start = at;
    while (at < line.length && !isBlank(line, at)) at += 1;
    if (field === number) return line.slice(start, at);
  }
}

function quotedField(line: string, number: number, delimiter: string): string | undefined {
  let start = 0;
  for (let field = 1; ; field += 1) {
    const end = fieldEnd(line, start, delimiter);
    if (field === number) return unquote(line.slice(start, end));
    if (end >= line.length) return undefined;
    start = end + delimiter.length;
  }
}

function fieldEnd(line: string, start: number, delimiter: string): number {
  let from = start;
  if (line[start] === '"') {
    let close = line.indexOf('"', start + 1);
    while (close >= 0 && line[close + 1] === '"') close = line.indexOf('"', close + 2);
    // A quote that never closes is an ordinary letter: a bad line loses one field, not all that follow.
    if (close >= 0) from = close + 1;
  }
  const end = line.indexOf(delimiter, from);
  return end < 0 ? line.length : end;
}

function unquote(field: string): string {
  const quoted = field.length >= 2 && field.startsWith('"') && field.endsWith('"');
  return quoted ? field.slice(1, -1).replaceAll('""', '"') : field;
}

function isBlank(line: string, at: number): boolean {
  return line[at] === " " || line[at] === "\t";
}
