// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonValueAt, parseJsonPath } from "./json-path.ts";

function at(path: string, document: unknown): string | undefined {
  const parsed = parseJsonPath(path);
  if (parsed.kind === "bad-path") throw new Error(parsed.message);
  return jsonValueAt(document, parsed.steps);
}

describe("jsonValueAt()", () => {
  const order = { user: { id: 7, name: "Ada" }, items: [{ sku: "x" }, { sku: "y" }], "odd.name": true, none: null };
  it.each([
    ["user.name", "Ada"],
    ["$.user.id", "7"],
    ["items[1].sku", "y"],
    ['["odd.name"]', "true"],
    ['$["odd.name"]', "true"],
    ["items[0]", '{"sku":"x"}'],
    ["items[2].sku", undefined],
    ["user.missing", undefined],
    ["none", undefined],
    ["toString", undefined],
    ["user.name.length", undefined],
  ])("%j is %j", (path, expected) => {
    expect(at(path, order)).toBe(expected);
  });

  it("follows an index from the top, and the empty rest of $ is the whole document", () => {
    expect(at("[0]", ["first"])).toBe("first");
    expect(at("$", { a: 1 })).toBe('{"a":1}');
  });
});

describe("parseJsonPath()", () => {
  it.each(["", "a..b", "a[", "a[x]", "a.*", "a[-1]", "$x"])("refuses %j or reads it as a plain name", (path) => {
    const parsed = parseJsonPath(path);
    if (path === "a.*") expect(parsed).toEqual({ kind: "path", steps: ["a", "*"] });
    else expect(parsed.kind).toBe("bad-path");
  });

  it("finds a value under any name written in brackets", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (name, value) => {
        const path = `["${name.replace(/["\\]/g, "\\$&")}"]`;
        fc.pre(!name.includes("\n"));
        expect(at(path, { [name]: value })).toBe(value);
      }),
    );
  });
});
