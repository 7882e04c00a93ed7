// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { parseAddresses, parseKeyValue, parsedInteger, parsePartitions } from "./connection.ts";

describe("parsePartitions()", () => {
  it.each([
    ["0", [0]],
    ["3,1", [1, 3]],
    ["0,2-4, 3", [0, 2, 3, 4]],
  ])("reads %j", (text, expected) => {
    expect(parsePartitions(text)).toEqual(expected);
  });

  it.each(["", "a", "-1", "4-2", "0-999999", "1,"])("refuses %j", (text) => {
    expect(parsePartitions(text)).toBeUndefined();
  });
});

describe("parseAddresses()", () => {
  it.each([
    ["127.0.0.1:9094", "127.0.0.1:9094"],
    [" a:1, [::1]:2 ,", "a:1,[::1]:2"],
  ])("reads %j", (text, expected) => {
    expect(parseAddresses(text)).toBe(expected);
  });

  it.each(["", ",", "host", "host:", ":1", "host:0", "host:65536", "http://host:1", "a:1,b", "::1:9094"])(
    "refuses %j",
    (text) => {
      expect(parseAddresses(text)).toBeUndefined();
    },
  );
});

describe("parseKeyValue()", () => {
  it("cuts at the first =", () => {
    expect(parseKeyValue("a=b=c")).toEqual({ key: "a", value: "b=c" });
    expect(parseKeyValue("a=")).toEqual({ key: "a", value: "" });
    expect(parseKeyValue("=b")).toBeUndefined();
    expect(parseKeyValue("a")).toBeUndefined();
  });
});

describe("parsedInteger()", () => {
  it("holds the bounds and says them", () => {
    expect(parsedInteger(1)("12")).toBe(12);
    expect(() => parsedInteger(1)("0")).toThrow("1 or more");
    expect(() => parsedInteger(0, 5)("6")).toThrow("from 0 to 5");
    expect(() => parsedInteger(0)("1.5")).toThrow();
    expect(() => parsedInteger(0)("99999999999999999")).toThrow();
  });
});
