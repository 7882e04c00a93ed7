// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { End__Output as EndOutput } from "./gen/varve/v1/End.ts";
import type { Position__Output as PositionOutput } from "./gen/varve/v1/Position.ts";
import {
  endFromMessage,
  endToMessage,
  parseDuration,
  parseEnd,
  parsePosition,
  parseTime,
  PositionError,
  positionFromMessage,
  positionToMessage,
  printDuration,
  printEnd,
  printPosition,
  type End,
  type Position,
} from "./positions.ts";

const natural = fc.maxSafeNat();
const position: fc.Arbitrary<Position> = fc.oneof(
  fc.constantFrom<Position>({ kind: "earliest" }, { kind: "latest" }),
  natural.map((offset) => ({ kind: "offset", offset }) as const),
  // From year 1970 to 9999, and beyond what ISO 8601 writes with four digits.
  fc.oneof(fc.nat(2 ** 40), natural).map((timeMs) => ({ kind: "time", timeMs: Math.max(timeMs, 10_000) }) as const),
  natural.map((count) => ({ kind: "last", count }) as const),
  natural.map((durationMs) => ({ kind: "ago", durationMs }) as const),
);
const end: fc.Arbitrary<End> = fc.oneof(
  fc.constantFrom<End>({ kind: "none" }, { kind: "latest-at-start" }),
  natural.map((offset) => ({ kind: "offset", offset }) as const),
  fc.nat(2 ** 40).map((timeMs) => ({ kind: "time", timeMs }) as const),
  natural.map((count) => ({ kind: "count", count }) as const),
);

describe("parsePosition()", () => {
  it.each<[string, Position]>([
    ["earliest", { kind: "earliest" }],
    ["latest", { kind: "latest" }],
    ["42", { kind: "offset", offset: 42 }],
    ["offset:0", { kind: "offset", offset: 0 }],
    ["time:2016-02-01T00:00:00Z", { kind: "time", timeMs: 1_454_284_800_000 }],
    ["time:2016-02-01", { kind: "time", timeMs: 1_454_284_800_000 }],
    ["time:2016-02-01T00:00", { kind: "time", timeMs: 1_454_284_800_000 }],
    ["time:2016-02-01T01:00:00+01:00", { kind: "time", timeMs: 1_454_284_800_000 }],
    ["time:1454284800000", { kind: "time", timeMs: 1_454_284_800_000 }],
    ["last:100", { kind: "last", count: 100 }],
    ["ago:2h", { kind: "ago", durationMs: 7_200_000 }],
    ["ago:1d12h", { kind: "ago", durationMs: 129_600_000 }],
  ])("reads %s", (text, wanted) => {
    expect(parsePosition(text)).toEqual(wanted);
  });

  it("reads back what printPosition() prints", () => {
    fc.assert(
      fc.property(position, (value) => {
        expect(parsePosition(printPosition(value))).toEqual(value);
      }),
    );
  });

  it.each([
    "",
    "first",
    "-1",
    "offset:-1",
    "offset:",
    "1.5",
    "time:",
    "time:2016-13-01",
    "time:2016-02-30",
    "time:2015-02-29T12:00:00Z",
    "time:noon",
    "last:x",
    "ago:2",
    "ago:h",
    "99999999999999999",
  ])("refuses %j with advice", (text) => {
    expect(() => parsePosition(text)).toThrow(PositionError);
    expect(() => parsePosition(text)).toThrow(/write/);
  });
});

describe("parseEnd()", () => {
  it("reads back what printEnd() prints", () => {
    fc.assert(
      fc.property(end, (value) => {
        expect(parseEnd(printEnd(value))).toEqual(value);
      }),
    );
  });

  it.each(["", "latest", "last:3", "count:", "count:-3"])("refuses %j", (text) => {
    expect(() => parseEnd(text)).toThrow(PositionError);
  });
});

describe("parseDuration()", () => {
  it("reads back what printDuration() prints", () => {
    fc.assert(
      fc.property(natural, (value) => {
        expect(parseDuration(printDuration(value))).toBe(value);
      }),
    );
  });

  it("knows ms from m", () => {
    expect([parseDuration("500ms"), parseDuration("5m"), parseDuration("1m5s5ms")]).toEqual([500, 300_000, 65_005]);
  });
});

describe("parseTime()", () => {
  it("takes UTC where no zone is named, whatever the machine's zone", () => {
    const before = process.env["TZ"];
    process.env["TZ"] = "Asia/Tokyo";
    try {
      expect(parseTime("2016-02-01T00:00:00")).toBe(1_454_284_800_000);
    } finally {
      if (before === undefined) delete process.env["TZ"];
      else process.env["TZ"] = before;
    }
  });
});

describe("positions in messages", () => {
  /** As proto-loader decodes it: with the name of the field that is set. */
  const received = (message: object, name: string): unknown => ({ ...message, [name]: Object.keys(message)[0] });

  it("come back as they were sent", () => {
    fc.assert(
      fc.property(position, end, (sentPosition, sentEnd) => {
        const asPosition = received(positionToMessage(sentPosition), "position") as PositionOutput;
        const asEnd = received(endToMessage(sentEnd), "end") as EndOutput;
        expect(positionFromMessage(asPosition, { kind: "latest" })).toEqual(sentPosition);
        expect(endFromMessage(asEnd, { kind: "none" })).toEqual(sentEnd);
      }),
    );
  });

  it("fall back when absent, and are refused when no safe natural number", () => {
    expect(positionFromMessage(null, { kind: "latest" })).toEqual({ kind: "latest" });
    expect(endFromMessage({}, { kind: "none" })).toEqual({ kind: "none" });
    expect(() => positionFromMessage({ offset: -1, position: "offset" }, { kind: "latest" })).toThrow(PositionError);
    expect(() => endFromMessage({ count: 2 ** 60, end: "count" }, { kind: "none" })).toThrow(PositionError);
  });
});
