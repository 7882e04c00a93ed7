// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileLineReader, type LineReaderOptions } from "./record-from-line.ts";

const quake = "2016/01/04 21:18:48.64,37.3257,-122.1043,-0.32,1.55,Md,12,77,1,0.06,NC,72573650";
const visit = '83.149.9.216 - - [17/May/2015:10:05:03 +0000] "GET /x HTTP/1.1" 200 203023 "-" "Mozilla/5.0"';

function outcome(options: Partial<LineReaderOptions>, line: string | Uint8Array) {
  const compiled = compileLineReader({ format: "lines", ...options });
  if (compiled.kind === "bad-options") throw new Error(compiled.message);
  return compiled.read(Buffer.from(line));
}

function read(options: Partial<LineReaderOptions>, line: string | Uint8Array) {
  const result = outcome(options, line);
  if (result.kind === "bad-line") throw new Error(result.message);
  const { key, value, timestampMs } = result.record;
  return {
    key: key === null ? null : Buffer.from(key).toString("latin1"),
    value: value === null ? null : Buffer.from(value).toString("latin1"),
    time: timestampMs === undefined ? undefined : new Date(timestampMs).toISOString(),
  };
}

function refusal(options: Partial<LineReaderOptions>): string {
  const compiled = compileLineReader({ format: "lines", ...options });
  return compiled.kind === "bad-options" ? compiled.message : "accepted";
}

describe("compileLineReader() takes key and time from", () => {
  it("fields of the earthquake catalogue, by number or by the header's names", () => {
    const expected = { key: "72573650", value: quake, time: "2016-01-04T21:18:48.640Z" };
    const timeFormat = "%Y/%m/%d %H:%M:%S.%f";
    expect(read({ keyField: "12", timeField: "1", timeFormat }, quake)).toEqual(expected);
    const headerLine = Buffer.from(
      "DateTime,Latitude,Longitude,Depth,Magnitude,MagType,NbStations,Gap,Distance,RMS,Source,EventID",
    );
    expect(read({ keyField: "EventID", timeField: "DateTime", timeFormat, headerLine }, quake)).toEqual(expected);
  });

  it("a file from Windows: marks are no part of names, keys and JSON, and stay in the value", () => {
    const headerLine = Buffer.from("\uFEFFid,name\r");
    const named = { key: "k", value: "7,k\r", time: undefined };
    expect(read({ keyField: "name", headerLine }, "7,k\r")).toEqual(named);
    expect(read({ keyField: "id", headerLine }, "7,k\r")).toEqual({ ...named, key: "7" });
    const line = '\uFEFF{"id":"7"}\r';
    const value = Buffer.from(line).toString("latin1");
    expect(read({ format: "ndjson", keyField: "id" }, line)).toEqual({ key: "7", value, time: undefined });
  });

  it("a field by spaces and a pattern, of an Apache log", () => {
    expect(
      read({ delimiter: " ", keyField: "1", timePattern: String.raw`\[([^\]]+)\]`, timeFormat: "apache" }, visit),
    ).toEqual({
      key: "83.149.9.216",
      value: visit,
      time: "2015-05-17T10:05:03.000Z",
    });
  });

  it("a pattern's named group, its first group, or the whole match", () => {
    expect(read({ keyPattern: "(x)(?<key>y)" }, "axyb").key).toBe("y");
    expect(read({ keyPattern: "x(y)" }, "axyb").key).toBe("y");
    expect(read({ keyPattern: "xy" }, "axyb").key).toBe("xy");
  });

  it("JSON paths, with the line itself as the value", () => {
    const line = '{"at":"2016-01-04T21:18:48Z","user":{"id":7}}';
    expect(read({ format: "ndjson", keyField: "user.id", timeField: "at" }, line)).toEqual({
      key: "7",
      value: line,
      time: "2016-01-04T21:18:48.000Z",
    });
  });

  it("what stands before a separator, which leaves the value", () => {
    expect(read({ keyDelimiter: "::" }, "k::v::w")).toMatchObject({ key: "k", value: "v::w" });
    expect(read({ keyDelimiter: ":" }, ":v")).toMatchObject({ key: null, value: "v" });
  });

  it("--key for every record; an empty value is null only when asked", () => {
    expect(read({ key: "k" }, "")).toMatchObject({ key: "k", value: "" });
    expect(read({ key: "k", emptyIsNull: true }, "")).toMatchObject({ key: "k", value: null });
  });

  it("nowhere: key null and no time", () => {
    expect(read({}, "x")).toEqual({ key: null, value: "x", time: undefined });
  });

  it("an empty field: no key", () => {
    expect(read({ keyField: "2" }, "a,,c").key).toBeNull();
  });

  it("the last field of a line that ends in a carriage return, which stays in the value", () => {
    expect(read({ keyField: "2" }, "a,b\r")).toMatchObject({ key: "b", value: "a,b\r" });
  });

  it("bytes that are not UTF-8, unchanged", () => {
    const line = Buffer.from([0x61, 0x2c, 0xff, 0xfe]);
    expect(read({ keyField: "2" }, line)).toMatchObject({ key: "\xff\xfe", value: "a,\xff\xfe" });
    const outcomeKey = outcome({ keyField: "2" }, "a,日本");
    expect(outcomeKey).toMatchObject({ kind: "record", record: { key: Buffer.from("日本") } });
  });
});

describe("compileLineReader() refuses", () => {
  it("options that contradict each other, naming the flags", () => {
    expect(refusal({ key: "a", keyField: "1" })).toContain("--key-pattern");
    expect(refusal({ timeField: "1", timePattern: "x" })).toContain("--time-field or --time-pattern");
    expect(refusal({ timeFormat: "iso" })).toContain("--time-format alone");
    expect(refusal({ keyDelimiter: "" })).toContain("--key-delimiter");
    expect(refusal({ keyField: "1", delimiter: "" })).toContain("--delimiter");
  });

  it("names without a header, names the header does not have, bad patterns, formats and paths", () => {
    expect(refusal({ keyField: "EventID" })).toContain("--skip-header");
    expect(refusal({ keyField: "0" })).toContain("from 1");
    expect(refusal({ keyField: "Event", headerLine: Buffer.from("Time,EventID") })).toContain("Time, EventID");
    expect(refusal({ keyPattern: "(" })).toContain("--key-pattern");
    expect(refusal({ timeField: "1", timeFormat: "%Q" })).toContain("%Q");
    expect(refusal({ format: "ndjson", keyField: "a[" })).toContain("JSON path");
  });

  it("a line without its key, its time or its JSON, quoting the line, as a value", () => {
    expect(outcome({ keyField: "3" }, "a,b")).toEqual({ kind: "bad-line", message: 'no key found in it: "a,b"' });
    expect(outcome({ timeField: "1" }, "soon,b")).toMatchObject({
      message: expect.stringContaining('"soon" is not a time'),
    });
    expect(outcome({ timePattern: "x" }, "a")).toMatchObject({ message: expect.stringContaining("no time found") });
    expect(outcome({ keyDelimiter: ":" }, "a")).toMatchObject({ kind: "bad-line" });
    expect(outcome({ format: "ndjson", keyField: "a" }, "{")).toMatchObject({
      message: expect.stringContaining("not JSON"),
    });
    expect(outcome({ format: "ndjson", keyField: "a" }, "{}")).toMatchObject({ kind: "bad-line" });
  });

  it("no line by throwing, and never changes the value", () => {
    const compiled = compileLineReader({ format: "lines", keyField: "1", timeField: "2", timeFormat: "iso" });
    if (compiled.kind === "bad-options") throw new Error(compiled.message);
    fc.assert(
      fc.property(fc.uint8Array(), (line) => {
        const result = compiled.read(line);
        if (result.kind === "record") expect(result.record.value).toEqual(line);
      }),
    );
  });
});
