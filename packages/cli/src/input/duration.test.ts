// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDurationMs, parseSizeBytes, printCount, printDuration, printSize } from "./duration.ts";

describe("parseDurationMs()", () => {
  it.each([
    ["0", 0],
    ["250", 250],
    ["250ms", 250],
    ["1.5s", 1500],
    ["2m", 120_000],
    ["2min", 120_000],
    ["2h", 7_200_000],
    ["7d", 604_800_000],
    ["1h30m", 5_400_000],
    [" 1w ", 604_800_000],
  ])("reads %j as %d ms", (text, expected) => {
    expect(parseDurationMs(text)).toBe(expected);
  });

  it.each(["", "h", "-5s", "5 s", "5x", "1e3", "99999999999999999", "1h-3m"])("refuses %j", (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  });
});

describe("parseSizeBytes()", () => {
  it.each([
    ["0", 0],
    ["1024", 1024],
    ["1KiB", 1024],
    ["1.5 MiB", 1_572_864],
    ["2gb", 2_000_000_000],
    ["7B", 7],
  ])("reads %j as %d bytes", (text, expected) => {
    expect(parseSizeBytes(text)).toBe(expected);
  });

  it.each(["", "MiB", "-1", "1 parsec", "9999999TiB"])("refuses %j", (text) => {
    expect(parseSizeBytes(text)).toBeUndefined();
  });
});

describe("printing", () => {
  it.each([
    [0, "0 ms"],
    [0.4567, "0.46 ms"],
    [999.4, "999 ms"],
    [1000, "1.0 s"],
    [59_900, "59.9 s"],
    [59_990, "1 min"],
    [245_000, "4 min 05 s"],
    [7_380_000, "2 h 03 min"],
    [86_400_000 * 3 + 4 * 3_600_000, "3 d 04 h"],
  ])("printDuration(%d) is %j", (ms, text) => {
    expect(printDuration(ms)).toBe(text);
  });

  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1536, "1.5 KiB"],
    [1024 ** 2 - 1, "1.0 MiB"],
    [64 * 1024 ** 2, "64.0 MiB"],
  ])("printSize(%d) is %j", (bytes, text) => {
    expect(printSize(bytes)).toBe(text);
  });

  it("printCount() sets thousands apart and keeps the digits", () => {
    expect(printCount(38_095)).toBe("38,095");
    fc.assert(fc.property(fc.nat(), (n) => Number(printCount(n).replaceAll(",", "")) === n));
  });
});
