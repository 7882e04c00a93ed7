import { expect, test } from "vitest";
import { type FileHandle, type FileSystem, FileSystemError } from "@varve/log";
import { DiskWatch } from "./disk-watch.ts";

/** A disk whose writes and syncs end when the test says so. */
function slowDisk(): { fs: FileSystem; ends: ((error?: Error) => void)[] } {
  const ends: ((error?: Error) => void)[] = [];
  const wait = (): Promise<void> =>
    new Promise((resolve, reject) => ends.push((error) => (error === undefined ? resolve() : reject(error))));
  const handleOf = (path: string): FileHandle => ({
    path,
    read: () => new Promise(() => undefined),
    write: wait,
    sync: wait,
    truncate: () => Promise.resolve(),
    size: () => Promise.resolve(0),
    close: () => Promise.resolve(),
  });
  const none = (): Promise<never> => Promise.reject(new Error("not in this test"));
  const fs: FileSystem = {
    open: (path) => Promise.resolve(handleOf(path)),
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

test("the age of the oldest write or sync under way, group commits and the rest apart; reads are none (B-10)", async () => {
  const { fs, ends } = slowDisk();
  let nowMs = 100;
  const isGroupCommit = (path: string): boolean => path === "journal";
  const watch = new DiskWatch(fs, { monotonicMs: () => nowMs, isGroupCommit });
  const journal = await watch.fs.open("journal", "write");
  const segment = await watch.fs.open("segment", "write");
  const ages = (): number[] => [watch.groupCommitMs, watch.othersMs];
  expect(ages()).toEqual([0, 0]);
  void journal.read(new Uint8Array(1), 0);
  const write = journal.write([], 0);
  nowMs = 130;
  const sync = journal.sync();
  const other = segment.sync();
  nowMs = 140;
  const directory = watch.fs.syncDirectory("d");
  nowMs = 150;
  expect(ages()).toEqual([50, 20]);
  ends[0]?.();
  await write;
  expect(ages()).toEqual([20, 20]);
  ends[1]?.(new Error("the disk says no"));
  await expect(sync).rejects.toThrow("the disk says no");
  expect(ages()).toEqual([0, 20]);
  ends[2]?.();
  await other;
  expect(ages()).toEqual([0, 10]);
  ends[3]?.();
  await directory;
  nowMs = 10_000;
  expect(ages()).toEqual([0, 0]);
});

test("a write that fails for want of room is remembered, another failure is not (H-13)", async () => {
  const { fs, ends } = slowDisk();
  let nowMs = 100;
  const watch = new DiskWatch(fs, { monotonicMs: () => nowMs, isGroupCommit: () => true });
  const journal = await watch.fs.open("journal", "write");
  const fails = async (error: Error): Promise<void> => {
    const write = journal.write([], 0);
    ends.at(-1)?.(error);
    await expect(write).rejects.toBe(error);
  };
  expect(watch.sinceFullMs).toBe(Infinity);
  await fails(new FileSystemError("IO", "journal", "the disk says no"));
  expect(watch.sinceFullMs).toBe(Infinity);
  await fails(new FileSystemError("NO_SPACE", "journal", "the disk is full"));
  nowMs = 130;
  expect(watch.sinceFullMs).toBe(30);
  expect(watch.groupCommitMs).toBe(0);
});
