// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { delayBeforeMs, parseRate } from "./rate-limit.ts";

describe("delayBeforeMs()", () => {
  it("spaces records evenly and catches up with a late one", () => {
    expect(delayBeforeMs(0, 0, 10)).toBe(0);
    expect(delayBeforeMs(1, 0, 10)).toBe(100);
    expect(delayBeforeMs(1, 60, 10)).toBe(40);
    expect(delayBeforeMs(5, 800, 10)).toBe(0);
    expect(delayBeforeMs(9, 800, 10)).toBe(100);
  });
});

describe("parseRate()", () => {
  it.each([
    ["100", 100],
    ["2.5k", 2500],
    ["0.5", 0.5],
    ["0", undefined],
    ["-1", undefined],
    ["fast", undefined],
    ["", undefined],
  ])("reads %j as %s", (text, expected) => {
    expect(parseRate(text)).toBe(expected);
  });
});
