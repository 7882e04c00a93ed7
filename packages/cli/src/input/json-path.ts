// SPDX-License-Identifier: Apache-2.0
// The small part of JSONPath that names one value: `user.id`, `$.items[0].sku`, `["odd.name"].x`. No wildcards and
// no filters: a key is one value. Pure.

export type JsonPath = { kind: "path"; steps: readonly (string | number)[] } | { kind: "bad-path"; message: string };

/** Reads a path once; `jsonValueAt` then follows it per line. */
export function parseJsonPath(text: string): JsonPath {
  const steps: (string | number)[] = [];
  let rest = text.startsWith("$") ? text.slice(1) : `.${text}`;
  if (text.startsWith("[")) rest = text;
  while (rest !== "") {
    const match = /^(?:\.([^.[\]]+)|\[(\d{1,9})\]|\["((?:[^"\\]|\\.)*)"\])/.exec(rest);
    if (match === null) {
      return {
        kind: "bad-path",
        message: `Cannot read the JSON path "${text}" at "${rest}": write names and indexes as in user.id, items[0].sku or ["odd.name"]`,
      };
    }
    const [whole, name, index, quoted] = match;
    steps.push(name ?? (index === undefined ? unescape(quoted ?? "") : Number(index)));
    rest = rest.slice(whole.length);
  }
  return { kind: "path", steps };
}

/** The value as the text of a key: strings as they are, everything else as JSON prints it; undefined when absent or null. */
export function jsonValueAt(document: unknown, steps: readonly (string | number)[]): string | undefined {
  let value = document;
  for (const step of steps) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  if (value === undefined || value === null) return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, "$1");
}
