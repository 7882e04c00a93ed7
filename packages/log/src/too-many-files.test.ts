/** No descriptor is left, which says nothing about the disk: what was asked for waits or is refused, and goes on later. */
import { batchesIn, buildBatch } from "@varve/format";
import { expect, test } from "vitest";
import { FileSystemError } from "./file-system.ts";
import type { FileHandle } from "./file-system.ts";
import { OpenFiles } from "./open-files.ts";
import type { PartitionLog } from "./partition-log.ts";
import type { LogStore } from "./store.ts";
import { testConfig } from "./testing/log-config.ts";
import { MemoryFiles } from "./testing/memory-files.ts";
import { newDisk, openStore } from "./testing/disk-store.ts";
import type { SimulatedDisk } from "./testing/simulated-disk.ts";
import type { DiskOperation } from "./testing/simulated-disk.ts";

const id = { topicId: "0123456789abcdef0123456789abcdef", topic: "t", partition: 0 };

async function newStore(flush: "sync" | "os"): Promise<{ disk: SimulatedDisk; store: LogStore; log: PartitionLog }> {
  const disk = await newDisk(7);
  // Every read of another segment opens it anew.
  const store = await openStore(disk, { tailCacheBytes: 16_384, openFilesMax: 1 });
  const log = await disk.time.result(store.create(id, testConfig({ flush, segmentBytes: 2000 })), "a partition");
  log.startEpoch(1);
  return { disk, store, log };
}

function append(log: PartitionLog): string {
  const batch = buildBatch([{ value: new Uint8Array(1500), timestampMs: 1 }]);
  return log.appendAsLeader(batch, { now: 1 }).kind;
}

const failing = (operation: DiskOperation, path: string, times: number) =>
  ({ operation, path, times, effect: "fail", code: "TOO_MANY_FILES" }) as const;

test.each(["create", "open", "syncDirectory"] as const)(
  "LogStore: without a descriptor to %s with, what is behind the journal waits, and a checkpoint comes later",
  async (operation) => {
    const { disk, store, log } = await newStore("sync");
    disk.inject(failing(operation, "/data/", 12));
    for (let batch = 0; batch < 60; batch += 1) {
      expect(append(log)).toBe("appended");
      await disk.time.until(() => log.countedOffset === log.logEndOffset, "it to count");
    }
    await disk.time.pass(30_000);
    expect(log.state.kind).toBe("open");
    expect(store.stats().checkpoints).toBeGreaterThan(0);
    expect(store.stats().queuedBytes).toBe(0);
    disk.powerCut(3);
  },
);

test("LogStore: a partition with flush=os that gets no descriptor cuts back and asks for a new epoch (J-3)", async () => {
  const { disk, log } = await newStore("os");
  disk.inject(failing("create", ".log", 1));
  expect(append(log)).toBe("appended");
  await disk.time.until(() => log.state.kind === "needs-epoch", "the cut");
  expect(log.state).toMatchObject({ why: expect.stringContaining("no descriptor left") as string });
  await disk.time.pass(100);
  log.startEpoch(2);
  expect(append(log)).toBe("appended");
  await disk.time.until(() => log.countedOffset === 1, "it to count");
});

test.each(["syncDirectory", "removeTree"] as const)(
  "LogStore.delete(): without a descriptor for %s the deletion goes on when there is one",
  async (operation) => {
    const { disk, store, log } = await newStore("sync");
    expect(append(log)).toBe("appended");
    await disk.time.until(() => log.countedOffset === 1, "it to count");
    disk.inject(failing(operation, "/data/topics", 5));
    await disk.time.result(store.delete(id), "the deletion");
    const left = (): string[] => disk.files().flatMap(({ path }) => (path.includes("/topics/") ? path : []));
    expect(left()).toEqual([]);
    // After a power cut the rest of it may be back, under a name that says what is to become of it.
    disk.powerCut(1);
    expect((await openStore(disk)).recovery).toMatchObject({ partitions: [], setAside: [] });
    expect(left()).toEqual([]);
  },
);

test("PartitionLog.read() without a descriptor is refused as retriable, closes nothing, and works later", async () => {
  const { disk, store, log } = await newStore("sync");
  for (let batch = 0; batch < 60; batch += 1) append(log);
  await disk.time.until(() => log.countedOffset === 60, "it to count");
  await disk.time.result(store.checkpoint(), "a checkpoint");
  const read = (offset: number) => disk.time.result(log.read({ offset, limit: 60, maxBytes: 1 }), "a read");
  // Old enough not to be in memory, and of all segments only one is open.
  await read(3);
  disk.inject(failing("open", ".log", 2));
  const failed = await read(0).catch((error: unknown) => error);
  expect(failed).toMatchObject({ name: "LogError", code: "TOO_MANY_FILES", retriable: true });
  expect(log.state.kind).toBe("open");
  const result = await read(0);
  if (result.kind !== "batches") throw new Error(`The read is ${result.kind}`);
  expect([...batchesIn(result.bytes)].map(({ header }) => header.baseOffset)).toEqual([0]);
});

test("OpenFiles.use() gives up an idle descriptor when another one is not to be had", async () => {
  let free = 2;
  const open: string[] = [];
  const files = new OpenFiles(
    Object.assign(new MemoryFiles(), {
      async open(path: string): Promise<FileHandle> {
        await Promise.resolve();
        if (free === 0) throw new FileSystemError("TOO_MANY_FILES", path, "No descriptor left, says the test");
        free -= 1;
        open.push(path);
        return {
          path,
          read: () => Promise.resolve(0),
          write: () => Promise.resolve(),
          sync: () => Promise.resolve(),
          truncate: () => Promise.resolve(),
          size: () => Promise.resolve(0),
          close: () => {
            free += 1;
            open.splice(open.indexOf(path), 1);
            return Promise.resolve();
          },
        };
      },
    }),
    100,
  );
  for (const path of ["a", "b", "c"]) await files.use({ path, isDirty: false }, () => Promise.resolve());
  expect(open).toEqual(["b", "c"]);
});
