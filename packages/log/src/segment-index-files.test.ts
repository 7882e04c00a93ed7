import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildBatch } from "@varve/format";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nodeFileSystem } from "./node-file-system.ts";
import { OffsetIndex } from "./offset-index.ts";
import { loadSegmentIndexes, removeSegmentIndexes, saveSegmentIndexes } from "./segment-index-files.ts";
import type { SegmentIndexes } from "./segment-index-files.ts";
import { TimeIndex } from "./time-index.ts";

const disk = nodeFileSystem();
const base = 100;
let directory: string;
let path: string;
let bytes: Uint8Array;

beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), "varve-segment-index-files-"));
  path = join(directory, "00000000000000000100.log");
});
afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

/** A segment of `count` batches with one record each, and its indexes with an entry per batch. */
function segment(count: number, valueBytes = 10): SegmentIndexes {
  const index = new OffsetIndex(base);
  const times = new TimeIndex(base);
  const batches: Uint8Array[] = [];
  let position = 0;
  for (let offset = base; offset < base + count; offset++) {
    const record = { key: null, value: new Uint8Array(valueBytes), timestampMs: offset * 1000 };
    const batch = buildBatch([record], { baseOffset: offset, leaderEpoch: 0 });
    if (position > 0) index.append(offset, position);
    times.note(offset * 1000, offset);
    times.addEntry();
    batches.push(batch);
    position += batch.length;
  }
  bytes = Buffer.concat(batches);
  return { index, times };
}

function load(endOffset: number): Promise<SegmentIndexes | undefined> {
  return loadSegmentIndexes(disk, {
    path,
    baseOffset: base,
    endOffset,
    sizeBytes: bytes.length,
    read: (into, at) => {
      const part = bytes.subarray(at, at + into.length);
      into.set(part);
      return Promise.resolve(part.length);
    },
  });
}

test("loadSegmentIndexes() gives back what saveSegmentIndexes() wrote", async () => {
  await saveSegmentIndexes(disk, path, segment(5));
  const loaded = await load(105);
  expect(loaded?.index.count).toBe(4);
  expect(loaded?.index.lookup(103)).toMatchObject({ offset: 103 });
  expect(loaded?.times.largest).toEqual({ timestampMs: 104_000, offset: 104 });
});

test("saveSegmentIndexes() replaces what an earlier life of the segment left", async () => {
  await saveSegmentIndexes(disk, path, segment(5));
  await saveSegmentIndexes(disk, path, segment(2));
  expect((await load(102))?.index.count).toBe(1);
});

test("saveSegmentIndexes() goes on in files that hold a part already", async () => {
  const indexes = segment(5);
  const first = indexes.index.takePending()!;
  fs.writeFileSync(join(directory, "00000000000000000100.index"), first.bytes);
  await saveSegmentIndexes(disk, path, indexes);
  expect((await load(105))?.index.count).toBe(4);
});

test("loadSegmentIndexes() wants both files, whole", async () => {
  expect((await load(105)) === undefined).toBe(true);
  for (const extension of ["index", "timeindex"]) {
    await saveSegmentIndexes(disk, path, segment(5));
    const file = join(directory, `00000000000000000100.${extension}`);
    const whole = fs.readFileSync(file);
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const flipped = Buffer.from(whole);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      fs.writeFileSync(file, flipped);
      expect((await load(105)) === undefined, `bit ${bit} of ${extension}`).toBe(true);
    }
    fs.writeFileSync(file, whole.subarray(0, -1));
    expect((await load(105)) === undefined).toBe(true);
    fs.rmSync(file);
    expect((await load(105)) === undefined).toBe(true);
  }
});

test("loadSegmentIndexes() does not take the index of a segment that was cut or written again", async () => {
  await saveSegmentIndexes(disk, path, segment(5));
  expect((await load(104)) === undefined).toBe(true);
  segment(3);
  expect((await load(105)) === undefined).toBe(true);
  segment(5, 9);
  expect((await load(105)) === undefined).toBe(true);
});

test("loadSegmentIndexes() works for a segment with a single batch", async () => {
  await saveSegmentIndexes(disk, path, segment(1));
  expect((await load(101))?.times.largest?.offset).toBe(100);
});

test("removeSegmentIndexes() says whether there was anything whose absence must be made durable", async () => {
  await saveSegmentIndexes(disk, path, segment(5));
  expect(await removeSegmentIndexes(disk, path)).toBe(true);
  expect(await removeSegmentIndexes(disk, path)).toBe(false);
  expect(fs.readdirSync(directory)).toEqual([]);
});
