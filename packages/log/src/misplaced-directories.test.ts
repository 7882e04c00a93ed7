/** Directories of partitions that somebody copied or moved while nothing used the store: what counts is whose they are (F-7). */
import { buildBatch } from "@varve/format";
import { expect, test } from "vitest";
import type { PartitionId } from "./partition-id.ts";
import type { LogStore } from "./store.ts";
import { testConfig } from "./testing/log-config.ts";
import { newDisk, openStore } from "./testing/disk-store.ts";
import type { SimulatedDisk } from "./testing/simulated-disk.ts";

const a: PartitionId = { topicId: "0a".repeat(16), topic: "a", partition: 0 };
const b: PartitionId = { topicId: "0b".repeat(16), topic: "b", partition: 0 };

/** A store with two batches in `a`, and three in `b`, that was closed. */
async function twoTopics(): Promise<SimulatedDisk> {
  const disk = await newDisk(7);
  const store = await openStore(disk);
  await fill(disk, store, a, 2);
  await fill(disk, store, b, 3);
  await disk.time.result(store.close(), "the end");
  return disk;
}

async function fill(disk: SimulatedDisk, store: LogStore, id: PartitionId, batches: number): Promise<void> {
  const log =
    store.get(id.topicId, id.partition) ?? (await disk.time.result(store.create(id, testConfig()), "a partition"));
  log.startEpoch(log.leaderEpoch + 1);
  for (let batch = 0; batch < batches; batch += 1) {
    log.appendAsLeader(buildBatch([{ value: Buffer.from(id.topic), timestampMs: 1 }]), { now: 1 });
  }
  await disk.time.until(() => log.countedOffset === log.logEndOffset, "it to count");
}

async function copy(disk: SimulatedDisk, from: string, to: string): Promise<void> {
  const fs = disk.fileSystem();
  const whole = async (): Promise<void> => {
    await fs.mkdir(to);
    for (const { path } of disk.files()) {
      if (!path.startsWith(`${from}/`)) continue;
      const file = await fs.open(to + path.slice(from.length), "create");
      await file.write([disk.peek(path).slice()], 0);
      await file.sync();
      await file.close();
    }
    await fs.syncDirectory(to);
    await fs.syncDirectory("/data/topics");
  };
  await disk.time.result(whole(), "the copy");
}

async function rename(disk: SimulatedDisk, from: string, to: string): Promise<void> {
  const fs = disk.fileSystem();
  await disk.time.result(fs.rename(from, to), "a new name");
  await disk.time.result(fs.syncDirectory("/data/topics"), "it to be durable");
}

const names = (disk: SimulatedDisk): string[] => [
  ...new Set(disk.files().flatMap(({ path }) => /^\/data\/topics\/([^/]+)\//.exec(path)?.[1] ?? [])),
];

test.each(["0-backup", "z-backup"])("LogStore.open() F-7: an old copy %s of a partition is set aside", async (name) => {
  const disk = await twoTopics();
  await copy(disk, "/data/topics/a-0", `/data/topics/${name}`);
  const before = await openStore(disk);
  expect(before.recovery.setAside).toEqual([name]);
  await fill(disk, before, a, 4);
  await disk.time.result(before.close(), "the end");
  const after = await openStore(disk);
  expect(after.get(a.topicId, 0)).toMatchObject({ logEndOffset: 6, state: { kind: "needs-epoch" } });
  expect(names(disk)).toEqual([`${name}.0.stray`, "a-0", "b-0"].sort());
  await disk.time.result(after.close(), "the end");
  // Beside a copy that was set aside a partition can be lost as well as any other.
  await disk.time.result(disk.fileSystem().removeTree("/data/topics/a-0"), "the directory to be gone");
  const lost = (await openStore(disk)).get(a.topicId, 0);
  expect(lost?.state).toMatchObject({ kind: "quarantined", why: expect.stringContaining("missing") });
});

test("LogStore.open() J-12: a partition under a copy of another one is lost, which is said; the other one goes on", async () => {
  const disk = await twoTopics();
  await disk.time.result(disk.fileSystem().removeTree("/data/topics/b-0"), "the directory to be gone");
  await copy(disk, "/data/topics/a-0", "/data/topics/b-0");
  const store = await openStore(disk);
  expect(store.recovery.setAside).toEqual(["b-0"]);
  expect(store.get(a.topicId, 0)).toMatchObject({ logEndOffset: 2, state: { kind: "needs-epoch" } });
  expect(store.get(b.topicId, 0)?.state).toMatchObject({
    kind: "quarantined",
    why: expect.stringContaining("missing"),
  });
});

test("LogStore.open() J-12: a partition is lost, which is said, when another one's directory was moved to its name", async () => {
  const disk = await twoTopics();
  await disk.time.result(disk.fileSystem().removeTree("/data/topics/b-0"), "the directory to be gone");
  await rename(disk, "/data/topics/a-0", "/data/topics/b-0");
  for (let start = 0; start < 2; start += 1) {
    const store = await openStore(disk);
    expect(store.get(a.topicId, 0)).toMatchObject({ logEndOffset: 2, state: { kind: "needs-epoch" } });
    expect(store.get(b.topicId, 0)?.state).toMatchObject({
      kind: "quarantined",
      why: expect.stringContaining("missing"),
    });
    await disk.time.result(store.close(), "the end");
  }
});

test("LogStore.delete() F-7: of two partitions whose directories changed places the right one goes", async () => {
  const disk = await twoTopics();
  await rename(disk, "/data/topics/a-0", "/data/topics/other");
  await rename(disk, "/data/topics/b-0", "/data/topics/a-0");
  await rename(disk, "/data/topics/other", "/data/topics/b-0");
  const store = await openStore(disk);
  await disk.time.result(store.delete(a), "the deletion");
  await disk.time.result(store.close(), "the end");
  const after = await openStore(disk);
  expect(after.partitions().map(({ id }) => id)).toEqual([b]);
  expect(after.get(b.topicId, 0)).toMatchObject({ logEndOffset: 3, state: { kind: "needs-epoch" } });
});
