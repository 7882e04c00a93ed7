// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";

import { FormatError } from "../format-error.ts";
import { InvariantError } from "../invariant.ts";
import { ByteReader } from "../reader.ts";
import { message, type InputOf, type TypeOf } from "./message.ts";
import { recordTable, type RecordOf } from "./record-table.ts";
import { field, struct } from "./struct.ts";
import {
  array,
  boolean,
  bytes,
  float64,
  int16,
  int32,
  int64,
  int8,
  string,
  uint16,
  uint32,
  uuid,
  uvarint,
  varint,
  varlong,
} from "./types.ts";
import { parseVersions } from "./versions.ts";

const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const Everything = message(
  "Everything",
  { versions: "0-3", flexible: "2+" },
  {
    flag: field(boolean),
    tiny: field(int8, { about: "Fits a byte" }),
    small: field(int16),
    port: field(uint16),
    medium: field(int32),
    unsigned: field(uint32),
    large: field(int64),
    real: field(float64),
    id: field(uuid),
    counts: field(array(uvarint)),
    deltas: field(array(varint)),
    longs: field(array(varlong)),
    name: field(string),
    note: field(string, { nullable: "1+" }),
    payload: field(bytes, { nullable: "0+", default: null }),
    parts: field(array(struct({ key: field(string), value: field(bytes) })), { nullable: "1+", default: [] }),
    since1: field(int32, { versions: "1+", default: 7 }),
    only0: field(int32, { versions: "0", ignorable: true }),
    inner: field(struct({ a: field(int8), b: field(string, { nullable: "0+", default: null }) }), {
      versions: "2+",
      nullable: "3+",
    }),
    extra: field(string, { versions: "2+", nullable: "2+", default: null, tag: 4 }),
    extraStruct: field(struct({ x: field(int32, { default: -1 }) }), { versions: "2+", tag: 1 }),
    moved: field(int32, { versions: "1+", default: 0, tag: 0, tagged: "3+" }),
  },
);
type Everything = TypeOf<typeof Everything>;

const sample: InputOf<typeof Everything> = {
  flag: true,
  tiny: -1,
  small: -2,
  port: 65535,
  medium: -3,
  unsigned: 4294967295,
  large: -(2 ** 50),
  real: 1.5,
  id: "000102030405060708090a0b0c0d0e0f",
  counts: [300],
  deltas: [-300],
  longs: [2 ** 52],
  name: "é",
  note: "n",
};

function codeOf(work: () => unknown): string {
  try {
    work();
    return "none";
  } catch (error) {
    if (error instanceof FormatError) return error.code;
    throw error;
  }
}

describe("message()", () => {
  it("infers what readers get and what writers must give", () => {
    expectTypeOf<Everything["name"]>().toEqualTypeOf<string>();
    expectTypeOf<Everything["note"]>().toEqualTypeOf<string | null>();
    expectTypeOf<Everything["payload"]>().toEqualTypeOf<Uint8Array | null>();
    expectTypeOf<Everything["since1"]>().toEqualTypeOf<number>();
    expectTypeOf<Everything["parts"]>().toEqualTypeOf<{ key: string; value: Uint8Array }[] | null>();
    expectTypeOf<Everything["inner"]>().toEqualTypeOf<{ a: number; b: string | null } | null>();
    type In = InputOf<typeof Everything>;
    expectTypeOf<undefined extends In["name"] ? true : false>().toEqualTypeOf<false>();
    expectTypeOf<undefined extends In["since1"] ? true : false>().toEqualTypeOf<true>();
    expectTypeOf<{ a: number }>().toExtend<NonNullable<In["inner"]>>();
    // @ts-expect-error a name is needed
    expect(() => Everything.encode(0, { ...sample, name: undefined })).not.toThrow();
  });

  it("gives every field back in every version, absent ones as their defaults", () => {
    for (const version of [0, 1, 2, 3]) {
      const value = Everything.decode(Everything.encode(version, sample), version);
      expect(value).toEqual({
        ...sample,
        payload: null,
        parts: [],
        since1: 7,
        only0: 0,
        inner: { a: 0, b: null },
        extra: null,
        extraStruct: { x: -1 },
        moved: 0,
      });
      expect(Object.keys(value)).toEqual(Object.keys(Everything.decode(Everything.encode(0, sample), 0)));
    }
  });

  it("makes a fresh default for each value", () => {
    const bytes = Everything.encode(0, sample);
    const [one, two] = [Everything.decode(bytes, 0), Everything.decode(bytes, 0)];
    one.extraStruct.x = 99;
    expect(two.extraStruct.x).toBe(-1);
    expect(Everything.decode(bytes, 0).extraStruct.x).toBe(-1);
  });

  it("refuses to lose a value that the version cannot carry, unless it may", () => {
    expect(codeOf(() => Everything.encode(0, { ...sample, since1: 8 }))).toBe("INVALID_VALUE");
    expect(() => Everything.encode(0, { ...sample, since1: 8 })).toThrow(
      /Everything\.since1: version 0 cannot carry it/,
    );
    expect(codeOf(() => Everything.encode(1, { ...sample, inner: { a: 1 } }))).toBe("INVALID_VALUE");
    expect(codeOf(() => Everything.encode(1, { ...sample, extraStruct: { x: 0 } }))).toBe("INVALID_VALUE");
    expect(codeOf(() => Everything.encode(0, { ...sample, since1: 7, inner: { a: 0 } }))).toBe("none");
    expect(codeOf(() => Everything.encode(1, { ...sample, only0: 5 }))).toBe("none");
  });

  it("refuses null where the version has none, on both sides", () => {
    expect(codeOf(() => Everything.encode(0, { ...sample, note: null }))).toBe("INVALID_VALUE");
    expect(codeOf(() => Everything.encode(1, { ...sample, note: null }))).toBe("none");
    const Old = message("Old", { versions: "0-1", flexible: "1+" }, { text: field(string), list: field(array(int8)) });
    expect(codeOf(() => Old.decode(bytesOf("ffff00000000"), 0))).toBe("MALFORMED");
    expect(codeOf(() => Old.decode(bytesOf("0000ffffffff"), 0))).toBe("MALFORMED");
    expect(codeOf(() => Old.decode(bytesOf("0000fffffffe"), 0))).toBe("MALFORMED");
    expect(codeOf(() => Old.decode(bytesOf("000100"), 1))).toBe("MALFORMED");
    expect(codeOf(() => Old.decode(bytesOf("010000"), 1))).toBe("MALFORMED");
    expect(Old.decode(bytesOf("010100"), 1)).toEqual({ text: "", list: [] });
  });

  it.each([
    ["tiny", 128],
    ["small", 40000],
    ["port", -1],
    ["medium", 2 ** 31],
    ["unsigned", 2 ** 32],
    ["large", 2 ** 53],
    ["medium", 0.5],
    ["medium", Number.NaN],
    ["counts", [-1]],
    ["deltas", [2 ** 31]],
    ["id", "no id"],
    ["name", 5],
    ["name", "x".repeat(32768)],
    ["flag", 1],
    ["real", "1"],
    ["payload", [1]],
    ["parts", "p"],
    ["parts", [null]],
  ])("refuses to write %s = %j instead of wrapping it", (name, value) => {
    expect(codeOf(() => Everything.encode(1, { ...sample, [name]: value }))).toBe("INVALID_VALUE");
  });

  it("leaves default tags out, writes others in order, reads unknown ones past", () => {
    const Tagged = message(
      "Tagged",
      { versions: "0", flexible: "0+" },
      { b: field(int8, { default: 2, tag: 3 }), a: field(string, { default: "", tag: 1 }), plain: field(int8) },
    );
    expect(hexOf(Tagged.encode(0, { plain: 9 }))).toBe("0900");
    expect(hexOf(Tagged.encode(0, { plain: 9, a: "x", b: 5 }))).toBe("090201020278030105");
    expect(Tagged.decode(bytesOf("0903000201ff01020278630100"), 0)).toEqual({ plain: 9, a: "x", b: 2 });
    // Not ascending, twice the same, a payload too long, one cut off.
    for (const hex of ["0902030105010101", "090203010503010500", "090103020500", "0901030a05"]) {
      expect(["MALFORMED", "TRUNCATED"]).toContain(codeOf(() => Tagged.decode(bytesOf(hex), 0)));
    }
  });

  it("moves a field from its place into a tag where the table says so", () => {
    const before = Everything.encode(2, { ...sample, moved: 0x01020304 });
    const after = Everything.encode(3, { ...sample, moved: 0x01020304 });
    expect(Everything.decode(before, 2).moved).toBe(0x01020304);
    expect(Everything.decode(after, 3).moved).toBe(0x01020304);
    expect(hexOf(after)).toContain("01000401020304");
    expect(hexOf(before)).not.toContain("000401020304");
  });

  it("refuses a nullable struct that is neither present nor null", () => {
    const One = message("One", { versions: "0" }, { s: field(struct({ a: field(int8) }), { nullable: "0+" }) });
    expect(One.decode(bytesOf("0105"), 0)).toEqual({ s: { a: 5 } });
    expect(One.decode(bytesOf("ff"), 0)).toEqual({ s: null });
    expect(codeOf(() => One.decode(bytesOf("0005"), 0))).toBe("MALFORMED");
  });

  it("refuses trailing bytes and unknown versions, and names the message", () => {
    expect(codeOf(() => Everything.decode(bytesOf("00"), 4))).toBe("UNSUPPORTED");
    expect(codeOf(() => Everything.encode(-1, sample))).toBe("UNSUPPORTED");
    expect(codeOf(() => Everything.encode(1.5, sample))).toBe("UNSUPPORTED");
    const bytes = Everything.encode(0, sample);
    expect(() => Everything.decode(Buffer.concat([bytes, bytes]), 0)).toThrow(
      /Cannot read Everything version 0: \d+ bytes/,
    );
    expect(() => Everything.decode(bytes.subarray(0, 20), 0)).toThrow(
      /Cannot read Everything version 0\. Cannot read 8/,
    );
    const reader = new ByteReader(Buffer.concat([bytes, bytes]));
    Everything.read(reader, 0);
    expect(reader.remaining).toBe(bytes.length);
  });

  it("refuses a count that the bytes cannot hold, before it allocates", () => {
    const Wide = message("Wide", { versions: "0-1", flexible: "1+" }, { list: field(array(int64)) });
    expect(codeOf(() => Wide.decode(bytesOf("7fffffff0000000000000000"), 0))).toBe("MALFORMED");
    expect(codeOf(() => Wide.decode(bytesOf("ffffffff0f0000"), 1))).toBe("MALFORMED");
  });

  it("finds tables that contradict themselves when they are declared or compiled", () => {
    expect(() => parseVersions("3-1")).toThrow(InvariantError);
    expect(() => parseVersions("x")).toThrow(InvariantError);
    expect(() => message("Open", { versions: "0+" }, {})).toThrow(InvariantError);
    expect(() => struct({ a: field(int8, { tag: 1 }), b: field(int8, { tag: 1 }) })).toThrow(InvariantError);
    expect(() => struct({ a: field(array(int8), { default: [1] }) })).toThrow(InvariantError);
    const empty = message("Empty", { versions: "0" }, { list: field(array(struct({}))) });
    expect(() => empty.decode(new Uint8Array(4), 0)).toThrow(InvariantError);
    const nullable = message("Null", { versions: "0" }, { n: field(int8, { nullable: "0+" }) });
    expect(() => nullable.decode(new Uint8Array(1), 0)).toThrow(InvariantError);
    const untaggable = message("Tag", { versions: "0" }, { n: field(int8, { tag: 0 }) });
    expect(() => untaggable.decode(new Uint8Array(1), 0)).toThrow(InvariantError);
  });
});

describe("recordTable()", () => {
  const Topic = message(
    "TopicRecord",
    { versions: "0-1" },
    { name: field(string), note: field(string, { versions: "1+" }) },
  );
  const Gone = message("GoneRecord", { versions: "0" }, { atMs: field(int64) });
  const table = recordTable({ Topic: { id: 1, message: Topic }, Gone: { id: 2, message: Gone } });

  it("carries type and version in front, and gives the record back with its type", () => {
    expect(hexOf(table.encode({ type: "Gone", atMs: 5 }))).toBe("02000000000000000005");
    const record: RecordOf<{ Topic: { id: 1; message: typeof Topic }; Gone: { id: 2; message: typeof Gone } }> =
      table.decode(table.encode({ type: "Topic", name: "a", note: "b" }));
    expect(record).toEqual({ type: "Topic", name: "a", note: "b" });
    // Written by an older release: version 0.
    expect(table.decode(bytesOf("0100000161"))).toEqual({ type: "Topic", name: "a", note: "" });
    if (record.type === "Topic") expectTypeOf(record.note).toEqualTypeOf<string>();
  });

  it("refuses what a newer release wrote, and what follows a record", () => {
    expect(codeOf(() => table.decode(bytesOf("0300")))).toBe("UNSUPPORTED");
    expect(codeOf(() => table.decode(bytesOf("0102000161")))).toBe("UNSUPPORTED");
    expect(codeOf(() => table.decode(bytesOf("010000016100")))).toBe("MALFORMED");
    expect(codeOf(() => table.decode(bytesOf("")))).toBe("TRUNCATED");
    expect(() => recordTable({ A: { id: 1, message: Topic }, B: { id: 1, message: Gone } })).toThrow(InvariantError);
  });
});

describe("decoders of tables", () => {
  const runs = { numRuns: Number(process.env["VARVE_FUZZ"] ?? 200) };
  const versions = fc.constantFrom(0, 1, 2, 3);

  it("give back any value", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 20 });
    const value = fc.record({
      flag: fc.boolean(),
      tiny: fc.integer({ min: -128, max: 127 }),
      small: fc.integer({ min: -32768, max: 32767 }),
      port: fc.integer({ min: 0, max: 65535 }),
      medium: fc.integer(),
      unsigned: fc.integer({ min: 0, max: 0xffffffff }),
      large: fc.maxSafeInteger(),
      real: fc.double(),
      id: fc.uuid().map((id) => id.replaceAll("-", "")),
      counts: fc.array(fc.integer({ min: 0, max: 0xffffffff })),
      deltas: fc.array(fc.integer()),
      longs: fc.array(fc.maxSafeInteger()),
      name: text,
      note: fc.option(text),
      payload: fc.option(fc.uint8Array()),
      parts: fc.option(fc.array(fc.record({ key: text, value: fc.uint8Array() }))),
      since1: fc.integer(),
      inner: fc.option(fc.record({ a: fc.integer({ min: -128, max: 127 }), b: fc.option(text) })),
      extra: fc.option(text),
      extraStruct: fc.record({ x: fc.integer() }),
      moved: fc.integer(),
    });
    fc.assert(
      fc.property(value, (any) => {
        expect(Everything.decode(Everything.encode(3, any), 3)).toEqual({ ...any, only0: 0 });
      }),
      runs,
    );
  });

  it("refuse any damage with a FormatError, or read something", () => {
    fc.assert(
      fc.property(
        versions,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
        fc.nat(),
        (version, changes, cut) => {
          const bytes = Everything.encode(version, { ...sample, payload: bytesOf("aabb"), parts: [] });
          for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
          codeOf(() => Everything.decode(cut % 2 === 0 ? bytes : bytes.subarray(0, cut % bytes.length), version));
        },
      ),
      runs,
    );
    fc.assert(
      fc.property(versions, fc.uint8Array({ maxLength: 300 }), (version, any) => {
        codeOf(() => Everything.decode(any, version));
      }),
      runs,
    );
  });
});
