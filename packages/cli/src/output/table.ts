// SPDX-License-Identifier: Apache-2.0
// Tables for people: no lines around cells, two spaces between columns, numbers to the right, so that a table can be cut
// with awk as well as read. Cells that would move the cursor or break the row are printed escaped.

import Table from "cli-table3";

export type Cell = string | number | boolean;

/** What is not known, or is not there. */
export const unknown = "-";

/** Rows under a header, ending in a line end. Numbers are set to the right, with the header of their column. */
export function printTable(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const alignments = header.map((_, column) => (isNumeric(rows.map((row) => row[column])) ? "right" : "left"));
  const table = new Table({
    head: [...header],
    colAligns: alignments,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 2, compact: true },
    chars: Object.fromEntries(borderParts.map((part) => [part, ""])),
  });
  for (const row of rows) table.push(row.map((cell) => escapeControls(String(cell))));
  return `${table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")}\n`;
}

function isNumeric(cells: readonly (Cell | undefined)[]): boolean {
  const known = cells.filter((cell) => cell !== unknown);
  return known.length > 0 && known.every((cell) => typeof cell === "number");
}

/** A value for JSON output, one document, indented for people and still one parse for scripts. */
export function printJson(document: unknown): string {
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/** Control characters as \xHH: text that came from elsewhere must not drive the terminal. */
export function escapeControls(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

const borderParts = [
  "top",
  "top-mid",
  "top-left",
  "top-right",
  "bottom",
  "bottom-mid",
  "bottom-left",
  "bottom-right",
  "left",
  "left-mid",
  "mid",
  "mid-mid",
  "right",
  "right-mid",
  "middle",
];
