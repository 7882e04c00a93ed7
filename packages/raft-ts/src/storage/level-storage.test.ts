// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, open, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { PersistBatch } from "../core/types.ts";
import { storageCases } from "../testing/storage-conformance.ts";
import {
  batchOf,
  entriesFrom,
  readContents,
  sessionConfig,
  sessionDocument,
  stateOf,
} from "../testing/storage-session.ts";
import { LevelDatabase } from "./level-database.ts";
import { LevelStorage, type LevelStorageOptions } from "./level-storage.ts";
import { entriesEndKey, entryKey } from "./records.ts";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "raft-level-"));
});

afterEach(() => rm(root, { recursive: true, force: true }));

describe("LevelStorage is a storage", () => {
  test.each(storageCases)("$name", ({ run }) =>
    run(async () => new LevelStorage({ directory: join(root, "raft"), nodeId: "n1", ballastBytes: 0 })),
  );
});

const inDirectory = (options: Partial<LevelStorageOptions> = {}): LevelStorage =>
  new LevelStorage({ directory: join(root, "raft"), nodeId: "n1", ballastBytes: 0, ...options });

async function openFormed(options: Partial<LevelStorageOptions> = {}): Promise<LevelStorage> {
  const storage = inDirectory(options);
  await storage.open();
  await storage.form(sessionDocument);
  return storage;
}

const anEntry = (index: number): PersistBatch =>
  batchOf({ term: 1, vote: null, commit: 1 }, { entries: entriesFrom(index, 1, 1, 10) });

test("D-10: a directory that is open is refused, and is not harmed by the attempt", async () => {
  const storage = await openFormed();
  await expect(inDirectory().open()).rejects.toMatchObject({
    code: "locked",
    message: expect.stringMatching(/another process has it open/),
  });
  await storage.write(anEntry(2));
  await storage.close();
  expect((await readContents(inDirectory())).opened.boot.lastIndex).toBe(2);
});

test("P7: a directory of another node is refused, with its name", async () => {
  await (await openFormed()).close();
  const other = inDirectory({ nodeId: "n2" });
  await expect(other.open()).rejects.toMatchObject({ code: "foreign", message: expect.stringMatching(/"n1"/) });
  await other.close();
  expect((await readContents(inDirectory())).opened.health).toEqual({ state: "ok" });
});

test("a directory with files of somebody else is not formatted", async () => {
  await mkdir(join(root, "raft"));
  await writeFile(join(root, "raft", "holiday.jpg"), "x");
  await expect(inDirectory().open()).rejects.toMatchObject({
    code: "foreign",
    message: expect.stringMatching(/"holiday.jpg"/),
  });
  expect(await readdir(join(root, "raft"))).toEqual(["holiday.jpg"]);
});

test("P5: after a failed write nothing is written any more, and the next open tells what is durable", async () => {
  let fails = false;
  const storage = await openFormed({
    trace: async (step) => {
      if (fails && step === "batch-synced") throw new Error("ENOSPC: no space left on device");
    },
  });
  await storage.write(anEntry(2));
  fails = true;
  await expect(storage.write(anEntry(3))).rejects.toMatchObject({ code: "failed" });
  fails = false;
  await expect(storage.write(anEntry(3))).rejects.toThrow(/no space left/);
  await expect(storage.compact(1)).rejects.toMatchObject({ code: "failed" });
  await expect(storage.entries(2, 3, 100)).rejects.toMatchObject({ code: "failed" });
  await storage.close();
  // It had reached the disk; nobody was promised it, and nobody may be told that it is not there.
  expect((await readContents(inDirectory())).opened.boot.lastIndex).toBe(3);
});

test("D-4: suspect storage says why and what to do, keeps its identity, and takes nothing in", async () => {
  const first = inDirectory();
  const { identity } = await first.open();
  await first.form(sessionDocument);
  await first.close();
  await rm(join(root, "raft", "snapshots"), { recursive: true });
  const storage = inDirectory();
  const opened = await storage.open();
  expect(opened.health).toEqual({
    state: "suspect",
    reason: expect.stringMatching(/snapshots.* is gone.*raft-check.*replace this node/),
  });
  expect(opened.identity).toEqual({ ...identity, clusterId: sessionDocument.clusterId });
  expect(opened.boot).toMatchObject({ suspect: true, lastIndex: 0, hard: { term: 0, vote: null, commit: 0 } });
  await expect(storage.write(anEntry(2))).rejects.toMatchObject({ code: "closed" });
  await expect(storage.form(sessionDocument)).rejects.toMatchObject({ code: "closed" });
  await storage.close();
});

test("D-5: entries() rejects when the disk under a running node gives other bytes than were written", async () => {
  const storage = await openFormed();
  // More than LevelDB keeps in memory, and so in tables; not so many tables that it puts them together meanwhile.
  for (let index = 2; index < 12; index += 1) {
    await storage.write(batchOf({ term: 1, vote: null, commit: 1 }, { entries: entriesFrom(index, 1, 1, 1 << 20) }));
  }
  await storage.close();
  const running = inDirectory();
  await running.open();
  const read = (): Promise<unknown> =>
    running.entries(2, 5, 8 << 20).then(
      () => undefined,
      (error: unknown) => error,
    );
  let found: unknown;
  // LevelDB may put tables together meanwhile: then the bytes are in another one.
  for (let attempt = 0; attempt < 100 && found === undefined; attempt += 1) {
    await changeTables(join(root, "raft", "db"));
    found = await read();
  }
  expect(found).toMatchObject({ code: "damaged" });
  await running.close();
  expect((await readContents(inDirectory())).opened.health.state).toBe("suspect");
});

test("D-1: an entry's chain speaks of all entries before it, not of its own bytes alone", async () => {
  const write = async (name: string, sizeBytes: number): Promise<string> => {
    const directory = join(root, name);
    const storage = await openFormed({ directory });
    await storage.write(batchOf({ term: 1, vote: null, commit: 1 }, { entries: entriesFrom(2, 1, 1, sizeBytes) }));
    for (const index of [3, 4]) await storage.write(anEntry(index));
    await storage.close();
    return directory;
  };
  const directory = await write("one", 10);
  const source = await LevelDatabase.open(join(await write("other", 20), "db"));
  const target = await LevelDatabase.open(join(directory, "db"));
  // Entry 2 is another one, and entry 3 the same, behind it; only entry 4 can tell.
  for await (const page of source.pages(entryKey(2), entryKey(4))) {
    await target.writeDurably(page.map(([key, value]) => ({ type: "put", key, value })));
  }
  await source.close();
  await target.close();
  const { health } = await inDirectory({ directory }).open();
  expect(health).toMatchObject({ state: "suspect", reason: expect.stringContaining("entry 4 does not follow") });
});

test("D-5: a snapshot's piece is checked before it is given out, from wherever it is read", async () => {
  const storage = await openFormed();
  await storage.write(anEntry(2));
  const pieces = [1, 2, 3].map((fill) => new Uint8Array(64 << 10).fill(fill));
  const chunks = (async function* () {
    yield* pieces;
  })();
  await storage.snapshots.save({ index: 2, term: 1, config: sessionConfig }, chunks);
  const snapshots = join(root, "raft", "snapshots");
  const [name] = await readdir(snapshots);
  const file = await open(join(snapshots, name!), "r+");
  await file.write(Buffer.of(9), 0, 1, 100_000);
  await file.close();
  for (const [from, whole] of [
    [0, 1],
    [64 << 10, 0],
    [128 << 10, 1],
  ] as const) {
    const reader = (await storage.snapshots.open())!;
    let seen = 0;
    const reading = async (): Promise<void> => {
      for await (const chunk of reader.chunks(from)) seen += chunk.length;
    };
    if (from === 128 << 10) await reading();
    else await expect(reading()).rejects.toMatchObject({ code: "damaged" });
    expect(seen).toBe(whole << 16);
    await reader.close();
  }
  await storage.close();
});

test("S11: files of snapshots that a crash left behind are deleted, others are not", async () => {
  const storage = await openFormed();
  await storage.close();
  const snapshots = join(root, "raft", "snapshots");
  const [own] = await readdir(snapshots);
  for (const name of ["5-1-aa.snap", "6-1-bb.part", "notes.txt"]) await writeFile(join(snapshots, name), "x");
  await (await openStorage()).close();
  expect((await readdir(snapshots)).sort()).toEqual([own!, "notes.txt"]);
});

test("D-3: with the lagged fence a closed storage is as whole as with the strict one", async () => {
  const storage = await openFormed({ fence: "lagged" });
  for (let index = 2; index < 30; index += 1) await storage.write(anEntry(index));
  await storage.close();
  const { opened } = await readContents(inDirectory());
  expect(opened.health).toEqual({ state: "ok" });
  expect(opened.boot.lastIndex).toBe(29);
});

test("a staging that was closed, or whose place another one took, takes no more bytes", async () => {
  const storage = await openFormed();
  const description = { meta: { index: 9, term: 1, config: sessionConfig }, id: "x", chain: 0, sizeBytes: 4, crc: 0 };
  const first = await storage.snapshots.stage(description);
  await first.close();
  await expect(first.write(Buffer.from("a"))).rejects.toMatchObject({ code: "mismatch" });
  const second = await storage.snapshots.stage(description);
  const third = await storage.snapshots.stage({ ...description, id: "y" });
  await expect(second.write(Buffer.from("a"))).rejects.toMatchObject({ code: "mismatch" });
  await third.write(Buffer.from("a"));
  expect((await readdir(join(root, "raft", "snapshots"))).filter((name) => name.endsWith(".part"))).toHaveLength(1);
  await storage.close();
});

test("S3: what no durable snapshot covers is not let go of", async () => {
  const storage = await openFormed();
  for (const index of [2, 3, 4]) await storage.write(anEntry(index));
  await storage.snapshots.save({ index: 3, term: 1, config: sessionConfig }, stateOf(3, 100));
  await expect(storage.compact(4)).rejects.toThrow(/S3.*durable snapshot covers/);
  await storage.close();
  const { opened } = await readContents(inDirectory());
  expect(opened.boot).toMatchObject({ firstIndex: 2, lastIndex: 4 });
});

test("S3: many rounds of writing and compacting leave a directory of bounded size", async () => {
  const storage = await openFormed();
  const perRound = 1500;
  let last = 1;
  let bytes = Number.POSITIVE_INFINITY;
  // LevelDB compacts in its own time. 18 MB of payload go in before the size is looked at, then more, until it has; 100 entries are kept.
  for (let round = 1; round <= 60 && bytes > 12 << 20; round += 1) {
    for (let batch = 0; batch < 3; batch += 1) {
      const entries = entriesFrom(last + 1, perRound / 3, 1, 1000);
      last += entries.length;
      await storage.write(batchOf({ term: 1, vote: null, commit: last }, { entries }));
    }
    await storage.snapshots.save({ index: last, term: 1, config: sessionConfig }, stateOf(last, 20_000));
    await storage.compact(last - 100);
    if (round >= 12) bytes = await sizeOf(join(root, "raft"));
  }
  expect(bytes).toBeLessThan(12 << 20);
  await storage.close();
  expect((await readdir(join(root, "raft", "snapshots"))).length).toBe(1);
  // What the sweep had not come to goes at the next open.
  await (await openStorage()).close();
  const database = await LevelDatabase.open(join(root, "raft", "db"));
  let keys = 0;
  for await (const page of database.pages(entryKey(0), entriesEndKey)) keys += page.length;
  await database.close();
  expect(keys).toBe(100);
});

async function openStorage(): Promise<LevelStorage> {
  const storage = inDirectory();
  expect((await storage.open()).health).toEqual({ state: "ok" });
  return storage;
}

/** Other bytes in every table that is there now. */
async function changeTables(directory: string): Promise<void> {
  for (const name of (await readdir(directory)).filter((name) => name.endsWith(".ldb"))) {
    let file;
    try {
      file = await open(join(directory, name), "r+");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") continue;
      throw error;
    }
    const { size } = await file.stat();
    for (let at = 300_000; at < size; at += 500_000) await file.write(Buffer.from("changed"), 0, 7, at);
    await file.close();
  }
}

/** Also while LevelDB deletes files. */
async function sizeOf(directory: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    try {
      bytes += (await stat(join(entry.parentPath, entry.name))).size;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return bytes;
}
