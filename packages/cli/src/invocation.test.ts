// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { invocation, version, withInvocation } from "./invocation.ts";

describe("withInvocation()", () => {
  it("names the command as it was called", () => {
    expect(invocation({})).toBe("varve");
    expect(invocation({ npm_command: "exec" })).toBe("npx varve");
    expect(withInvocation("Start one: varve serve\nnpx varve topic list", "npx varve")).toBe(
      "Start one: npx varve serve\nnpx varve topic list",
    );
    expect(withInvocation("npx varve serve", "varve")).toBe("varve serve");
  });

  it("leaves other words alone", () => {
    expect(withInvocation("./varve-data and varve is a layer of /x/varve serve", "npx varve")).toBe(
      "./varve-data and varve is a layer of /x/varve serve",
    );
  });
});

describe("version()", () => {
  it("is a version", () => expect(version()).toMatch(/^\d+\.\d+\.\d+/));
});
