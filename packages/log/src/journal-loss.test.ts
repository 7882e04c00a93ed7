/**
 * A journal file that lost its end, or is gone, on the real disk after a process that ended without a word: whatever it
 * held may be gone without a trace, so every partition says so (J-6, J-12), and says it again at the next start.
 */
import { mkdtemp, readFile, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildBatch } from "@varve/format";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemClock } from "./clock.ts";
import { inspectJournal } from "./inspect/inspect-journal.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import { LogStore } from "./store.ts";
import { testConfig } from "./testing/log-config.ts";

const topicId = "0123456789abcdef0123456789abcdef";
const config = testConfig();
const journalFileBytes = 1 << 20;
let directory = "";

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "varve-journal-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

function open(): Promise<LogStore> {
  return LogStore.open(
    {
      directory,
      bootId: "7d1c0a52-6d0e-4a59-8d4d-000000000001",
      defaults: config,
      journalFileBytes,
      scrubBytesPerSecond: 0,
    },
    {
      fs: nodeFileSystem(),
      clock: systemClock(),
      onFatal: (error) => {
        throw error;
      },
    },
  );
}

async function appendOne(store: LogStore, partition: number): Promise<void> {
  const log = store.get(topicId, partition) ?? (await store.create({ topicId, topic: "t", partition }, config));
  if (log.state.kind === "needs-epoch") log.startEpoch(log.leaderEpoch + 1);
  const batch = buildBatch([{ value: Buffer.from(`value ${log.logEndOffset}`), timestampMs: 1 }]);
  const outcome = log.appendAsLeader(batch, { now: 1 });
  expect(outcome.kind).toBe("appended");
  const end = log.logEndOffset;
  await new Promise<void>((resolve) => {
    const stop = log.onCounted(() => {
      if (log.countedOffset < end) return;
      stop();
      resolve();
    });
  });
}

/** A store whose process was killed: files as they were, nothing closed. The handles of the dead are let go by the test's end. */
async function killed(): Promise<LogStore> {
  const store = await open();
  for (const partition of [0, 1]) await appendOne(store, partition);
  await store.checkpoint();
  for (const partition of [0, 1]) await appendOne(store, partition);
  await sealed(store);
  return store;
}

/** The last round is sealed, and nothing is written any more (J-6). */
async function sealed(store: LogStore): Promise<void> {
  const { round } = store.stats();
  await vi.waitFor(() => expect(store.stats().round).toBeGreaterThan(round));
}

const journalFile = (): string => join(directory, "journal", "00000000.wal");

test.each([
  ["100 bytes", 1, () => truncate(journalFile(), 100)],
  ["nothing", 1, () => truncate(journalFile(), 0)],
  ["all but its last page", 2, () => truncate(journalFile(), journalFileBytes - 4096)],
  ["not even its name", 1, () => rm(journalFile())],
  ["no directory", 1, () => rm(join(directory, "journal"), { recursive: true })],
])("LogStore J-6: a journal file with %s left is damage to every partition", async (_, end, damage) => {
  const dead = await killed();
  await damage();
  const before = await inspectJournal(nodeFileSystem(), directory);
  expect(before.faults).toMatchObject([{ kind: "damage", file: "journal/00000000.wal" }]);
  for (let start = 0; start < 2; start += 1) {
    const store = await open();
    for (const partition of [0, 1]) {
      const log = store.get(topicId, partition);
      expect(log?.state).toMatchObject({ kind: "quarantined", file: "journal/00000000.wal", offset: end });
      const read = await log?.read({ offset: 0, maxBytes: 1000, limit: 1 });
      expect(read).toMatchObject({ kind: "batches", nextOffset: 1 });
    }
    expect((await stat(journalFile())).size).toBe(journalFileBytes);
    await store.close();
  }
  await dead.close().catch(() => undefined);
});

test.each(["files", "files-copy"])(
  "LogStore J-6: a journal file that is cut off is damage also when the list in %s is bad",
  async (name) => {
    const dead = await killed();
    await truncate(journalFile(), 100);
    const list = join(directory, "journal", name);
    const bytes = await readFile(list);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(list, bytes);
    const store = await open();
    expect(store.get(topicId, 0)?.state).toMatchObject({
      kind: "quarantined",
      file: "journal/00000000.wal",
      offset: 1,
    });
    await store.close();
    // Both copies are whole again.
    expect(await readFile(list)).toEqual(await readFile(join(directory, "journal", "files")));
    expect(await readFile(list)).toEqual(await readFile(join(directory, "journal", "files-copy")));
    await dead.close().catch(() => undefined);
  },
);

test("LogStore J-6: after a clean end no file of the journal is needed", async () => {
  const store = await open();
  for (const partition of [0, 1]) await appendOne(store, partition);
  await store.close();
  await truncate(journalFile(), 100);
  expect((await inspectJournal(nodeFileSystem(), directory)).faults).toEqual([]);
  await using again = await open();
  for (const partition of [0, 1]) await appendOne(again, partition);
  expect((await stat(journalFile())).size).toBe(journalFileBytes);
});

test("LogStore J-6: a partition that was created since the checkpoint is not nobody's when the journal lost its end", async () => {
  const dead = await killed();
  await appendOne(dead, 2);
  await sealed(dead);
  await truncate(journalFile(), 0);
  const store = await open();
  expect(store.get(topicId, 2)?.state).toMatchObject({ kind: "quarantined", offset: 0 });
  expect(store.recovery.setAside).toEqual([]);
  expect(await readdir(join(directory, "topics"))).toContain("t-2");
  await store.close();
  await dead.close().catch(() => undefined);
});
