import { buildBatch } from "@varve/format";
import { beforeEach, describe, expect, test } from "vitest";
import { OffsetIndex } from "../offset-index.ts";
import { TimeIndex } from "../time-index.ts";
import { MemoryFiles } from "../testing/memory-files.ts";
import { inspectSegment } from "./inspect-segment.ts";
import type { BatchRow, SegmentInspection } from "./inspect-segment.ts";

const directory = "/data";
let disk: MemoryFiles;
const base = 1000;

beforeEach(() => {
  disk = new MemoryFiles();
});

function path(extension = "log"): string {
  return `${directory}/00000000000000001000.${extension}`;
}

/** Batches of 1, 2, 3 … records from offset 1000 on; epoch 4, timestamps 10, 20, 30 … */
function batches(count: number): Uint8Array[] {
  let baseOffset = base;
  return Array.from({ length: count }, (_, index) => {
    const records = Array.from({ length: index + 1 }, (_, record) => ({
      key: null,
      value: new TextEncoder().encode(`value ${index} ${record}`),
      timestampMs: (index + 1) * 10,
    }));
    const batch = buildBatch(records, { baseOffset, leaderEpoch: 4 });
    baseOffset += index + 1;
    return batch;
  });
}

/** Writes the segment and complete indexes with an entry for each batch but the first. */
function write(list: readonly Uint8Array[], indexed = list): void {
  disk.files.set(path(), Buffer.concat(list));
  const offsets = new OffsetIndex(base);
  const times = new TimeIndex(base);
  let position = 0;
  let offset = base;
  for (const [index, batch] of indexed.entries()) {
    if (index > 0) offsets.append(offset, position);
    times.note((index + 1) * 10, offset);
    times.addEntry();
    position += batch.length;
    offset += index + 1;
  }
  disk.files.set(path("index"), offsets.takePending({ complete: true })!.bytes);
  disk.files.set(path("timeindex"), times.takePending({ complete: true })!.bytes);
}

async function inspect(): Promise<{ report: SegmentInspection; rows: BatchRow[] }> {
  const rows: BatchRow[] = [];
  const report = await inspectSegment(disk, path(), {
    epochAt: () => 4,
    onBatch: (row) => rows.push(row),
  });
  return { report, rows };
}

describe("inspectSegment()", () => {
  test("shows every batch of a good segment and finds nothing wrong", async () => {
    write(batches(4));
    const { report, rows } = await inspect();
    expect(report).toMatchObject({
      baseOffset: 1000,
      endOffset: 1010,
      batches: 4,
      records: 10,
      maxTimestampMs: 40,
      offsetIndex: "ok",
      timeIndex: "ok",
      faults: [],
    });
    expect(rows.map((row) => [row.header.baseOffset, row.lastOffset, row.codec, row.fault])).toEqual([
      [1000, 1000, "none", undefined],
      [1001, 1002, "none", undefined],
      [1003, 1005, "none", undefined],
      [1006, 1009, "none", undefined],
    ]);
    expect(rows.map((row) => row.positionBytes)).toEqual(
      [0, 1, 2, 3].map((count) => sizeOf(batches(4).slice(0, count))),
    );
  });

  test("J-11: finds every flipped bit in a segment, and goes on after it where it can", async () => {
    const list = batches(3);
    write(list);
    const whole = Uint8Array.from(disk.files.get(path())!);
    const epochs = { epochAt: () => 4 };
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const flipped = Buffer.from(whole);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      disk.files.set(path(), flipped);
      const report = await inspectSegment(disk, path(), epochs);
      expect(report.faultCount, `bit ${bit}`).toBeGreaterThan(0);
      expect(
        report.faults.some((fault) => fault.kind !== "stale"),
        `bit ${bit}`,
      ).toBe(true);
    }
    whole[list[0]!.length + 70]! ^= 1;
    disk.files.set(path(), whole);
    const { report, rows } = await inspect();
    expect(rows.map((row) => row.fault === undefined)).toEqual([true, false, true]);
    expect(report.faults).toHaveLength(1);
    expect(report.faults[0]).toMatchObject({ kind: "damage", positionBytes: list[0]!.length, offset: 1001 });
  });

  test("tells a file that was cut anywhere from one that holds something else", async () => {
    const list = batches(3);
    write(list);
    const whole = Uint8Array.from(disk.files.get(path())!);
    const ends = [1, 2, 3].map((count) => sizeOf(list.slice(0, count)));
    for (let length = 1; length < whole.length; length++) {
      disk.files.set(path(), whole.subarray(0, length));
      const { report } = await inspect();
      const kinds = report.faults.filter((fault) => fault.kind !== "stale").map((fault) => fault.kind);
      expect(kinds, `length ${length}`).toEqual(ends.includes(length) ? [] : ["torn"]);
      expect(report.offsetIndex === "bad" || report.timeIndex === "bad", `length ${length}`).toBe(true);
    }
    disk.files.set(path(), Buffer.concat([whole, Buffer.alloc(200)]));
    expect((await inspect()).report.faults).toMatchObject([
      { kind: "damage", positionBytes: whole.length, offset: 1006 },
    ]);
  });

  test("reads batches that are larger than a piece, and many pieces", async () => {
    const large = buildBatch([{ key: null, value: new Uint8Array(3 << 20), timestampMs: 10 }], {
      baseOffset: base,
      leaderEpoch: 4,
    });
    const rest = Array.from({ length: 40 }, (_, index) =>
      buildBatch([{ key: null, value: new Uint8Array(50_000), timestampMs: 20 }], {
        baseOffset: base + 1 + index,
        leaderEpoch: 4,
      }),
    );
    disk.files.set(path(), Buffer.concat([large, ...rest]));
    const { report } = await inspect();
    expect(report).toMatchObject({
      endOffset: 1041,
      batches: 41,
      faults: [],
      offsetIndex: "missing",
      timeIndex: "missing",
    });
  });

  test("does not believe a length beyond reason", async () => {
    const list = batches(2);
    new DataView(list[1]!.buffer, list[1]!.byteOffset).setInt32(8, 0x7fff_fff0);
    write(list);
    expect((await inspect()).report.faults).toMatchObject([
      { kind: "damage", positionBytes: list[0]!.length, offset: 1001 },
      { kind: "stale" },
      { kind: "stale" },
    ]);
  });

  test("finds an index that fits another segment, though its checksums are good", async () => {
    const list = batches(4);
    // As left by a truncation: batches of other sizes are in their place.
    const other = list.map((batch, index) => (index === 1 ? new Uint8Array(batch.length + 9) : batch));
    write(list, other);
    const { report } = await inspect();
    expect(report).toMatchObject({ offsetIndex: "bad", timeIndex: "ok" });
    expect(report.faults).toMatchObject([{ kind: "stale", file: path("index") }]);
  });

  test("finds a time index that would lead past a record", async () => {
    write(batches(3));
    const times = new TimeIndex(base);
    times.note(10, base);
    times.addEntry();
    times.note(30, base + 1);
    disk.files.set(path("timeindex"), times.takePending({ complete: true })!.bytes);
    expect((await inspect()).report).toMatchObject({ offsetIndex: "ok", timeIndex: "bad" });
    const short = new TimeIndex(base);
    short.note(10, base);
    disk.files.set(path("timeindex"), short.takePending({ complete: true })!.bytes);
    expect((await inspect()).report).toMatchObject({ timeIndex: "bad" });
    short.truncateTo(2000);
    disk.files.set(path("timeindex"), short.takePending()!.bytes);
    expect((await inspect()).report).toMatchObject({ timeIndex: "incomplete", faults: [] });
  });

  test("finds every flipped bit in an index, and blames nothing else", async () => {
    write(batches(3));
    for (const extension of ["index", "timeindex"]) {
      const whole = Uint8Array.from(disk.files.get(path(extension))!);
      for (let bit = 0; bit < whole.length * 8; bit++) {
        const flipped = Buffer.from(whole);
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        disk.files.set(path(extension), flipped);
        const { report } = await inspect();
        expect(report.faults, `bit ${bit}`).toMatchObject([{ kind: "stale", file: path(extension) }]);
      }
      disk.files.set(path(extension), whole);
    }
  });
});

function sizeOf(list: readonly Uint8Array[]): number {
  return list.reduce((sum, batch) => sum + batch.length, 0);
}
