// SPDX-License-Identifier: Apache-2.0
// Rows of a benchmark as aligned text: numbers right, words left.

/** One line of a table; keys are column titles, in order of first appearance. Put the unit into the title. */
export type Row = Readonly<Record<string, string | number>>;

/** The rows under their column titles, ready to print. */
export function renderTable(rows: readonly Row[]): string {
  const titles = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = rows.map((row) => titles.map((title) => printCell(row[title])));
  const widths = titles.map((title, column) => Math.max(title.length, ...cells.map((line) => line[column]!.length)));
  const isNumeric = titles.map((title) => rows.every((row) => typeof (row[title] ?? 0) === "number"));
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, column) => (isNumeric[column]! ? text.padStart(widths[column]!) : text.padEnd(widths[column]!)))
      .join("  ")
      .trimEnd();
  return [line(titles), line(widths.map((width) => "-".repeat(width))), ...cells.map(line)].join("\n");
}

/** How many times `a` is `b`, for a column that compares: "1.8x". */
export function ratio(a: number, b: number): string {
  return b === 0 ? "-" : `${(a / b).toFixed(2)}x`;
}

/** Three digits that say something, and thousands apart. */
function printCell(value: string | number | undefined): string {
  if (value === undefined) return "";
  if (typeof value === "string") return value;
  if (Math.abs(value) >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString("en-US");
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);
}
