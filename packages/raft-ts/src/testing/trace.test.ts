// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { Trace } from "./trace.ts";

function hashOf(...facts: readonly (number | string)[]): string {
  const trace = new Trace();
  facts.forEach((fact) => (typeof fact === "number" ? trace.fact(fact) : trace.text(fact)));
  return trace.hash();
}

test("Trace.hash() depends on every fact and their order", () => {
  expect(hashOf(1, 2, "append")).toBe(hashOf(1, 2, "append"));
  const others = [hashOf(1, 2), hashOf(2, 1), hashOf(1, 2, 0), hashOf(1 + 2 ** 32, 2), hashOf("ab"), hashOf("ba")];
  expect(new Set(others).size).toBe(others.length);
});

test("Trace.lines() are the newest, oldest first", () => {
  const trace = new Trace(3);
  for (const line of ["one", "two", "three", "four"]) trace.line(line);
  expect(trace.lines()).toEqual(["two", "three", "four"]);
  expect(new Trace().isVerbose).toBe(false);
});
