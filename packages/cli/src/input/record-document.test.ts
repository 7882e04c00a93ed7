// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { printRecordAsJson } from "../output/record-format.ts";
import { readRecordDocument } from "./record-document.ts";

const text = fc.string({ unit: "grapheme" }).map((value) => Buffer.from(value));
const bytes = fc.oneof(fc.constant(null), fc.uint8Array(), text);
const header = fc.record({ key: fc.string({ unit: "grapheme" }), value: bytes });

describe("readRecordDocument()", () => {
  it("gives back every record that printRecordAsJson() prints, byte for byte", () => {
    const record = fc.record({
      partition: fc.nat(1000),
      timestampMs: fc.maxSafeNat(),
      key: bytes,
      value: bytes,
      headers: fc.array(header, { maxLength: 4 }),
    });
    fc.assert(
      fc.property(record, (wanted) => {
        const line = Buffer.from(printRecordAsJson({ topic: "t", offset: 7, leaderEpoch: 1, ...wanted })).toString();
        expect(plain(readRecordDocument(line))).toEqual(plain(wanted));
      }),
    );
  });

  it("takes what a person writes: no headers, no time, no partition", () => {
    expect(plain(readRecordDocument('{"value":"x"}'))).toEqual(
      plain({ key: null, value: Buffer.from("x"), headers: [], timestampMs: undefined }),
    );
  });

  it.each([
    ["", "not JSON"],
    ["[]", "no JSON object"],
    ['{"key":1}', '"key" is no text'],
    ['{"key":"a","keyBase64":"YQ=="}', "twice"],
    ['{"valueBase64":"?"}', "not base64"],
    ['{"value":"\\ud800"}', "no valid text"],
    ['{"headers":{}}', "no list"],
    ['{"headers":[{"value":"a"}]}', "no key"],
    ['{"timestampMs":"1"}', "no whole number"],
    ['{"partition":0.5}', "no whole number"],
  ])("refuses %s", (line, why) => {
    expect(readRecordDocument(line)).toContain(why);
  });

  it("never throws, whatever the line", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (line) => {
        readRecordDocument(line);
      }),
    );
  });
});

/** Buffers and arrays compare alike. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]));
}
