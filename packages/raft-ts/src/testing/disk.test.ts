// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import type { Config, Entry, PersistBatch } from "../core/types.ts";
import { SimulatedDisk } from "./disk.ts";
import { DiskImage, type StoredSnapshot } from "./disk-image.ts";
import { RandomStream } from "./random-stream.ts";
import { Scheduler } from "./scheduler.ts";

const config: Config = { voters: ["a@1"], votersOutgoing: [], learners: [], learnersNext: [], addresses: [] };
const initial: StoredSnapshot<string> = { meta: { index: 1, term: 1, config }, state: "", digest: 0, chain: 1 };

function makeDisk(seed = 1): { scheduler: Scheduler; disk: SimulatedDisk<string>; changes: (number | undefined)[] } {
  const scheduler = new Scheduler();
  const changes: (number | undefined)[] = [];
  const disk = new SimulatedDisk<string>(new DiskImage(initial), {
    scheduler,
    random: new RandomStream(seed, "disk:a"),
    speed: { syncBase: 100, syncTail: 50, tellMax: 50 },
    onDurable: (_image, batch) => changes.push(batch?.seq),
  });
  return { scheduler, disk, changes };
}

const entry = (index: number, term = 2): Entry => {
  return { type: "normal", index, term, data: Uint8Array.of(index, term), config: null };
};

function batch(seq: number, parts: Partial<PersistBatch> = {}): PersistBatch {
  const hard = { term: 2, vote: "a@1", commit: 1 };
  return { seq, hard, truncateFrom: null, entries: [], install: null, after: [], ...parts };
}

test("SimulatedDisk.write() is durable before it tells, as a whole (P3)", () => {
  const { scheduler, disk, changes } = makeDisk();
  let told: number | undefined;
  disk.write(batch(1, { entries: [entry(2), entry(3)] }), () => (told = disk.image.lastIndex));
  expect(disk.image.lastIndex).toBe(1);
  expect(disk.image.hard.term).toBe(1);
  scheduler.runUntil(10_000);
  expect(told).toBe(3);
  expect(changes).toEqual([1]);
  expect(disk.boot(1_000)).toMatchObject({ hard: { term: 2, vote: "a@1" }, firstIndex: 2, lastIndex: 3, applied: 1 });
});

test("SimulatedDisk refuses a second batch while one is outstanding (P4)", () => {
  const { disk } = makeDisk();
  disk.write(batch(1), () => {});
  expect(() => disk.write(batch(2), () => {})).toThrow(/P4/);
});

test("SimulatedDisk.crash() keeps each untold batch whole or not at all, and tells nobody", () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 60; seed++) {
    const { scheduler, disk } = makeDisk(seed);
    let isTold = false;
    disk.write(batch(1, { entries: [entry(2), entry(3)] }), () => (isTold = true));
    const crashAt = seed * 5;
    scheduler.runUntil(crashAt);
    const wasTold = isTold;
    disk.crash();
    scheduler.runUntil(10_000);
    expect(isTold).toBe(wasTold);
    const { lastIndex, hard } = disk.image;
    expect([1, 3]).toContain(lastIndex);
    expect(hard.term).toBe(lastIndex === 3 ? 2 : 1);
    if (wasTold) expect(lastIndex).toBe(3);
    seen.add(`${wasTold ? "told" : "untold"} ${lastIndex}`);
  }
  expect([...seen].sort((a, b) => a.localeCompare(b))).toEqual(["told 3", "untold 1", "untold 3"]);
});

test("SimulatedDisk takes a batch after a crash again", () => {
  const { scheduler, disk } = makeDisk();
  disk.write(batch(1), () => {});
  disk.crash();
  let isTold = false;
  disk.write(batch(1), () => (isTold = true));
  scheduler.runUntil(10_000);
  expect(isTold).toBe(true);
});

test("SimulatedDisk hangs, fails, and is wiped when told", () => {
  const { scheduler, disk } = makeDisk();
  const told: string[] = [];
  disk.hang(50_000);
  disk.write(batch(1), () => told.push("hung"));
  scheduler.runUntil(49_999);
  expect(told).toEqual([]);
  scheduler.runUntil(60_000);
  expect(told).toEqual(["hung"]);
  disk.failNextWrite();
  disk.write(batch(2), (error) => told.push(error?.message ?? "written"));
  scheduler.runUntil(70_000);
  expect(told).toEqual(["hung", "ENOSPC: no space left on device"]);
  disk.crash();
  disk.isSuspect = true;
  expect(disk.boot(0).suspect).toBe(true);
  disk.wipe(new DiskImage<string>());
  expect(disk.boot(0)).toMatchObject({ hard: { term: 0, vote: null }, firstIndex: 1, lastIndex: 0, suspect: false });
});

test("SimulatedDisk.lies tells before it is durable, and a crash shows it", () => {
  let lost = 0;
  for (let seed = 0; seed < 20; seed++) {
    const { scheduler, disk } = makeDisk(seed);
    disk.lies = true;
    let isTold = false;
    disk.write(batch(1, { entries: [entry(2)] }), () => (isTold = true));
    scheduler.runUntil(50);
    expect(isTold).toBe(true);
    disk.crash();
    if (disk.image.lastIndex === 1) lost++;
  }
  expect(lost).toBeGreaterThan(0);
});

test("SimulatedDisk installs a staged snapshot in one batch, and stages do not survive an open", () => {
  const { scheduler, disk } = makeDisk();
  disk.write(batch(1, { entries: [entry(2), entry(3)] }), () => {});
  scheduler.runUntil(10_000);
  const meta = { index: 9, term: 2, config };
  const stagedId = disk.stage({ meta, state: "nine", digest: 9, chain: 99 });
  disk.write(batch(2, { install: { meta, stagedId } }), () => {});
  scheduler.runUntil(20_000);
  expect(disk.image).toMatchObject({ firstIndex: 10, lastIndex: 9, lastTerm: 2 });
  expect(disk.image.chainAt(9)).toBe(99);
  expect(disk.stagedCount).toBe(0);
  disk.stage({ meta, state: "again", digest: 9, chain: 99 });
  disk.boot(0);
  expect(disk.stagedCount).toBe(0);
  expect(() => disk.write(batch(3, { install: { meta, stagedId } }), () => {})).toThrow(/S10/);
});

test("DiskImage keeps chain and term below the first entry through a compaction, and knows its configs", () => {
  const image = new DiskImage(initial);
  const change: Entry = { type: "config", index: 3, term: 2, data: new Uint8Array(), config };
  image.applyBatch(batch(1, { entries: [entry(2), change, entry(4)] }), undefined);
  const chain = image.chainAt(3);
  expect(image.config).toEqual({ index: 3, config });
  expect(() => image.compact(3)).toThrow(/S3/);
  image.saveSnapshot({ meta: { index: 4, term: 2, config }, state: "four", digest: 4, chain: 4 });
  image.compact(3);
  expect(image.firstIndex).toBe(4);
  expect(image.chainAt(3)).toBe(chain);
  expect(image.chainAt(2)).toBeUndefined();
  expect(image.config).toEqual({ index: 4, config });
  expect(image.bootState(1_000).termRuns).toEqual([{ start: 3, term: 2 }]);
  expect(image.bootState(1).tail).toEqual([]);
  expect(image.slice(4, 9, 100).map(({ index }) => index)).toEqual([4]);
  expect(image.slice(3, 9, 100)).toEqual([]);
});

test("DiskImage refuses what no correct core writes", () => {
  const image = new DiskImage(initial);
  image.applyBatch(batch(1, { entries: [entry(2), entry(3)] }), undefined);
  const hard = (term: number, vote: string | null): Partial<PersistBatch> => ({ hard: { term, vote, commit: 1 } });
  expect(() => image.applyBatch(batch(2, { entries: [entry(5)] }), undefined)).toThrow(/L4/);
  expect(() => image.applyBatch(batch(2, { entries: [entry(4, 3)] }), undefined)).toThrow(/L4/);
  expect(() => image.applyBatch(batch(2, hard(1, null)), undefined)).toThrow(/IR9/);
  expect(() => image.applyBatch(batch(2, hard(2, "b@1")), undefined)).toThrow(/IR8/);
  expect(() => image.applyBatch(batch(2, { truncateFrom: 1 }), undefined)).toThrow(/IR10/);
  expect(() => image.applyBatch(batch(2, { truncateFrom: 9 }), undefined)).toThrow(/L3/);
});

test("DiskImage: equal logs have equal chains, different ones differ from the first difference on", () => {
  const logs = [entry(3), entry(3, 3)].map((third) => {
    const image = new DiskImage(initial);
    const hard = { term: 3, vote: null, commit: 1 };
    image.applyBatch(batch(1, { hard, entries: [entry(2), third, entry(4, 3)] }), undefined);
    return image;
  });
  const [left, right] = logs as [DiskImage<string>, DiskImage<string>];
  expect(left.chainAt(2)).toBe(right.chainAt(2));
  expect(left.chainAt(3)).not.toBe(right.chainAt(3));
  expect(left.chainAt(4)).not.toBe(right.chainAt(4));
});
