import { expect, test } from "vitest";
import type { FileHandle, FileSystem } from "@varve/log";
import { DiskWatch } from "./disk-watch.ts";

/** A disk whose writes and syncs end when the test says so. */
function slowDisk(): { fs: FileSystem; ends: ((error?: Error) => void)[] } {
  const ends: ((error?: Error) => void)[] = [];
  const wait = (): Promise<void> =>
    new Promise((resolve, reject) => ends.push((error) => (error === undefined ? resolve() : reject(error))));
  const handle: FileHandle = {
    path: "f",
    read: () => new Promise(() => undefined),
    write: wait,
    sync: wait,
    truncate: () => Promise.resolve(),
    size: () => Promise.resolve(0),
    close: () => Promise.resolve(),
  };
  const none = (): Promise<never> => Promise.reject(new Error("not in this test"));
  const fs: FileSystem = {
    open: () => Promise.resolve(handle),
    mkdir: none,
    readdir: none,
    rename: none,
    unlink: none,
    removeTree: none,
    syncDirectory: wait,
    stat: none,
    freeBytes: none,
  };
  return { fs, ends };
}

test("owedMs is the age of the oldest write or sync under way, failed ones and reads apart (B-10)", async () => {
  const { fs, ends } = slowDisk();
  let nowMs = 100;
  const watch = new DiskWatch(fs, () => nowMs);
  const file = await watch.fs.open("f", "write");
  expect(watch.owedMs).toBe(0);
  void file.read(new Uint8Array(1), 0);
  const write = file.write([], 0);
  nowMs = 130;
  const sync = file.sync();
  const directory = watch.fs.syncDirectory("d");
  nowMs = 150;
  expect(watch.owedMs).toBe(50);
  ends[0]?.();
  await write;
  expect(watch.owedMs).toBe(20);
  ends[1]?.(new Error("the disk says no"));
  await expect(sync).rejects.toThrow("the disk says no");
  expect(watch.owedMs).toBe(20);
  ends[2]?.();
  await directory;
  nowMs = 10_000;
  expect(watch.owedMs).toBe(0);
});
