// SPDX-License-Identifier: Apache-2.0
// D-9: room that is kept for the day on which the disk is full. With RAFT_SMALL_DISK naming a directory on a file system of
// 64 to 256 MiB, the last test fills it.
import { mkdtemp, open, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { batchOf, entriesFrom, readContents, sessionDocument } from "../testing/storage-session.ts";
import { Ballast, isDiskFull } from "./ballast.ts";
import { LevelStorage } from "./level-storage.ts";
import { StorageError, systemCode } from "./storage-error.ts";

const mebibyte = 1024 * 1024;
const smallDisk = process.env["RAFT_SMALL_DISK"];
const plenty = async (): Promise<number> => Number.MAX_SAFE_INTEGER;

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "raft-ballast-"));
});

afterEach(() => rm(root, { recursive: true, force: true }));

const anEntry = (index: number): Parameters<LevelStorage["write"]>[0] =>
  batchOf({ term: 1, vote: null, commit: 1 }, { entries: entriesFrom(index, 1, 1, 10) });

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error(`Waited 20 s in vain for: ${isTrue.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const has = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

test("D-9: an open storage lays out its ballast, in blocks that it owns, and keeps it", async () => {
  const directory = join(root, "raft");
  const path = join(directory, "ballast");
  const first = new LevelStorage({ directory, nodeId: "n1", ballastBytes: 3 * mebibyte + 1 });
  await first.open();
  await until(() => has(path));
  await first.close();
  const { size, blocks, ino } = await stat(path);
  expect(size).toBe(3 * mebibyte + 1);
  expect(blocks * 512).toBeGreaterThanOrEqual(3 * mebibyte);
  const second = new LevelStorage({ directory, nodeId: "n1", ballastBytes: mebibyte });
  expect((await second.open()).health.state).toBe("blank");
  await second.close();
  expect((await stat(path)).ino).toBe(ino);
});

test("D-9: no ballast without plenty of room, and none when the disk fails or cannot tell", async () => {
  const path = join(root, "ballast");
  for (const freeBytes of [
    async () => 9 * mebibyte - 1,
    () => Promise.reject(new Error("EIO")),
    async () => 0,
  ] as const) {
    await new Ballast(path, mebibyte).start(freeBytes);
    expect(await readdir(root)).toEqual([]);
  }
  await new Ballast(join(root, "none", "ballast"), mebibyte).start(plenty);
  expect(await readdir(root)).toEqual([]);
});

test("D-9: a ballast that was not finished is none, and what a crash left of it is removed", async () => {
  const path = join(root, "ballast");
  await writeFile(`${path}.new`, "half of");
  const ballast = new Ballast(path, 512 * mebibyte);
  void ballast.start(plenty);
  await until(async () => (await stat(`${path}.new`).catch(() => ({ size: 0 }))).size >= mebibyte);
  await ballast.stop();
  expect(await readdir(root)).toEqual([]);
});

test("D-9: a directory that was emptied of all but the ballast is formatted", async () => {
  const directory = join(root, "raft");
  const storage = new LevelStorage({ directory, nodeId: "n1", ballastBytes: mebibyte });
  await storage.open();
  await until(() => has(join(directory, "ballast")));
  await storage.close();
  for (const name of ["db", "fence", "snapshots"]) await rm(join(directory, name), { recursive: true });
  const { opened } = await readContents(new LevelStorage({ directory, nodeId: "n1", ballastBytes: 0 }));
  expect(opened.health.state).toBe("blank");
});

test("D-9, P5: a write that fails on a full disk says which file to delete", async () => {
  let isFull = false;
  const directory = join(root, "raft");
  const trace = async (step: string): Promise<void> => {
    if (isFull && step === "batch-synced") throw Object.assign(new Error("ENOSPC: write"), { code: "ENOSPC" });
  };
  const storage = new LevelStorage({ directory, nodeId: "n1", ballastBytes: 0, trace });
  await storage.open();
  await storage.form(sessionDocument);
  isFull = true;
  await expect(storage.write(anEntry(2))).rejects.toThrow(/Make room on this disk, if need be by deleting ".*ballast"/);
  await storage.close();
});

test("isDiskFull() knows the system's codes, LevelDB's words, and looks at causes", () => {
  const code = (name: string): Error => Object.assign(new Error("write"), { code: name });
  expect(["ENOSPC", "EDQUOT", "EIO"].map((name) => isDiskFull(code(name)))).toEqual([true, true, false]);
  const words = new Error("IO error: /d/000005.log: No space left on device");
  expect(isDiskFull(new StorageError("failed", "Cannot open", { cause: words }))).toBe(true);
  expect(isDiskFull("No space left on device")).toBe(false);
});

test.skipIf(smallDisk === undefined)(
  "D-9: on a full disk, deleting the ballast lets a node start and write again",
  async () => {
    const base = await mkdtemp(join(smallDisk!, "raft-"));
    const directory = join(base, "raft");
    const options = { directory, nodeId: "n1", ballastBytes: 4 * mebibyte };
    const storage = new LevelStorage(options);
    await storage.open();
    await storage.form(sessionDocument);
    await until(() => has(join(directory, "ballast")));
    await fill(join(base, "somebody else's"));
    let last = 1;
    const writing = async (): Promise<never> => {
      for (;;) {
        await storage.write(anEntry(last + 1));
        last += 1;
      }
    };
    await expect(writing()).rejects.toThrow(/Make room/);
    await storage.close();
    // What the database let go of when it was closed is taken, too.
    await fill(join(base, "somebody else's, again"));
    await expect(new LevelStorage(options).open()).rejects.toThrow(/Make room on this disk, if need be by deleting/);
    await rm(join(directory, "ballast"));
    const next = new LevelStorage(options);
    const { health, boot } = await next.open();
    expect(health.state).toBe("ok");
    expect(boot.lastIndex).toBeGreaterThanOrEqual(last);
    await next.write(anEntry(boot.lastIndex + 1));
    await next.close();
    // There is no room for another ballast, and it is not tried.
    expect((await readdir(directory)).filter((name) => name.startsWith("ballast"))).toEqual([]);
    await rm(base, { recursive: true });
  },
);

/** Writes until nothing fits any more. */
async function fill(path: string): Promise<void> {
  const file = await open(path, "w");
  try {
    for (const step of [mebibyte, 4096, 1]) {
      const bytes = Buffer.alloc(step, "x");
      for (;;) {
        const isWritten = await file.write(bytes).then(
          () => true,
          (error: unknown) => {
            if (systemCode(error) !== "ENOSPC") throw error;
            return false;
          },
        );
        if (!isWritten) break;
      }
    }
  } finally {
    await file.close();
  }
}
