/** J-4, J-15: zeros in front of the writer of the journal, and rounds that do not wait for them. */
import { expect, test } from "vitest";
import type { FileSystem } from "./file-system.ts";
import { Journal } from "./journal.ts";
import type { JournalRecord } from "./journal-round.ts";
import { newDisk } from "./testing/disk-store.ts";
import { SimulatedClock } from "./testing/simulated-clock.ts";
import type { SimulatedDisk } from "./testing/simulated-disk.ts";

const fileBytes = 1024 * 1024;
/** Of a file of that size: an eighth. */
const reserveBytes = fileBytes / 8;

interface HeldWrites {
  /** Holds back what is written from there on, as long as it is zeros. */
  from: number;
  readonly waiting: (() => void)[];
}

/** Holds back zeros on their way to the journal. */
function holdingZeros(fs: FileSystem, held: HeldWrites): FileSystem {
  const openFile = fs.open.bind(fs);
  fs.open = async (path, mode) => {
    const handle = await openFile(path, mode);
    const write = handle.write.bind(handle);
    handle.write = async (chunks, at) => {
      const isHeld = at >= held.from && chunks.every((chunk) => chunk.every((byte) => byte === 0));
      if (isHeld) await new Promise<void>((resolve) => held.waiting.push(resolve));
      return write(chunks, at);
    };
    return handle;
  };
  return fs;
}

/** With one file that a former process has left. */
async function newJournal(disk: SimulatedDisk, fs = disk.fileSystem()): Promise<Journal> {
  await disk.time.result(disk.fileSystem().mkdir("/data/journal"), "the directory");
  const file = await disk.time.result(disk.fileSystem().open("/data/journal/00000000.wal", "create"), "a file");
  await disk.time.result(file.truncate(fileBytes), "its size");
  return new Journal(
    {
      directory: "/data/journal",
      fileBytes,
      journalId: new Uint8Array(8).fill(7),
      nextRound: 1,
      previous: { slot: 0, endBytes: 0, crc: 0 },
      fileCount: 1,
    },
    { fs, clock: new SimulatedClock(disk.time) },
  );
}

function record(bytes: number): JournalRecord {
  const topicId = "0123456789abcdef0123456789abcdef";
  const value = new Uint8Array(bytes).fill(9);
  return { type: "append", topicId, partition: 0, epoch: 1, base: 0, end: 1, mode: undefined, bytes: value };
}

function bytesOf(disk: SimulatedDisk): Uint8Array {
  return disk.peek("/data/journal/00000000.wal");
}

test("Journal J-4: a round waits for no zeros but those that it lies on", async () => {
  const disk = await newDisk(1);
  const held: HeldWrites = { from: 4096, waiting: [] };
  const journal = await newJournal(disk, holdingZeros(disk.fileSystem(), held));
  await disk.time.result(journal.write([], [record(100)]), "a round beside which zeros are written");
  expect(held.waiting).toHaveLength(1);
  let isDurable = false;
  const next = journal.write([], [record(20_000)]).then(() => (isDurable = true));
  await disk.time.pass(60_000);
  // Zeros that are still under way would come to lie over it.
  expect(isDurable).toBe(false);
  held.from = Infinity;
  for (const go of held.waiting.splice(0)) go();
  await disk.time.result(next, "the round");
  await disk.time.pass(60_000);
  expect(bytesOf(disk).subarray(4096, 24_000)).toContain(9);
  expect(bytesOf(disk)).toHaveLength(fileBytes);
});

test("Journal J-15: what lies in front of the writer is filled once, up to the reserve, a piece beside each round", async () => {
  const disk = await newDisk(1);
  const journal = await newJournal(disk);
  // What a former life of the file left, in front of the writer.
  const file = await disk.time.result(disk.fileSystem().open("/data/journal/00000000.wal", "write"), "the file");
  await disk.time.result(file.write([new Uint8Array(fileBytes).fill(5)], 0), "old bytes");
  let endBytes = 0;
  while (endBytes < fileBytes / 2) {
    await disk.time.result(journal.write([], [record(20_000)]), "a round");
    await disk.time.pass(1_000);
    expect(journal.last.endBytes).toBeGreaterThan(endBytes);
    endBytes = journal.last.endBytes;
    // A quarter of it may be missing.
    const reserve = bytesOf(disk).subarray(endBytes, endBytes + 0.75 * reserveBytes);
    expect(reserve.every((byte) => byte === 0)).toBe(true);
    expect(bytesOf(disk)[endBytes + reserveBytes]).toBe(5);
  }
});

test("Journal J-14: zeros that could not be written end the journal, unless there was only no room for them", async () => {
  for (const code of ["NO_SPACE", "IO"] as const) {
    const disk = await newDisk(1);
    const journal = await newJournal(disk);
    // The zeros on which the first round lies, then that round, then the zeros beside it.
    disk.inject({ operation: "write", path: ".wal", effect: "fail", code, skip: 2 });
    await disk.time.result(journal.write([], [record(100)]), "a round");
    await disk.time.pass(1_000);
    const next = disk.time.result(journal.write([], [record(100)]), "the next");
    if (code === "IO") await expect(next).rejects.toMatchObject({ code });
    else await next;
  }
});
