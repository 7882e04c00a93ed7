// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { buildMarker, readControl } from "./control.ts";
import { FormatError } from "./format-error.ts";
import { assignOffsets } from "./record-batch/layout.ts";
import { readPlainRecords } from "./record-batch/reader.ts";

const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));
const v11 =
  "000000000000002b000000420000000002881496e70030000000000000018bcfe568640000018bcfe568640000000000000fa00003ffffffff000000012000000008000000010c00000000000900";
const v12 =
  "000000000000002b0000004200000000027c2a40af0030000000000000018bcfe568640000018bcfe568640000000000000fa00003ffffffff000000012000000008000000000c00000000000900";
const marker = { coordinatorEpoch: 9, producerId: 4000, producerEpoch: 3, timestampMs: 1_700_000_000_100 };

describe("buildMarker()", () => {
  it.each([
    ["commit", v11],
    ["abort", v12],
  ] as const)("writes the %s marker of the vectors", (kind, hex) => {
    const batch = buildMarker({ kind, ...marker });
    assignOffsets(batch, 0, 43, 0);
    expect(Buffer.from(batch).toString("hex")).toBe(hex);
  });
});

describe("readControl()", () => {
  it("reads both markers", () => {
    expect(readPlainRecords(bytesOf(v11)).map(readControl)).toEqual([{ kind: "commit", coordinatorEpoch: 9 }]);
    expect(readPlainRecords(bytesOf(v12)).map(readControl)).toEqual([{ kind: "abort", coordinatorEpoch: 9 }]);
  });

  it("passes over other kinds, reads newer versions, refuses short ones", () => {
    expect(readControl({ key: bytesOf("00000002"), value: null })).toEqual({ kind: "other", type: 2 });
    expect(readControl({ key: bytesOf("0001000100"), value: bytesOf("00010000000700") })).toEqual({
      kind: "commit",
      coordinatorEpoch: 7,
    });
    for (const record of [
      { key: null, value: null },
      { key: bytesOf("000000"), value: null },
      { key: bytesOf("00000001"), value: bytesOf("0000000000") },
      { key: bytesOf("00000001"), value: null },
    ]) {
      expect(() => readControl(record)).toThrow(FormatError);
    }
  });
});
