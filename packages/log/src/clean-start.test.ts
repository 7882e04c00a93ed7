/** A start after a clean end: files that are those of the checkpoint are left as they are, all others are recovered (J-10). */
import { buildBatch } from "@varve/format";
import { expect, test } from "vitest";
import type { PartitionLog } from "./partition-log.ts";
import type { LogStore } from "./store.ts";
import { newDisk, openStore } from "./testing/disk-store.ts";
import { testConfig } from "./testing/log-config.ts";
import type { SimulatedDisk } from "./testing/simulated-disk.ts";

const topicId = "0a".repeat(16);
const directory = "/data/topics/orders-0";
const firstSegment = `${directory}/00000000000000000000.log`;
const config = testConfig({ segmentBytes: 300 });

async function append(disk: SimulatedDisk, log: PartitionLog, batches: number): Promise<void> {
  log.startEpoch(log.leaderEpoch + 1);
  for (let batch = 0; batch < batches; batch += 1) {
    log.appendAsLeader(buildBatch([{ value: Buffer.alloc(20, 97), timestampMs: 1 }]), { now: 1 });
  }
  await disk.time.until(() => log.countedOffset === log.logEndOffset, "it to count");
}

/** Six batches in two segments, three to each, and a second partition that was never written; then a clean end. */
async function closedStore({ flush = "sync" }: { readonly flush?: "sync" | "os" } = {}): Promise<SimulatedDisk> {
  const disk = await newDisk(7);
  const store = await openStore(disk);
  for (const partition of [0, 1]) {
    const made = store.create({ topicId, topic: "orders", partition }, { ...config, flush });
    const log = await disk.time.result(made, "a partition");
    if (partition === 0) await append(disk, log, 6);
  }
  await disk.time.result(store.close(), "the end");
  return disk;
}

const logOf = (store: LogStore): PartitionLog => store.get(topicId, 0) as PartitionLog;

test.each(["sync", "os"] as const)(
  "LogStore.open() J-10: a clean end leaves nothing to do with the files of %s",
  async (flush) => {
    const disk = await closedStore({ flush });
    const touched: string[] = [];
    disk.onEffect = (_, operation, path) => {
      if (path.startsWith("/data/topics/")) touched.push(`${operation} ${path}`);
    };
    const store = await openStore(disk);
    expect(touched).toEqual([]);
    disk.onEffect = undefined;
    expect(store.recovery.partitions.map(({ isRetained, cutBytes }) => [isRetained, cutBytes])).toEqual([
      [true, 0],
      [true, 0],
    ]);
    expect([logOf(store).logEndOffset, store.get(topicId, 1)?.logEndOffset]).toEqual([6, 0]);
    await append(disk, logOf(store), 2);
    await append(disk, store.get(topicId, 1) as PartitionLog, 1);
    // Names and bytes of before were durable without this start's doing.
    disk.powerCut(3);
    const again = await openStore(disk);
    expect([logOf(again).logEndOffset, again.get(topicId, 1)?.logEndOffset]).toEqual(
      flush === "sync" ? [8, 1] : [expect.any(Number), expect.any(Number)],
    );
    expect(logOf(again).logEndOffset).toBeGreaterThanOrEqual(6);
  },
);

test("LogStore.open() J-10: nor does a power cut right after the start take anything along", async () => {
  const disk = await closedStore();
  await openStore(disk);
  disk.powerCut(5);
  const store = await openStore(disk);
  expect(logOf(store).logEndOffset).toBe(6);
  expect(store.recovery.partitions.every(({ isRetained }) => isRetained)).toBe(true);
});

test("LogStore.open() J-12: a segment that lost its end while nobody looked is damage, also after a clean end", async () => {
  const disk = await closedStore();
  disk.loseEnd(firstSegment, 100);
  const store = await openStore(disk);
  expect(logOf(store).state).toMatchObject({ kind: "quarantined", file: firstSegment });
});

test("LogStore.open() J-12: and so is one that is missing", async () => {
  const disk = await closedStore();
  disk.loseFile(firstSegment);
  const store = await openStore(disk);
  expect(logOf(store).state).toMatchObject({ kind: "quarantined", file: firstSegment });
});

test("LogStore.open() J-10: a file that has grown since a clean end is cut to what was in it", async () => {
  const disk = await closedStore();
  const last = disk.files().findLast(({ path }) => path.startsWith(directory) && path.endsWith(".log"));
  const handle = await disk.time.result(disk.fileSystem().open(last?.path ?? "", "write"), "the file");
  await disk.time.result(handle.write([Buffer.alloc(10)], last?.sizeBytes ?? 0), "more bytes");
  await disk.time.result(handle.close(), "its end");
  const store = await openStore(disk);
  expect(store.recovery.partitions.find(({ id }) => id.partition === 0)).toMatchObject({ cutBytes: 10 });
  expect(logOf(store).logEndOffset).toBe(6);
});
