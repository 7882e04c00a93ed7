// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileRecordFormat, printRecordAsJson, type PrintableRecord } from "./record-format.ts";

const record: PrintableRecord = {
  topic: "quakes",
  partition: 2,
  offset: 41,
  timestampMs: 1_451_942_328_640,
  leaderEpoch: 3,
  key: Buffer.from("72573650"),
  value: Buffer.from("größe"),
  headers: [
    { key: "source", value: Buffer.from("NC") },
    { key: "none", value: null },
  ],
};

function print(format: string, change: Partial<PrintableRecord> = {}): string {
  const compiled = compileRecordFormat(format);
  if (compiled.kind === "bad-format") throw new Error(compiled.message);
  return Buffer.from(compiled.print({ ...record, ...change })).toString("latin1");
}

const latin1 = (text: string): string => Buffer.from(text).toString("latin1");

describe("compileRecordFormat()", () => {
  it.each([
    ["%t/%p@%o\\n", "quakes/2@41\n"],
    ["%T %d", "1451942328640 2016-01-04T21:18:48.640Z"],
    ["%k\\t%v", latin1("72573650\tgröße")],
    ["%s", latin1("größe")],
    ["%K %V %S", "8 7 7"],
    ["%h", "source=NC,none="],
    ["%e%%", "3%"],
    ["\\\\ \\r\\0\\x1b\\xFF", "\\ \r\0\x1b\xff"],
    ["ü→", latin1("ü→")],
    ["", ""],
  ])("%j prints %j", (format, expected) => {
    expect(print(format)).toBe(expected);
  });

  it("tells null from empty by the lengths", () => {
    expect(print("[%k|%K|%v|%V]", { key: null, value: null })).toBe("[|-1||-1]");
    expect(print("[%K|%V]", { key: new Uint8Array(), value: new Uint8Array() })).toBe("[0|0]");
  });

  it("writes the bytes of key and value, whatever they are", () => {
    const compiled = compileRecordFormat("%k%v");
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (key, value) => {
        if (compiled.kind === "bad-format") throw new Error(compiled.message);
        expect(Buffer.from(compiled.print({ ...record, key, value }))).toEqual(Buffer.concat([key, value]));
      }),
    );
  });

  it.each([
    ["%q", '"%q"'],
    ["abc%", '"%"'],
    ["\\q", '"\\q"'],
    ["\\xZZ", '"\\x"'],
    ["\\", '"\\"'],
  ])("refuses %j, naming %s", (format, part) => {
    expect(compileRecordFormat(format)).toMatchObject({ kind: "bad-format", message: expect.stringContaining(part) });
  });
});

describe("printRecordAsJson()", () => {
  it("prints text as text and other bytes as base64, under different names", () => {
    const parsed = JSON.parse(
      Buffer.from(printRecordAsJson({ ...record, value: Uint8Array.of(0xff, 0) })).toString(),
    ) as unknown;
    expect(parsed).toEqual({
      topic: "quakes",
      partition: 2,
      offset: 41,
      timestampMs: 1_451_942_328_640,
      timestamp: "2016-01-04T21:18:48.640Z",
      key: "72573650",
      valueBase64: "/wA=",
      headers: [
        { key: "source", value: "NC" },
        { key: "none", value: null },
      ],
      leaderEpoch: 3,
    });
  });

  it("prints one line, whatever the value, and a time outside the calendar as its number", () => {
    const line = Buffer.from(
      printRecordAsJson({ ...record, value: Buffer.from("a\nb"), timestampMs: Number.MAX_SAFE_INTEGER }),
    ).toString();
    expect(line.indexOf("\n")).toBe(line.length - 1);
    expect(JSON.parse(line)).toMatchObject({ timestamp: "9007199254740991", value: "a\nb" });
  });
});
