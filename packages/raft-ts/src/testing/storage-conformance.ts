// SPDX-License-Identifier: Apache-2.0
/**
 * What any `Storage` must do, as cases that a test runner of any kind can run:
 *
 *   for (const { name, run } of storageCases) test(name, () => run(() => …));
 *
 * Nothing in here looks behind the interface. Whether a crash is survived, and damage found, is the implementation's own
 * test: it depends on what lies beneath.
 */

import assert from "node:assert/strict";
import { configEntry, emptyEntry, normalEntry } from "../core/entries.ts";
import type { BootState, Config, Entry, HardState, PersistBatch, SnapMeta } from "../core/types.ts";
import { crc32c } from "../storage/crc32c.ts";
import type { ClusterDocument, OpenedStorage, SnapshotDescription, Storage } from "../runtime/ports.ts";

/** A storage, not yet open, on the durable state of this case: blank at first, then as the one before left it. */
export type StorageMaker = () => Promise<Storage>;

export interface StorageCase {
  readonly name: string;
  readonly run: (make: StorageMaker) => Promise<void>;
}

const peer = (node: string): string => `${node}@${"0".repeat(31)}${node.length}`;

const document: ClusterDocument = {
  clusterId: "test-cluster",
  voters: [
    { id: peer("a"), address: "127.0.0.1:1" },
    { id: peer("bb"), address: "127.0.0.1:2" },
  ],
};

const config: Config = {
  voters: document.voters.map(({ id }) => id),
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  addresses: document.voters,
};

const largerConfig: Config = { ...config, learners: [peer("ccc")] };

export const storageCases: readonly StorageCase[] = [
  {
    name: "an empty place is formatted: blank, with an identity that stays",
    run: async (make) => {
      const first = await openStorage(make);
      assert.equal(first.opened.health.state, "blank");
      assert.match(first.opened.identity.dirId, /^[0-9a-f]{32}$/);
      assert.equal(first.opened.identity.clusterId, null);
      assert.deepEqual(first.opened.boot, blankBoot);
      await first.storage.close();
      const second = await openStorage(make);
      assert.deepEqual(second.opened, first.opened);
      await second.storage.close();
    },
  },
  {
    name: "M9: form makes an initial voter, once",
    run: async (make) => {
      const { storage, opened } = await openStorage(make);
      await assert.rejects(storage.form({ ...document, voters: [] }));
      const formed = await storage.form(document);
      assert.deepEqual(formed.health, { state: "ok" });
      assert.deepEqual(formed.identity, { ...opened.identity, clusterId: document.clusterId });
      assert.deepEqual(formed.boot, {
        hard: { term: 1, vote: null, commit: 1 },
        snapshot: { index: 1, term: 1, config },
        firstIndex: 2,
        lastIndex: 1,
        termRuns: [{ start: 1, term: 1 }],
        configs: [],
        tail: [],
        applied: 1,
        suspect: false,
      });
      assert.deepEqual(await storage.form(document), formed);
      await assert.rejects(storage.form({ ...document, clusterId: "another" }));
      await assert.rejects(storage.form({ ...document, voters: document.voters.slice(0, 1) }));
      await assert.rejects(storage.join("another"));
      assert.deepEqual(await readAll(storage), "");
      await storage.close();
      const again = await openStorage(make);
      assert.deepEqual(again.opened, formed);
      assert.deepEqual(await again.storage.form(document), formed);
      await again.storage.close();
    },
  },
  {
    name: "join makes a member to be, with an empty log",
    run: async (make) => {
      const { storage, opened } = await openStorage(make);
      const joined = await storage.join("test-cluster");
      assert.deepEqual(joined.health, { state: "ok" });
      assert.deepEqual(joined.identity, { ...opened.identity, clusterId: "test-cluster" });
      assert.deepEqual(joined.boot, blankBoot);
      assert.deepEqual(await storage.join("test-cluster"), joined);
      await assert.rejects(storage.join("another"));
      await assert.rejects(storage.form(document));
      assert.equal(await storage.snapshots.open(), null);
      await storage.close();
      const again = await openStorage(make);
      assert.deepEqual(again.opened, joined);
      await again.storage.close();
    },
  },
  {
    name: "P3: what was written is there after the next start, hard state and entries",
    run: async (make) => {
      const log = await openLog(make);
      const entries = [emptyEntry(2, 2), text(3, 2, "three"), text(4, 2, "")];
      await log.write({ hard: { term: 2, vote: peer("a"), commit: 1 }, entries });
      await log.write({ hard: { term: 3, vote: null, commit: 4 } });
      await log.write({ hard: { term: 3, vote: peer("bb"), commit: 4 }, entries: [text(5, 3, "five")] });
      const boot = await log.restart();
      assert.deepEqual(boot.hard, { term: 3, vote: peer("bb"), commit: 4 });
      assert.deepEqual([boot.firstIndex, boot.lastIndex], [2, 5]);
      assert.deepEqual(boot.termRuns, [
        { start: 1, term: 1 },
        { start: 2, term: 2 },
        { start: 5, term: 3 },
      ]);
      assertTail(boot, [...entries, text(5, 3, "five")]);
      await log.close();
    },
  },
  {
    name: "entries() gives at least one, then as many as fit, and nothing beyond the log",
    run: async (make) => {
      const log = await openLog(make);
      const entries = [2, 3, 4, 5, 6].map((index) => text(index, 1, "x".repeat(10)));
      await log.write({ hard: { term: 1, vote: null, commit: 1 }, entries });
      const read = async (lo: number, hi: number, maxBytes: number): Promise<number[]> =>
        (await log.storage.entries(lo, hi, maxBytes)).map(({ index }) => index);
      assert.deepEqual(plain(await log.storage.entries(2, 7, 1000)), plain(entries));
      assert.deepEqual(await read(3, 5, 1000), [3, 4]);
      assert.deepEqual(await read(3, 7, 25), [3, 4]);
      assert.deepEqual(await read(3, 7, 20), [3, 4]);
      assert.deepEqual(await read(3, 7, 0), [3]);
      assert.deepEqual(await read(6, 7, 1000), [6]);
      assert.deepEqual(await read(5, 100, 1000), [5, 6]);
      assert.deepEqual(await read(7, 9, 1000), []);
      assert.deepEqual(await read(1, 3, 1000), []);
      await log.close();
    },
  },
  {
    name: "truncation takes the end of the log away, with its configurations, and the batch puts another one there",
    run: async (make) => {
      const log = await openLog(make);
      const old = [text(2, 1, "two"), text(3, 1, "old"), configEntry(4, 1, largerConfig), text(5, 1, "old")];
      await log.write({ hard: { term: 1, vote: null, commit: 2 }, entries: old });
      assert.deepEqual((await log.restart()).configs, [{ index: 4, config: largerConfig }]);
      await log.write({ hard: { term: 2, vote: null, commit: 2 }, truncateFrom: 3, entries: [text(3, 2, "new")] });
      const boot = await log.restart();
      assertTail(boot, [text(2, 1, "two"), text(3, 2, "new")]);
      assert.deepEqual(boot.configs, []);
      await log.write({ hard: { term: 2, vote: null, commit: 2 }, truncateFrom: 3 });
      assertTail(await log.restart(), [text(2, 1, "two")]);
      await log.write({ hard: { term: 3, vote: null, commit: 2 }, entries: [configEntry(3, 3, largerConfig)] });
      const last = await log.restart();
      assertTail(last, [text(2, 1, "two"), configEntry(3, 3, largerConfig)]);
      assert.deepEqual(last.configs, [{ index: 3, config: largerConfig }]);
      await log.close();
    },
  },
  {
    name: "S2, S3: an own snapshot is there when save resolves, and compaction moves the start of the log",
    run: async (make) => {
      const log = await openLog(make);
      const entries = [text(2, 1, "a"), configEntry(3, 1, largerConfig), text(4, 2, "b"), text(5, 2, "c")];
      await log.write({ hard: { term: 2, vote: null, commit: 5 }, entries });
      const meta: SnapMeta = { index: 4, term: 2, config: largerConfig };
      const description = await log.storage.snapshots.save(meta, bytesOf("the state", " so far"));
      assert.deepEqual(description.meta, meta);
      assert.equal(description.sizeBytes, 16);
      assert.ok(description.id.length > 0 && description.id.length <= 64);
      assert.equal(await readAll(log.storage), "the state so far");
      assert.equal((await log.restart()).firstIndex, 2);
      await log.storage.compact(3);
      assert.deepEqual(await log.storage.entries(2, 5, 1000), []);
      assert.deepEqual(plain(await log.storage.entries(4, 6, 1000)), plain(entries.slice(2)));
      const boot = await log.restart();
      assert.deepEqual(boot.snapshot, meta);
      assert.deepEqual([boot.firstIndex, boot.lastIndex, boot.applied], [4, 5, 4]);
      assert.deepEqual(boot.termRuns, [
        { start: 3, term: 1 },
        { start: 4, term: 2 },
      ]);
      assert.deepEqual(boot.configs, []);
      assertTail(boot, entries.slice(2));
      await log.storage.compact(2);
      await log.storage.compact(4);
      await log.write({ hard: { term: 2, vote: null, commit: 5 }, entries: [text(6, 2, "d")] });
      assertTail(await log.restart(), [text(5, 2, "c"), text(6, 2, "d")]);
      assert.equal(await readAll(log.storage), "the state so far");
      await log.close();
    },
  },
  {
    name: "S2: a whole log may be compacted, and goes on behind the snapshot",
    run: async (make) => {
      const log = await openLog(make);
      await log.write({ hard: { term: 4, vote: null, commit: 3 }, entries: [text(2, 1, "a"), text(3, 4, "b")] });
      await log.storage.snapshots.save({ index: 3, term: 4, config }, bytesOf("state"));
      await log.storage.compact(3);
      const boot = await log.restart();
      assert.deepEqual([boot.firstIndex, boot.lastIndex], [4, 3]);
      assert.deepEqual(boot.termRuns, [{ start: 3, term: 4 }]);
      await log.write({ hard: { term: 4, vote: null, commit: 3 }, entries: [text(4, 4, "c")] });
      assertTail(await log.restart(), [text(4, 4, "c")]);
      await log.close();
    },
  },
  {
    name: "a snapshot that is read stays, whole, until its reader is closed",
    run: async (make) => {
      const log = await openLog(make);
      await log.write({ hard: { term: 1, vote: null, commit: 3 }, entries: [text(2, 1, "a"), text(3, 1, "b")] });
      const large = Uint8Array.from({ length: 200_000 }, (_, at) => (at * 7) % 251);
      const saved = await log.storage.snapshots.save({ index: 2, term: 1, config }, chunksOf([large]));
      const reader = await log.storage.snapshots.open();
      assert.ok(reader !== null);
      assert.deepEqual(reader.description, saved);
      assert.equal(saved.crc, crc32c(large));
      await log.storage.snapshots.save({ index: 3, term: 1, config }, bytesOf("newer"));
      for (const fromByte of [0, 1, 65_536, 70_000, 199_999, 200_000]) {
        const read = await collect(reader.chunks(fromByte), (chunk) => assert.ok(chunk.length <= 65_536));
        assert.ok(read.equals(large.subarray(fromByte)), `from byte ${fromByte}`);
      }
      await reader.close();
      assert.equal(await readAll(log.storage), "newer");
      await log.close();
    },
  },
  {
    name: "an own snapshot of an older index changes nothing, and one whose bytes fail is none",
    run: async (make) => {
      const log = await openLog(make);
      await log.write({ hard: { term: 1, vote: null, commit: 3 }, entries: [text(2, 1, "a"), text(3, 1, "b")] });
      await log.storage.snapshots.save({ index: 3, term: 1, config }, bytesOf("newer"));
      await log.storage.snapshots.save({ index: 2, term: 1, config }, bytesOf("older"));
      assert.equal(await readAll(log.storage), "newer");
      await log.write({ hard: { term: 1, vote: null, commit: 3 }, entries: [text(4, 1, "c")] });
      await assert.rejects(log.storage.snapshots.save({ index: 4, term: 1, config }, failing()), /broken off/);
      assert.equal((await log.restart()).snapshot?.index, 3);
      assert.equal(await readAll(log.storage), "newer");
      await log.close();
    },
  },
  {
    name: "P4: batches go on while a snapshot is being saved",
    run: async (make) => {
      const log = await openLog(make);
      await log.write({ hard: { term: 1, vote: null, commit: 2 }, entries: [text(2, 1, "a")] });
      let goOn = (): void => {};
      const written = new Promise<void>((resolve) => {
        goOn = resolve;
      });
      const saved = log.storage.snapshots.save(
        { index: 2, term: 1, config },
        (async function* () {
          yield Buffer.from("first ");
          await written;
          yield Buffer.from("last");
        })(),
      );
      await log.write({ hard: { term: 1, vote: null, commit: 2 }, entries: [text(3, 1, "b")] });
      goOn();
      await saved;
      assertTail(await log.restart(), [text(2, 1, "a"), text(3, 1, "b")]);
      assert.equal(await readAll(log.storage), "first last");
      await log.close();
    },
  },
  {
    name: "S5: a staging of the same snapshot goes on where the one before stopped; another one starts anew",
    run: async (make) => {
      const log = await openLog(make);
      const bytes = Uint8Array.from({ length: 150_000 }, (_, at) => at % 253);
      const description = described(9, 2, bytes);
      const first = await log.storage.snapshots.stage(description);
      assert.equal(first.offsetBytes, 0);
      await first.write(bytes.subarray(0, 70_000));
      await first.close();
      const second = await log.storage.snapshots.stage(description);
      assert.equal(second.offsetBytes, 70_000);
      await second.close();
      const other = await log.storage.snapshots.stage({ ...description, id: "other" });
      assert.equal(other.offsetBytes, 0);
      await other.close();
      const third = await log.storage.snapshots.stage(description);
      assert.equal(third.offsetBytes, 0);
      await third.write(bytes);
      const stagedId = await third.finish();
      await log.write({ hard: { term: 2, vote: null, commit: 9 }, install: { meta: description.meta, stagedId } });
      const reader = await log.storage.snapshots.open();
      assert.ok(reader !== null);
      assert.ok((await collect(reader.chunks(0))).equals(bytes));
      await reader.close();
      await log.close();
    },
  },
  {
    name: "S5: size and checksum are checked before a snapshot counts as staged",
    run: async (make) => {
      const log = await openLog(make);
      const description = described(9, 2, Buffer.from("expected"));
      const tooLong = await log.storage.snapshots.stage(description);
      await assert.rejects(tooLong.write(Buffer.from("expected and more")));
      await tooLong.close();
      const tooShort = await log.storage.snapshots.stage({ ...description, id: "short" });
      await tooShort.write(Buffer.from("exp"));
      await assert.rejects(tooShort.finish());
      await tooShort.close();
      const other = await log.storage.snapshots.stage({ ...description, id: "changed" });
      await other.write(Buffer.from("eXpected"));
      await assert.rejects(other.finish());
      await other.close();
      assert.equal(await readAll(log.storage), "");
      await log.close();
    },
  },
  {
    name: "S6, S7, S10: an install replaces log, configurations and snapshot in one batch",
    run: async (make) => {
      const log = await openLog(make);
      const old = [text(2, 1, "old"), configEntry(3, 1, largerConfig), text(4, 1, "old"), text(5, 1, "old")];
      await log.write({ hard: { term: 1, vote: null, commit: 2 }, entries: old });
      const bytes = Buffer.from("state of the leader");
      const description = described(3, 2, bytes);
      const staging = await log.storage.snapshots.stage(description);
      await staging.write(bytes);
      const stagedId = await staging.finish();
      assertTail(await log.restart(), old);
      assert.equal(await readAll(log.storage), "");
      const again = await log.storage.snapshots.stage(description);
      assert.equal(again.offsetBytes, 0);
      await again.write(bytes);
      const secondId = await again.finish();
      assert.ok(stagedId.length > 0);
      await log.write({
        hard: { term: 2, vote: null, commit: 3 },
        install: { meta: description.meta, stagedId: secondId },
      });
      assert.equal(await readAll(log.storage), "state of the leader");
      assert.deepEqual(await log.storage.entries(2, 6, 1000), []);
      const boot = await log.restart();
      assert.deepEqual(boot.snapshot, description.meta);
      assert.deepEqual([boot.firstIndex, boot.lastIndex, boot.hard.commit], [4, 3, 3]);
      assert.deepEqual(boot.termRuns, [{ start: 3, term: 2 }]);
      assert.deepEqual(boot.configs, []);
      await log.write({ hard: { term: 2, vote: null, commit: 3 }, entries: [text(4, 2, "new")] });
      assertTail(await log.restart(), [text(4, 2, "new")]);
      assert.equal(await readAll(log.storage), "state of the leader");
      await log.close();
    },
  },
  {
    name: "a discarded stage is gone, and discarding what is not there is fine",
    run: async (make) => {
      const log = await openLog(make);
      const description = described(9, 2, Buffer.from("bytes"));
      const staging = await log.storage.snapshots.stage(description);
      await staging.write(Buffer.from("bytes"));
      const stagedId = await staging.finish();
      await log.storage.snapshots.discard(stagedId);
      await log.storage.snapshots.discard(stagedId);
      await log.storage.snapshots.discard("never");
      await assert.rejects(
        log.write({ hard: { term: 2, vote: null, commit: 9 }, install: { meta: description.meta, stagedId } }),
      );
      await log.close();
    },
  },
  {
    name: "there is room, and a closed storage takes nothing in",
    run: async (make) => {
      const log = await openLog(make);
      assert.ok((await log.storage.freeBytes()) > 0);
      await log.storage.close();
      await log.storage.close();
      await assert.rejects(log.write({ hard: { term: 9, vote: null, commit: 1 } }));
      await assert.rejects(log.storage.entries(2, 3, 10));
    },
  },
];

const blankBoot: BootState = {
  hard: { term: 0, vote: null, commit: 0 },
  snapshot: null,
  firstIndex: 1,
  lastIndex: 0,
  termRuns: [],
  configs: [],
  tail: [],
  applied: 0,
  suspect: false,
};

async function openStorage(make: StorageMaker): Promise<{ storage: Storage; opened: OpenedStorage }> {
  const storage = await make();
  return { storage, opened: await storage.open() };
}

interface LogUnderTest {
  readonly storage: Storage;
  write(batch: Partial<PersistBatch> & { hard: HardState }): Promise<void>;
  /** Closes it, and opens the next one on what is durable. */
  restart(): Promise<BootState>;
  close(): Promise<void>;
}

/** Formed: the log begins at 2. */
async function openLog(make: StorageMaker): Promise<LogUnderTest> {
  let { storage } = await openStorage(make);
  await storage.form(document);
  let seq = 0;
  return {
    get storage() {
      return storage;
    },
    write: (batch) => {
      seq += 1;
      return storage.write({ seq, truncateFrom: null, entries: [], install: null, after: [], ...batch });
    },
    restart: async () => {
      await storage.close();
      const next = await openStorage(make);
      storage = next.storage;
      assert.deepEqual(next.opened.health, { state: "ok" });
      return next.opened.boot;
    },
    close: () => storage.close(),
  };
}

function text(index: number, term: number, data: string): Entry {
  return normalEntry(index, term, Buffer.from(data));
}

function described(index: number, term: number, bytes: Uint8Array): SnapshotDescription {
  return {
    meta: { index, term, config },
    id: `${index}-${term}`,
    chain: 77,
    sizeBytes: bytes.length,
    crc: crc32c(bytes),
  };
}

/** The newest entries of the log: as many as storage has to give. */
function assertTail(boot: BootState, log: readonly Entry[]): void {
  assert.equal(boot.lastIndex, log.at(-1)?.index);
  assert.deepEqual(plain(boot.tail), plain(log.slice(log.length - boot.tail.length)));
}

/** Comparable, whatever kind of bytes the payload is. */
function plain(entries: readonly Entry[]): unknown[] {
  return entries.map((entry) => ({ ...entry, data: Buffer.from(entry.data).toString("hex") }));
}

async function* chunksOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

function bytesOf(...texts: string[]): AsyncIterable<Uint8Array> {
  return chunksOf(texts.map((each) => Buffer.from(each)));
}

async function* failing(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("some bytes");
  throw new Error("broken off");
}

async function collect(chunks: AsyncIterable<Uint8Array>, look?: (chunk: Uint8Array) => void): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) {
    look?.(chunk);
    all.push(chunk);
  }
  return Buffer.concat(all);
}

async function readAll(storage: Storage): Promise<string> {
  const reader = await storage.snapshots.open();
  assert.ok(reader !== null);
  const bytes = await collect(reader.chunks(0));
  await reader.close();
  return bytes.toString();
}
