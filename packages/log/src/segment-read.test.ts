// SPDX-License-Identifier: Apache-2.0
import { assignOffsets, buildBatch, InvariantError, readBatchHeader } from "@varve/format";
import { beforeEach, describe, expect, it } from "vitest";
import { FileSystemError } from "./file-system.ts";
import { OpenFiles } from "./open-files.ts";
import { ReadBuffers } from "./read-buffers.ts";
import { Segment } from "./segment.ts";
import { readSegment, type SegmentRead, type SegmentReadOptions } from "./segment-read.ts";
import { MemoryFiles } from "./testing/memory-files.ts";

const batchCount = 40;
const path = "topic/00000000000000000000.log";
const fs = new MemoryFiles();
let stored: Uint8Array;
let batchBytes: number;
let buffers: ReadBuffers;

beforeEach(() => {
  const batches = Array.from({ length: batchCount }, (_, offset) => {
    const batch = buildBatch([{ value: new Uint8Array(48 * 1024).fill(offset + 1), timestampMs: 1000 }]);
    assignOffsets(batch, 0, offset, 7);
    return batch;
  });
  batchBytes = batches[0]!.length;
  stored = new Uint8Array(Buffer.concat(batches));
  fs.files.clear();
  fs.files.set(path, stored);
  buffers = new ReadBuffers(8 << 20);
});

function segment(files = fs, sizeBytes = stored.length): Segment {
  const state = { directory: "topic", baseOffset: 0, endOffset: batchCount, sizeBytes };
  return new Segment(
    { ...state, lastWrittenMs: 0, maxTimestampMs: 1000 },
    { fs: files, files: new OpenFiles(files, 8) },
  );
}

/** Offsets and whether every byte is what was stored. */
function told(found: SegmentRead): { offsets: number[]; isRight: boolean } | string {
  if (found.kind !== "batches") return found.kind;
  const offsets: number[] = [];
  for (let at = 0; at < found.bytes.length; at += batchBytes) offsets.push(readBatchHeader(found.bytes, at).baseOffset);
  const from = offsets[0]! * batchBytes;
  return { offsets, isRight: Buffer.compare(found.bytes, stored.subarray(from, from + found.bytes.length)) === 0 };
}

function options(offset: number, more: Partial<SegmentReadOptions> = {}): SegmentReadOptions {
  return { offset, limit: batchCount, maxBytes: 1 << 20, atLeastOneBatch: true, epochAt: () => 7, ...more };
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

describe("readSegment()", () => {
  it.each([undefined, "lent"])("reads all that fits, in one piece or two (%s)", async (how) => {
    const lendFrom = how === undefined ? undefined : buffers;
    const from = segment();
    for (const maxBytes of [1, batchBytes, 3 * batchBytes, 600 * 1024, 1 << 20, 2 << 20]) {
      for (const offset of [0, 1, 17, batchCount - 1]) {
        const found = await readSegment(from, options(offset, { maxBytes, lendFrom }));
        const count = Math.max(1, Math.floor(maxBytes / batchBytes));
        expect(told(found)).toEqual({ offsets: numbers(offset, Math.min(batchCount, offset + count)), isRight: true });
        if (found.kind === "batches") found.release?.();
      }
    }
  });

  it("ends below the limit, which may lie in the first piece", async () => {
    expect(told(await readSegment(segment(), options(0, { limit: 2 })))).toEqual({ offsets: [0, 1], isRight: true });
    expect(await readSegment(segment(), options(2, { limit: 2 }))).toEqual({ kind: "empty" });
  });

  it("finds damage in the second piece when it gets there, and gives what is before it (J-11)", async () => {
    stored[15 * batchBytes + 1000]! ^= 1;
    const found = await readSegment(segment(), options(0));
    expect(found).toMatchObject({ kind: "batches", nextOffset: 15 });
    const next = await readSegment(segment(), options(15, { lendFrom: buffers }));
    expect(next).toMatchObject({ kind: "damaged", offset: 15 });
    expect(buffers.idleBytes).toBeGreaterThan(0);
  });

  it("takes a file that is shorter than the segment for damage, wherever it ends", async () => {
    for (const sizeBytes of [3 * batchBytes, 3 * batchBytes + 9, 12 * batchBytes + 500]) {
      fs.files.set(path, stored.subarray(0, sizeBytes));
      const offset = Math.floor(sizeBytes / batchBytes);
      expect(await readSegment(segment(), options(offset, { epochAt: () => 7 }))).toMatchObject({
        kind: "damaged",
        offset,
      });
    }
  });

  it("takes a segment whose size lacks batches that its end has for damage (J-12)", async () => {
    const from = segment(fs, 15 * batchBytes);
    expect(told(await readSegment(from, options(0)))).toEqual({ offsets: numbers(0, 15), isRight: true });
    expect(await readSegment(from, options(15))).toMatchObject({ kind: "damaged", offset: 15 });
  });

  it("fails when either piece does, and not before both have come back", async () => {
    for (const failing of [0, 1]) {
      let underWay = 0;
      let isIndexed = false;
      const files = new MemoryFiles();
      files.files.set(path, stored);
      const open = files.open.bind(files);
      files.open = async (name) => {
        const handle = await open(name);
        const read = async (into: Uint8Array, at: number): Promise<number> => {
          underWay += 1;
          // The piece that does not fail comes back last.
          for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
          const fails = isIndexed && (at === 0 ? failing === 0 : failing === 1);
          if (!fails) for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
          underWay -= 1;
          if (fails) throw new FileSystemError("IO", name, `Cannot read "${name}"`);
          return handle.read(into, at);
        };
        return { ...handle, read };
      };
      const from = segment(files);
      await from.indexes();
      isIndexed = true;
      await expect(readSegment(from, options(0, { lendFrom: buffers }))).rejects.toMatchObject({ code: "IO" });
      expect(underWay).toBe(0);
    }
  });

  it("lends no memory twice: what is lent stays as it is until it is released", async () => {
    const from = segment();
    const first = await readSegment(from, options(0, { lendFrom: buffers }));
    const second = await readSegment(from, options(20, { lendFrom: buffers }));
    expect(told(first)).toMatchObject({ isRight: true });
    expect(told(second)).toMatchObject({ isRight: true });
    if (first.kind !== "batches" || second.kind !== "batches") throw new Error("there are no batches");
    const memory = first.bytes.buffer;
    expect(second.bytes.buffer).not.toBe(memory);
    first.release?.();
    expect(() => first.release?.()).toThrow(InvariantError);
    const third = await readSegment(from, options(5, { lendFrom: buffers }));
    if (third.kind !== "batches") throw new Error("there are no batches");
    expect(third.bytes.buffer).toBe(memory);
    expect(told(second)).toMatchObject({ isRight: true });
    expect(told(third)).toMatchObject({ isRight: true });
  });

  it("gives owned bytes unless told to lend", async () => {
    const found = await readSegment(segment(), options(0));
    expect(found).not.toHaveProperty("release");
  });
});

describe("ReadBuffers", () => {
  it("keeps at most idleBytesMax, and forgets the oldest", () => {
    const pool = new ReadBuffers(3 << 20);
    const taken = numbers(0, 4).map(() => pool.take(1 << 20));
    for (const buffer of taken) pool.give(buffer);
    expect(pool.idleBytes).toBe(3 << 20);
    const again = numbers(0, 4).map(() => pool.take(1000 * 1000));
    expect(again.filter((buffer) => taken.includes(buffer))).toHaveLength(3);
    expect(again).not.toContain(taken[0]);
    expect(pool.idleBytes).toBe(0);
    // Larger than all it may keep.
    pool.give(pool.take(4 << 20));
    expect(pool.idleBytes).toBe(0);
  });

  it("refuses a buffer that it has", () => {
    const pool = new ReadBuffers(3 << 20);
    const buffer = pool.take(1 << 20);
    pool.give(buffer);
    expect(() => pool.give(buffer)).toThrow(InvariantError);
  });
});
