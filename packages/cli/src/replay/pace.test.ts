// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { Pacer, parsePace, parseSpeed } from "./pace.ts";

describe("Pacer.delayMs()", () => {
  it("holds a rate of records over the whole run: a late one is caught up with", () => {
    const pacer = new Pacer({ kind: "records", perSecond: 100 }, 1000);
    const record = { timestampMs: 0, bytes: 5 };
    expect([1000, 1000, 1050, 1050].map((nowMs) => pacer.delayMs(record, nowMs))).toEqual([0, 10, 0, 0]);
    expect(pacer.delayMs(record, 1030)).toBe(10);
  });

  it("holds a rate of bytes: a record is due when those before it have had their time", () => {
    const pacer = new Pacer({ kind: "bytes", perSecond: 1000 }, 0);
    expect([500, 10, 0].map((bytes) => pacer.delayMs({ timestampMs: 0, bytes }, 0))).toEqual([0, 500, 510]);
  });

  it("keeps the distances of the records' own times, divided by the factor; an older one is due at once", () => {
    const pacer = new Pacer({ kind: "speed", factor: 10 }, 0);
    const delays = [5_000, 15_000, 4_000, 25_000].map((timestampMs) => pacer.delayMs({ timestampMs, bytes: 1 }, 100));
    expect(delays).toEqual([0, 1000, 0, 2000]);
  });
});

describe("parsePace()", () => {
  it.each([
    ["1000", { kind: "records", perSecond: 1000 }],
    ["2.5k/s", { kind: "records", perSecond: 2500 }],
    ["5MB/s", { kind: "bytes", perSecond: 5_000_000 }],
    ["1KiB", { kind: "bytes", perSecond: 1024 }],
    ["500B/s", { kind: "bytes", perSecond: 500 }],
  ])("reads %s", (text, pace) => expect(parsePace(text)).toEqual(pace));

  it.each(["", "0", "0MB/s", "fast", "-1", "/s"])("refuses %j", (text) => expect(parsePace(text)).toBeUndefined());
});

describe("parseSpeed()", () => {
  it("reads a factor", () => {
    expect([parseSpeed("10x"), parseSpeed("0.5")]).toEqual([
      { kind: "speed", factor: 10 },
      { kind: "speed", factor: 0.5 },
    ]);
    expect(["", "x", "0x", "-1x", "10y"].map((text) => parseSpeed(text))).toEqual(Array(5).fill(undefined));
  });
});
