/** J-4: when the write of what one turn brings begins. */
import { buildBatch } from "@varve/format";
import { expect, test } from "vitest";
import type { FileSystem } from "./file-system.ts";
import type { PartitionLog } from "./partition-log.ts";
import { LogStore } from "./store.ts";
import { testConfig } from "./testing/log-config.ts";
import { SimulatedClock, SimulatedTime } from "./testing/simulated-clock.ts";
import { SimulatedDisk } from "./testing/simulated-disk.ts";

const topicId = "0123456789abcdef0123456789abcdef";

/** Notes how many batches each write to a segment has. */
function watched(fs: FileSystem, writes: number[]): FileSystem {
  const openFile = fs.open.bind(fs);
  fs.open = async (path, mode) => {
    const handle = await openFile(path, mode);
    if (!path.endsWith(".log")) return handle;
    const write = handle.write.bind(handle);
    handle.write = (chunks, at) => {
      writes.push(chunks.length);
      return write(chunks, at);
    };
    return handle;
  };
  return fs;
}

async function open(flush: "os" | "sync", writes: number[]): Promise<{ time: SimulatedTime; log: PartitionLog }> {
  const time = new SimulatedTime();
  const disk = new SimulatedDisk({ time, seed: 3 });
  await time.result(disk.fileSystem().mkdir("/data"), "the directory");
  const config = testConfig({ flush });
  const opening = LogStore.open(
    { directory: "/data", bootId: "one", defaults: config, journalFileBytes: 65_536, scrubBytesPerSecond: 0 },
    {
      fs: watched(disk.fileSystem(), writes),
      clock: new SimulatedClock(time),
      onFatal: (error) => {
        throw error;
      },
    },
  );
  const store = await time.result(opening, "the store to open");
  const log = await time.result(store.create({ topicId, topic: "t", partition: 0 }, config), "a partition");
  log.startEpoch(1);
  append(log, 10);
  await time.until(() => log.countedOffset === 1, "the epoch to be durable");
  return { time, log };
}

function append(log: PartitionLog, bytes: number): void {
  const batch = buildBatch([{ value: new Uint8Array(bytes), timestampMs: 1 }]);
  expect(log.appendAsLeader(batch, { now: 1 }).kind).toBe("appended");
}

test.each([
  ["64 KiB are written at once, what comes later in the turn is the next write", "os", [[70_000], [10], [10]], [1, 2]],
  ["what one callback brings stays together", "os", [[70_000, 10], [10]], [2, 1]],
  ["many that are 64 KiB together are written at once, too", "os", [[30_000], [30_000], [30_000], [10]], [3, 1]],
  ["less than 64 KiB waits for the turn to end", "os", [[30_000], [10], [10]], [3]],
  ["before a sync the turn is gathered", "sync", [[70_000], [10], [10]], [3]],
] as const)("PartitionWriter.appended(): %s (J-4)", async (_, flush, callbacks, expected) => {
  const writes: number[] = [];
  const { time, log } = await open(flush, writes);
  const mode = flush === "sync" ? "direct" : "os";
  for (let rounds = 0; log.mode !== mode; rounds++) {
    expect(rounds, `rounds in mode "${log.mode}" before "${mode}"`).toBeLessThan(1_000);
    append(log, 70_000);
    await time.until(() => log.countedOffset === log.logEndOffset, "it to count");
    await time.pass(1_000);
  }
  writes.length = 0;
  for (const sizes of callbacks) {
    for (const bytes of sizes) append(log, bytes);
    await Promise.resolve();
  }
  await time.until(() => log.countedOffset === log.logEndOffset, "all to count");
  expect(writes).toEqual(expected);
});
