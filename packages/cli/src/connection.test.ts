// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it, vi } from "vitest";
import { parseAddresses, parseKeyValue, parsedInteger, parsePartitions, withPatience } from "./connection.ts";

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

describe("withPatience()", () => {
  afterEach(() => vi.useRealTimers());

  it("says after a while what the silence is, bounds it, and says nothing of what is answered", async () => {
    vi.useFakeTimers();
    const notes: string[] = [];
    const note = (line: string): void => void notes.push(line);
    expect(await withPatience(note, "one", async ({ timeoutMs }) => timeoutMs)).toBe(10_000);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(notes).toEqual([]);
    const silent = withPatience(note, 'group "g"', () => new Promise((resolve) => setTimeout(resolve, 5000)));
    await vi.advanceTimersByTimeAsync(5000);
    await silent;
    expect(notes).toEqual(['No answer for 3 s about group "g"; giving up after 10 s.']);
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
