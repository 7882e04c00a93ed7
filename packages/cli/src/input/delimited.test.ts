// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { delimitedField, delimitedFields } from "./delimited.ts";

describe("delimitedField()", () => {
  it.each([
    ["a,b,c", 1, ",", "a"],
    ["a,b,c", 3, ",", "c"],
    ["a,b,c", 4, ",", undefined],
    ["a,,c", 2, ",", ""],
    ["a,b,", 3, ",", ""],
    ["", 1, ",", ""],
    ['"x,y",b', 1, ",", "x,y"],
    ['"x,y",b', 2, ",", "b"],
    ['"say ""hi"", twice",b', 1, ",", 'say "hi", twice'],
    ['"never closed,b', 2, ",", "b"],
    ["a\tb", 2, "\t", "b"],
    ["a::b::c", 2, "::", "b"],
    ["  a   b\tc ", 2, " ", "b"],
    ["  a   b\tc ", 4, " ", undefined],
    ['"a b"', 1, " ", '"a'],
  ])("%j field %d by %j is %j", (line, number, delimiter, expected) => {
    expect(delimitedField(line, number, delimiter)).toBe(expected);
  });
});

describe("delimitedFields()", () => {
  it("reads back what RFC 4180 writes", () => {
    const field = fc.string({ unit: fc.constantFrom("a", ",", '"', " ") });
    fc.assert(
      fc.property(fc.array(field, { minLength: 1 }), (fields) => {
        const line = fields.map((text) => `"${text.replaceAll('"', '""')}"`).join(",");
        expect(delimitedFields(line, ",")).toEqual(fields);
      }),
    );
  });
});
