// SPDX-License-Identifier: Apache-2.0
// Vectors V8 to V12 were written by an independent codec and read back, with their checksums, by kafka-python.
import { describe, expect, it } from "vitest";

import { FormatError } from "../format-error.ts";
import { InvariantError } from "../invariant.ts";
import { batchRecordsMax } from "../limits.ts";
import { ByteWriter } from "../writer.ts";
import { buildBatch, RecordBatchBuilder, recordSizeBytes, type RecordInput } from "./builder.ts";
import {
  assignOffsets,
  batchHeaderBytes,
  codecOf,
  isControl,
  isTransactional,
  readBatchHeader,
  sealBatch,
  stampAppendTime,
  usesLogAppendTime,
  writeInt16,
  writeInt32,
  writeInt64,
} from "./layout.ts";
import { batchesIn, readPlainRecords, RecordCursor } from "./reader.ts";
import { checkBatch, checkProducedBatch, checkRecords } from "./validate.ts";

const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const v8 =
  "00000000000000000000004bffffffff028a7f07340000000000010000018bcfe568000000018bcfe56805ffffffffffffffffffffffffffff0000000210000000010476300020000a02026b0476310402680278026e01";
const v9 =
  "00000000000000290000004b00000007028a7f07340000000000010000018bcfe568000000018bcfe56805ffffffffffffffffffffffffffff0000000210000000010476300020000a02026b0476310402680278026e01";
const v10 =
  "00000000000000000000003affffffff027956c0a50010000000000000018bcfe568000000018bcfe568000000000000000fa000030000000c0000000110000000026b027600";
const v11 =
  "000000000000002b000000420000000002881496e70030000000000000018bcfe568640000018bcfe568640000000000000fa00003ffffffff000000012000000008000000010c00000000000900";
const v12 =
  "000000000000002b0000004200000000027c2a40af0030000000000000018bcfe568640000018bcfe568640000000000000fa00003ffffffff000000012000000008000000000c00000000000900";
const t0 = 1_700_000_000_000;

const records: RecordInput[] = [
  { value: utf8("v0"), timestampMs: t0 },
  {
    key: utf8("k"),
    value: utf8("v1"),
    headers: [
      { key: "h", value: utf8("x") },
      { key: "n", value: null },
    ],
    timestampMs: t0 + 5,
  },
];

describe("buildBatch()", () => {
  it("writes V8: two records, headers, a null header value", () => {
    expect(hexOf(buildBatch(records))).toBe(v8);
  });

  it("writes V10: transactional, with producer id, epoch and sequence", () => {
    const options = { producerId: 4000, producerEpoch: 3, baseSequence: 12, transactional: true };
    expect(hexOf(buildBatch([{ key: utf8("k"), value: utf8("v"), timestampMs: t0 }], options))).toBe(v10);
  });

  it("writes V11 and V12: transaction markers", () => {
    for (const [expected, type] of [
      [v11, "0001"],
      [v12, "0000"],
    ] as const) {
      const marker = { key: bytesOf(`0000${type}`), value: bytesOf("000000000009"), timestampMs: t0 + 100 };
      const options = { producerId: 4000, producerEpoch: 3, transactional: true, control: true };
      expect(hexOf(buildBatch([marker], { ...options, baseOffset: 43, leaderEpoch: 0 }))).toBe(expected);
    }
  });

  it("refuses no records and impossible timestamps as bugs", () => {
    expect(() => buildBatch([])).toThrow(InvariantError);
    expect(() => buildBatch([{ timestampMs: -2 }])).toThrow(InvariantError);
    expect(() => buildBatch([{ timestampMs: 0.5 }])).toThrow(InvariantError);
  });
});

describe("RecordBatchBuilder", () => {
  it("grows, says its size after each record, and begins anew after reset()", () => {
    const builder = new RecordBatchBuilder({ initialBytes: 1 });
    let expected = batchHeaderBytes;
    for (let index = 0; index < 300; index++) {
      const record = { key: utf8(`key-${index}`), value: new Uint8Array(index * 3).fill(7), timestampMs: t0 + index };
      expected += recordSizeBytes(record, index, index);
      expect(builder.append(record)).toBe(expected);
    }
    const batch = builder.finish();
    expect(builder.sizeBytes).toBe(batch.length);
    expect(builder.recordCount).toBe(300);
    expect(checkBatch(batch, 0, batch.length)).toBeUndefined();
    expect(readPlainRecords(batch)[299]!.value).toEqual(new Uint8Array(897).fill(7));
    builder.reset();
    for (const record of records) builder.append(record);
    expect(hexOf(builder.finish())).toBe(v8);
    expect(hexOf(builder.finish())).toBe(v8);
  });

  it("finishInPlace() gives the bytes of finish(), only borrowed", () => {
    const builder = new RecordBatchBuilder();
    for (const record of records) builder.append(record);
    const owned = builder.finish();
    const borrowed = builder.finishInPlace();
    expect(hexOf(borrowed)).toBe(v8);
    builder.reset();
    builder.append({ value: utf8("another"), timestampMs: t0 });
    builder.finishInPlace();
    expect(hexOf(borrowed)).not.toBe(v8);
    expect(hexOf(owned)).toBe(v8);
  });

  it("appendSpans() writes the same bytes as append()", () => {
    const source = utf8("__k__v0v1hxn");
    const builder = new RecordBatchBuilder();
    const spans = {
      timestampMs: t0,
      keyStart: 0,
      keyLength: -1,
      valueStart: 5,
      valueLength: 2,
      headers: [9],
      headerCount: 0,
    };
    builder.appendSpans(source, spans);
    builder.appendSpans(source, {
      timestampMs: t0 + 5,
      keyStart: 2,
      keyLength: 1,
      valueStart: 7,
      valueLength: 2,
      headers: [9, 1, 10, 1, 11, 1, 0, -1],
      headerCount: 2,
    });
    expect(hexOf(builder.finish())).toBe(v8);
  });
});

describe("readBatchHeader()", () => {
  it("reads V10", () => {
    expect(readBatchHeader(bytesOf(v10))).toEqual({
      baseOffset: 0,
      sizeBytes: 70,
      leaderEpoch: -1,
      magic: 2,
      crc: 0x7956c0a5,
      attributes: 16,
      lastOffsetDelta: 0,
      baseTimestampMs: t0,
      maxTimestampMs: t0,
      producerId: 4000,
      producerEpoch: 3,
      baseSequence: 12,
      recordCount: 1,
    });
    expect(isTransactional(16)).toBe(true);
    expect(isControl(16)).toBe(false);
    expect(isControl(readBatchHeader(bytesOf(v11)).attributes)).toBe(true);
    expect(codecOf(16)).toBe("none");
    expect(codecOf(4)).toBe("zstd");
  });
});

describe("assignOffsets()", () => {
  it("makes V9 of V8, whose checksum stays valid", () => {
    const batch = bytesOf(v8);
    assignOffsets(batch, 0, 41, 7);
    expect(hexOf(batch)).toBe(v9);
    expect(checkBatch(batch, 0, batch.length)).toBeUndefined();
    assignOffsets(batch, 0, 2 ** 52 + 3, 0x7fffffff);
    expect(readBatchHeader(batch)).toMatchObject({ baseOffset: 2 ** 52 + 3, leaderEpoch: 0x7fffffff });
  });
});

describe("stampAppendTime()", () => {
  it("gives every record the append time, under a new checksum", () => {
    const batch = bytesOf(v9);
    stampAppendTime(batch, 0, t0 + 999);
    expect(checkBatch(batch, 0, batch.length)).toBeUndefined();
    expect(usesLogAppendTime(readBatchHeader(batch).attributes)).toBe(true);
    expect(readPlainRecords(batch).map((r) => [r.offset, r.timestampMs])).toEqual([
      [41, t0 + 999],
      [42, t0 + 999],
    ]);
  });
});

describe("RecordCursor", () => {
  it("reads V9, with null distinct from empty", () => {
    expect(readPlainRecords(bytesOf(v9))).toEqual([
      { offset: 41, timestampMs: t0, key: null, value: utf8("v0"), headers: [] },
      {
        offset: 42,
        timestampMs: t0 + 5,
        key: utf8("k"),
        value: utf8("v1"),
        headers: [
          { key: "h", value: utf8("x") },
          { key: "n", value: null },
        ],
      },
    ]);
    const empty = readPlainRecords(buildBatch([{ key: new Uint8Array(0), timestampMs: -1 }]))[0]!;
    expect([empty.key, empty.value, empty.timestampMs]).toEqual([new Uint8Array(0), null, -1]);
  });

  it("says where each part is, in numbers", () => {
    const batch = bytesOf(v9);
    const cursor = new RecordCursor(batch.subarray(batchHeaderBytes), readBatchHeader(batch));
    expect(cursor.next()).toBe(true);
    expect(cursor.next()).toBe(true);
    const { recordStart, recordEnd, keyStart, keyLength, valueStart, valueLength, headerCount } = cursor;
    expect({ recordStart, recordEnd, keyStart, keyLength, valueStart, valueLength, headerCount }).toEqual({
      recordStart: 9,
      recordEnd: 26,
      keyStart: 14,
      keyLength: 1,
      valueStart: 16,
      valueLength: 2,
      headerCount: 2,
    });
    expect(cursor.headerSpans()).toEqual([20, 1, 22, 1, 24, 1, 26, -1]);
    expect(cursor.next()).toBe(false);
    expect(cursor.next()).toBe(false);
  });

  it("throws on malformed records, and tells why", () => {
    const batch = bytesOf(v8);
    batch[batchHeaderBytes] = 0x7f;
    expect(() => readPlainRecords(batch)).toThrow(FormatError);
    const compressed = bytesOf(v8);
    compressed[22] = 1;
    expect(() => readPlainRecords(compressed)).toThrow(/readRecords/);
  });
});

describe("batchesIn()", () => {
  it("finds whole batches, leaves out a cut one, and refuses a length that cannot be", () => {
    const bytes = bytesOf(v9 + v11 + v8.slice(0, 100));
    expect([...batchesIn(bytes)].map(({ at, end, header }) => [at, end, header.baseOffset])).toEqual([
      [0, 87, 41],
      [87, 165, 43],
    ]);
    expect([...batchesIn(bytesOf(v9), 87)]).toEqual([]);
    expect(() => [...batchesIn(new Uint8Array(100))]).toThrow(FormatError);
  });
});

/** V8 with one field changed and the checksum made right again. */
function changed(change: (batch: Uint8Array) => void): Uint8Array {
  const batch = bytesOf(v8);
  change(batch);
  sealBatch(batch, 0);
  return batch;
}

describe("checkBatch()", () => {
  it("accepts the vectors, also in the middle of other bytes", () => {
    for (const vector of [v8, v9, v10, v11, v12]) {
      const bytes = bytesOf(`aabb${vector}cc`);
      expect(checkBatch(bytes, 2, bytes.length)).toBeUndefined();
    }
  });

  it("finds every flipped bit of every vector", () => {
    for (const vector of [v8, v10, v11]) {
      const batch = bytesOf(vector);
      for (let bit = 16 * 8; bit < batch.length * 8; bit++) {
        batch[bit >> 3]! ^= 1 << (bit & 7);
        expect(checkBatch(batch, 0, batch.length), `bit ${bit}`).toBeDefined();
        batch[bit >> 3]! ^= 1 << (bit & 7);
      }
    }
  });

  it.each([
    ["TRUNCATED", bytesOf(v8).subarray(0, 11)],
    ["TRUNCATED", bytesOf(v8).subarray(0, 86)],
    ["BAD_LENGTH", bytesOf("0000000000000000ffffffff")],
    ["BAD_LENGTH", bytesOf("000000000000000000000030ffffffff02")],
    ["BAD_MAGIC", bytesOf("000000000000000000000040ffffffff01")],
    ["BAD_COUNT", changed((b) => writeInt32(b, 57, -1))],
    ["BAD_COUNT", changed((b) => writeInt32(b, 57, 3))],
    ["BAD_COUNT", changed((b) => writeInt32(b, 23, -1))],
    [
      "BAD_COUNT",
      changed((b) => {
        writeInt32(b, 23, batchRecordsMax);
        writeInt32(b, 57, batchRecordsMax + 1);
      }),
    ],
    ["BAD_OFFSET", changed((b) => writeInt64(b, 0, -1))],
    ["BAD_OFFSET", changed((b) => writeInt64(b, 0, 2 ** 53 - 1))],
    ["BAD_ATTRIBUTES", changed((b) => writeInt16(b, 21, 5))],
    ["BAD_ATTRIBUTES", changed((b) => writeInt16(b, 21, 128))],
    ["BAD_TIMESTAMP", changed((b) => writeInt64(b, 27, -2))],
    ["BAD_TIMESTAMP", changed((b) => b.fill(0x7f, 35, 43))],
    ["BAD_SEQUENCE", changed((b) => writeInt64(b, 43, -2))],
  ])("says %s", (code, bytes) => {
    expect(checkBatch(bytes, 0, bytes.length)?.code).toBe(code);
  });
});

describe("checkProducedBatch()", () => {
  const limits = { maxBatchBytes: 1000, timestampMsMax: t0 + 5 };

  it("accepts what clients send, whatever base offset they wrote", () => {
    expect(checkProducedBatch(bytesOf(v8), limits)).toBeUndefined();
    expect(checkProducedBatch(bytesOf(v10), limits)).toBeUndefined();
    expect(checkProducedBatch(bytesOf(v9), limits)).toBeUndefined();
  });

  it.each([
    ["TOO_LARGE", "MESSAGE_TOO_LARGE", new Uint8Array(1001)],
    ["BAD_LENGTH", "CORRUPT_MESSAGE", bytesOf(`${v8}00`)],
    ["BAD_LENGTH", "CORRUPT_MESSAGE", bytesOf(v8 + v8)],
    ["BAD_CRC", "CORRUPT_MESSAGE", bytesOf(v8.replace("8a7f0734", "8a7f0735"))],
    ["BAD_ATTRIBUTES", "INVALID_RECORD", bytesOf(v11)],
    ["BAD_ATTRIBUTES", "INVALID_TIMESTAMP", changed((b) => writeInt16(b, 21, 8))],
    ["BAD_ATTRIBUTES", "INVALID_RECORD", changed((b) => writeInt16(b, 21, 64))],
    ["BAD_ATTRIBUTES", "UNSUPPORTED_COMPRESSION", changed((b) => writeInt16(b, 21, 6))],
    ["BAD_COUNT", "INVALID_RECORD", changed((b) => writeInt32(b, 57, 0))],
    ["BAD_COUNT", "INVALID_RECORD", changed((b) => writeInt32(b, 57, 1))],
    ["BAD_SEQUENCE", "INVALID_RECORD", changed((b) => writeInt64(b, 43, 7))],
    [
      "BAD_SEQUENCE",
      "INVALID_RECORD",
      changed((b) => {
        writeInt64(b, 43, 7);
        writeInt32(b, 53, 0);
      }),
    ],
    ["BAD_TIMESTAMP", "INVALID_TIMESTAMP", changed((b) => writeInt64(b, 35, t0 + 6))],
  ])("says %s, reason %s", (code, reason, bytes) => {
    expect(checkProducedBatch(bytes, limits)).toMatchObject({ code, reason });
  });
});

describe("checkRecords()", () => {
  const check = (batch: Uint8Array) => checkRecords(batch.subarray(batchHeaderBytes), readBatchHeader(batch));

  it("accepts the vectors", () => {
    for (const vector of [v8, v9, v10, v11]) expect(check(bytesOf(vector))).toBeUndefined();
  });

  it("finds records too few, too many, out of order, and lengths that lead outside", () => {
    expect(check(bytesOf(v8).subarray(0, 70))?.code).toBe("BAD_RECORD");
    expect(check(changed((b) => writeInt32(b, 57, 1)))?.code).toBe("BAD_RECORD");
    expect(check(changed((b) => (b[64] = 2)))?.message).toMatch(/offset delta 1/);
    expect(check(changed((b) => (b[66] = 0x7e)))?.code).toBe("BAD_RECORD");
    expect(check(changed((b) => (b[66] = 3)))?.code).toBe("BAD_RECORD");
  });

  // length, attributes, timestamp, offset, then key, value and headers.
  it.each([
    ["has no valid length", [5, 0, 0, 0, -1, -1]],
    ["has no valid length", [7, 0, 0, 0, -1, -1, 0]],
    ["has no valid length", [-1, 0, 0, 0, -1, -1, 0]],
    ["is 1 bytes longer than its parts", [7, 0, 0, 0, -1, -1, 0, 0]],
    ["has no valid offset", [6, 0, 0, 1, -1, -1, 0]],
    ["has no valid offset", [6, 0, 0, -1, -1, -1, 0]],
    ["leads outside it", [6, 0, 0, 0, -2, -1, 0]],
    ["leads outside it", [6, 0, 0, 0, 3, -1, 0]],
    ["leads outside it", [6, 0, 0, 0, -1, 1, 0]],
    ["leads outside it", [6, 0, 0, 0, -1, -1, -1]],
    ["leads outside it", [10, 0, 0, 0, -1, -1, 0x7fffffff]],
    ["leads outside it", [7, 0, 0, 0, -1, -1, 1, 0]],
    ["has a header without a valid key", [8, 0, 0, 0, -1, -1, 1, -1, 0]],
    ["has a header without a valid key", [8, 0, 0, 0, -1, -1, 1, 2, 0]],
    ["has a header without a valid value", [8, 0, 0, 0, -1, -1, 1, 0, 1]],
    ["has a header without a valid value", [8, 0, 0, 0, -1, -1, 1, 0, -2]],
  ])("finds a record that %s: %j", (why, varints) => {
    const writer = new ByteWriter();
    for (const value of varints) writer.varint(value);
    const header = { ...readBatchHeader(bytesOf(v8)), recordCount: 1, lastOffsetDelta: 0 };
    const fault = checkRecords(writer.finish(), header);
    expect(fault?.code).toBe("BAD_RECORD");
    expect(fault?.message).toContain(why);
  });

  it("finds varints that exceed their width, and timestamps that exceed a number", () => {
    const header = { ...readBatchHeader(bytesOf(v8)), recordCount: 1, lastOffsetDelta: 0 };
    for (const [hex, why] of [
      ["8c80808010000000010100", "no valid length"],
      ["2000ffffffffffffffffffff0100010100", "no valid timestamp"],
      ["1e00ffffffffffffffffff0100010100", "no valid timestamp"],
    ] as const) {
      expect(checkRecords(bytesOf(hex), header)?.message).toContain(why);
    }
  });
});
