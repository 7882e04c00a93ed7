// SPDX-License-Identifier: Apache-2.0
/**
 * One Raft group's durable state in a directory of its own:
 *
 *   DIRECTORY/
 *     db/            LevelDB: identity, head, snapshot record, entries (records.ts)
 *     fence          what the head said when a batch was last promised (fence.ts)
 *     snapshots/     files (snapshot-store.ts)
 *     ballast        room for the day on which the disk is full (ballast.ts)
 *
 *   write:  LevelDB batch { entries, head }, synced ──▶ fence, synced ──▶ promised
 *
 * Invariants
 * - One batch at a time, and none before the fence of the one before is durable: head and fence differ by at most one batch,
 *   and that one nobody was promised. So a crash at any step leaves a directory that opens as "ok" or "blank".
 * - Every batch rewrites the head, which holds a checksum of everything else (D-2).
 * - What is there when a directory has both a `db` and a fence was promised. `db` appears by a rename, complete; a directory
 *   with neither, and without snapshots, is empty and is formatted. Anything in between was not left by a crash: suspect.
 * - A failed write is the last one (P5).
 */

import { statfs } from "node:fs/promises";
import { must } from "../core/raft-fatal.ts";
import type { Config, Entry, PersistBatch, SnapMeta } from "../core/types.ts";
import type { ClusterDocument, OpenedStorage, SnapshotStore, Storage } from "../runtime/ports.ts";
import { Ballast, isDiskFull } from "./ballast.ts";
import { behindSnapshot, bootState, emptyHead, fenceSlot, planBatch, type LogEnd } from "./batch-plan.ts";
import { Fence, readFence, type FenceSlot } from "./fence.ts";
import { exists, makeDirectory } from "./files.ts";
import { formatIfEmpty } from "./format-directory.ts";
import { LevelDatabase, type Operation } from "./level-database.ts";
import { checkTables } from "./level-tables.ts";
import { compareWithFence, readRecords, sealOf, summarizeLog, type StoredRecords } from "./recovery.ts";
import {
  decodeEntry,
  documentCrc,
  encodeHead,
  encodeIdentity,
  encodeSnapshot,
  entriesEndKey,
  entryKey,
  entryKeyIndex,
  headKey,
  identityKey,
  snapshotKey,
  type Head,
  type IdentityRecord,
  type SnapshotRecord,
} from "./records.ts";
import { checkSnapshot } from "./snapshot-file.ts";
import { SnapshotFiles } from "./snapshot-store.ts";
import { StorageError, damaged } from "./storage-error.ts";
import { storagePaths, type StoragePaths } from "./storage-paths.ts";
import { Sweeper } from "./sweeper.ts";

export interface LevelStorageOptions {
  /** Of this group alone. Made when it is not there; formatted when it is empty. */
  readonly directory: string;
  /** A directory that was formatted for another node is refused (P7). */
  readonly nodeId: string;
  /** Bytes of the newest entries that `open` hands to the core. @default 8 MiB */
  readonly tailBytes?: number;
  /** Size of the file that an operator deletes when the disk is full (D-9); 0 for none. @default 64 MiB */
  readonly ballastBytes?: number;
  /**
   * "strict": a batch is promised once the fence holds it. "lagged": one sync less on the way, and the loss of the newest
   * batch by the disk may go unnoticed; for measurements. @default "strict"
   */
  readonly fence?: "strict" | "lagged";
  /** Sees each step that changed files, after it; for tests that ask what a crash right there leaves. */
  readonly trace?: StorageTrace;
}

export type StorageTrace = (step: string) => Promise<void>;

/** Open, and not suspect. */
interface Opened {
  readonly database: LevelDatabase;
  readonly fence: Fence;
  readonly sweeper: Sweeper;
  identity: IdentityRecord;
  head: Head;
}

export class LevelStorage implements Storage {
  readonly #options: LevelStorageOptions;
  readonly #paths: StoragePaths;
  readonly #snapshots: SnapshotFiles;
  readonly #ballast: Ballast;
  #opened: Opened | undefined;
  /** Batches, compactions and records of snapshots, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Of the batch before ("lagged" only); never rejects. */
  #fenceWritten: Promise<unknown> = Promise.resolve();
  #failure: StorageError | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: LevelStorageOptions) {
    this.#options = options;
    this.#paths = storagePaths(options.directory);
    this.#snapshots = new SnapshotFiles(this.#paths.snapshots, {
      chainAt: (meta) => this.#chainAt(meta),
      record: (record) => this.#inTurn((opened) => this.#recordSnapshot(opened, record)),
      step: (name) => this.#step(name),
    });
    this.#ballast = new Ballast(this.#paths.ballast, options.ballastBytes ?? 64 * 1024 * 1024);
  }

  get snapshots(): SnapshotStore {
    return this.#snapshots;
  }

  // ---- Opening ----

  async open(): Promise<OpenedStorage> {
    must(this.#opened === undefined && this.#closing === undefined, "D-3", "storage is opened once");
    try {
      return await this.#open();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      throw new StorageError(
        "failed",
        `Cannot open "${this.#options.directory}": ${messageOf(error)}. ${this.#howToMakeRoom()}`,
        { cause: error },
      );
    }
  }

  async #open(): Promise<OpenedStorage> {
    await makeDirectory(this.#options.directory);
    await formatIfEmpty(this.#paths, this.#options.nodeId, (step) => this.#step(step));
    let database: LevelDatabase | undefined;
    let identity: IdentityRecord | undefined;
    try {
      if (!(await exists(this.#paths.database))) throw damaged("the database is gone");
      await LevelDatabase.assertUnlocked(this.#paths.database);
      await checkTables(this.#paths.database);
      database = await LevelDatabase.open(this.#paths.database, (step) => this.#step(step));
      // Not before the lock is held: the one who held it may have been writing.
      const fence = await readFence(this.#paths.fence);
      if (fence === "unreadable") throw damaged("neither slot of the fence is readable");
      const records = await readRecords(database);
      identity = records.identity;
      this.#assertOurs(identity);
      return await this.#takeOver(database, records, fence);
    } catch (error) {
      // Suspect storage is left as it is, and unlocked, for `raft-check`.
      await database?.close();
      if (!(error instanceof StorageError) || error.code !== "damaged") throw error;
      // Or somebody else opened it while its tables were being read.
      if (database === undefined) await LevelDatabase.assertUnlocked(this.#paths.database);
      return this.#suspect(error, identity, await readFence(this.#paths.fence));
    }
  }

  async #takeOver(
    database: LevelDatabase,
    records: StoredRecords,
    fence: FenceSlot | "missing",
  ): Promise<OpenedStorage> {
    const { identity, head, snapshot } = records;
    const fenceLags = compareWithFence(records, fence);
    if (snapshot !== null) await checkSnapshot(this.#snapshots.path(snapshot.file), snapshot.description);
    const opened = await this.#describe(database, identity, head, snapshot);
    // All of it fits. From here on the directory may be changed.
    if (fence === "missing") await Fence.create(this.#paths.fence, fenceSlot(identity, head, records.headCrc));
    const fenceFile = await Fence.open(this.#paths.fence);
    // The next batch must find the fence right behind it.
    if (fenceLags) await fenceFile.write(fenceSlot(identity, head, records.headCrc));
    await this.#step("fence-caught-up");
    const sweeper = new Sweeper(database);
    this.#opened = { database, fence: fenceFile, sweeper, identity, head };
    await makeDirectory(this.#paths.snapshots);
    await this.#snapshots.setCurrent(snapshot);
    await this.#snapshots.removeOrphans();
    // Left by a crash: below the start by a compaction, beyond the end by a truncation.
    await database.clear(entryKey(head.lastIndex + 1), entriesEndKey);
    sweeper.sweepBelow(head.firstIndex);
    void this.#ballast.start(() => this.freeBytes());
    return opened;
  }

  #assertOurs({ nodeId, dirId }: IdentityRecord): void {
    if (nodeId === this.#options.nodeId) return;
    throw new StorageError(
      "foreign",
      `Cannot open "${this.#options.directory}" as node "${this.#options.nodeId}": it belongs to node "${nodeId}" ` +
        `(directory ${dirId}). Start that node with it, or this one with its own directory`,
    );
  }

  #suspect(
    error: StorageError,
    identity: IdentityRecord | undefined,
    fence: FenceSlot | "unreadable" | "missing",
  ): OpenedStorage {
    const { nodeId, directory } = this.#options;
    const fencedId = typeof fence === "string" ? "0".repeat(32) : fence.dirId;
    const { dirId, clusterId } = identity ?? { dirId: fencedId, clusterId: null };
    return {
      health: {
        state: "suspect",
        reason:
          `Storage in "${directory}" may have lost something it promised: ${error.message}. ` +
          `Look at it with "raft-check ${directory}". Then replace this node: remove it from the group, empty the ` +
          "directory, and add it again. An older copy of the directory has forgotten promises as well",
      },
      identity: { nodeId, dirId, clusterId },
      boot: { ...bootState(emptyHead, null, { termRuns: [], configs: [], tail: [] }), suspect: true },
    };
  }

  async #describe(
    database: LevelDatabase,
    identity: IdentityRecord,
    head: Head,
    snapshot: SnapshotRecord | null,
  ): Promise<OpenedStorage> {
    const { nodeId, dirId, clusterId } = identity;
    const log = await summarizeLog(database, { head, snapshot }, this.#options.tailBytes ?? 8 * 1024 * 1024);
    return {
      health: { state: clusterId === null ? "blank" : "ok" },
      identity: { nodeId, dirId, clusterId },
      boot: bootState(head, snapshot?.description.meta ?? null, log),
    };
  }

  // ---- Forming and joining ----

  form(document: ClusterDocument): Promise<OpenedStorage> {
    return this.#inTurn(async (opened) => {
      must(document.voters.length > 0, "M9", "a cluster is born with voters");
      const crc = documentCrc(document);
      const { identity } = opened;
      if (identity.clusterId === null) await this.#form(opened, document, crc);
      else if (identity.clusterId !== document.clusterId || identity.documentCrc !== crc) {
        throw this.#otherCluster(identity, document.clusterId);
      }
      return this.#describe(opened.database, opened.identity, opened.head, this.#snapshots.current);
    });
  }

  join(clusterId: string): Promise<OpenedStorage> {
    return this.#inTurn(async (opened) => {
      const { identity } = opened;
      if (identity.clusterId === null) await this.#commit(opened, [], opened.head, { ...identity, clusterId });
      else if (identity.clusterId !== clusterId) throw this.#otherCluster(identity, clusterId);
      return this.#describe(opened.database, opened.identity, opened.head, this.#snapshots.current);
    });
  }

  async #form(opened: Opened, document: ClusterDocument, crc: number): Promise<void> {
    const config: Config = {
      voters: document.voters.map(({ id }) => id),
      votersOutgoing: [],
      learners: [],
      learnersNext: [],
      addresses: document.voters,
    };
    // The same chain on every initial voter: a document is the log's first entry, so to speak.
    const meta: SnapMeta = { index: 1, term: 1, config };
    const record = await this.#snapshots.createEmpty(meta, crc);
    const head = { ...opened.head, term: 1, commit: 1 };
    const identity = { ...opened.identity, clusterId: document.clusterId, documentCrc: crc };
    await this.#commit(opened, [], behindSnapshot(head, record), identity, record);
  }

  #otherCluster(identity: IdentityRecord, wanted: string): StorageError {
    return new StorageError(
      "foreign",
      `Cannot make "${this.#options.directory}" a part of cluster "${wanted}": it belongs to cluster ` +
        `"${identity.clusterId}" already, formed otherwise. Use an empty directory, or the cluster's own id and voters`,
    );
  }

  // ---- Writing ----

  write(batch: PersistBatch): Promise<void> {
    return this.#inTurn((opened) => this.#write(opened, batch));
  }

  async #write(opened: Opened, batch: PersistBatch): Promise<void> {
    const { truncateFrom, install } = batch;
    const { head: before, identity } = opened;
    const staged = install === null ? undefined : this.#snapshots.staged(install.stagedId);
    let cut: LogEnd | undefined;
    if (truncateFrom !== null) {
      must(truncateFrom > before.commit && truncateFrom >= before.firstIndex, "L3", "committed entries stay");
      const { term, chain } = await this.#positionAt(opened, truncateFrom - 1);
      cut = { lastIndex: truncateFrom - 1, lastTerm: term, lastChain: chain };
    }
    const { head, operations } = planBatch(before, batch, { staged, cut });
    await this.#commit(opened, operations, head, identity, staged);
    if (staged !== undefined) opened.sweeper.sweepBelow(head.firstIndex);
  }

  /** Writes `operations` with the next head, then the fence. Durable and promised when it resolves. */
  async #commit(
    opened: Opened,
    operations: Operation[],
    next: Head,
    identity: IdentityRecord,
    snapshot?: SnapshotRecord,
  ): Promise<void> {
    let head: Head = { ...next, seq: opened.head.seq + 1 };
    if (identity !== opened.identity) {
      const value = encodeIdentity(identity);
      operations.push({ type: "put", key: identityKey, value });
      head = { ...head, identityCrc: sealOf(value) };
    }
    if (snapshot !== undefined) {
      const value = encodeSnapshot(snapshot);
      operations.push({ type: "put", key: snapshotKey, value });
      head = { ...head, snapshotIndex: snapshot.description.meta.index, snapshotCrc: sealOf(value) };
    }
    const headBytes = encodeHead(head);
    operations.push({ type: "put", key: headKey, value: headBytes });
    try {
      await this.#fenceWritten;
      if (this.#failure !== undefined) throw this.#failure;
      await opened.database.writeDurably(operations);
      await this.#step("batch-synced");
      const fenced = opened.fence.write(fenceSlot(identity, head, sealOf(headBytes)));
      if (this.#options.fence === "lagged") this.#fenceWritten = fenced.catch((error: unknown) => this.#fail(error));
      else await fenced;
    } catch (error) {
      throw this.#fail(error);
    }
    await this.#step("fence-synced");
    opened.head = head;
    opened.identity = identity;
    if (snapshot !== undefined) await this.#snapshots.setCurrent(snapshot);
  }

  async #recordSnapshot(opened: Opened, record: SnapshotRecord): Promise<void> {
    const { meta } = record.description;
    const { head } = opened;
    // An install overtook it.
    if (meta.index <= head.snapshotIndex) return;
    must(meta.index <= head.lastIndex, "S1", "a snapshot is taken at an applied index");
    await this.#commit(opened, [], head, opened.identity, record);
  }

  compact(upTo: number): Promise<void> {
    return this.#inTurn(async (opened) => {
      const { head } = opened;
      if (upTo < head.firstIndex) return;
      must(upTo <= head.snapshotIndex, "S3", "a durable snapshot covers what is compacted");
      const { term, chain } = await this.#positionAt(opened, upTo);
      const next = { ...head, firstIndex: upTo + 1, baseTerm: term, baseChain: chain };
      await this.#commit(opened, [], next, opened.identity);
      opened.sweeper.sweepBelow(upTo + 1);
    });
  }

  // ---- Reading ----

  async entries(lo: number, hi: number, maxBytes: number): Promise<readonly Entry[]> {
    const { database, head } = this.#usable();
    if (lo < head.firstIndex || lo > head.lastIndex || hi <= lo) return [];
    // The entry before comes along: it says what the first one must follow.
    const from = Math.max(lo - 1, head.firstIndex);
    let before: number | undefined = from === head.firstIndex ? head.baseChain : undefined;
    const entries: Entry[] = [];
    let index = from;
    let bytes = 0;
    for await (const page of database.pages(entryKey(from), entryKey(Math.min(hi, head.lastIndex + 1)))) {
      for (const [key, value] of page) {
        if (entryKeyIndex(key) !== index) throw damaged(`entry ${index} is missing from the database`);
        const at = decodeEntry(value, index, before);
        before = at.chain;
        index += 1;
        if (at.entry.index < lo) continue;
        bytes += at.entry.data.length;
        if (entries.length > 0 && bytes > maxBytes) return entries;
        entries.push(at.entry);
      }
    }
    if (index <= lo) throw damaged(`entry ${index} is missing from the database`);
    if (index - 1 === head.lastIndex && before !== head.lastChain) {
      throw damaged(`entry ${head.lastIndex} is not the one that was written last`);
    }
    return entries;
  }

  async #chainAt({ index, term }: SnapMeta): Promise<number> {
    const position = await this.#positionAt(this.#usable(), index);
    must(position.term === term, "S1", "a snapshot carries the term of its index");
    return position.chain;
  }

  /** Term and chain at an index from the one before the log's first to its last. */
  async #positionAt({ database, head }: Opened, index: number): Promise<{ term: number; chain: number }> {
    if (index === head.lastIndex) return { term: head.lastTerm, chain: head.lastChain };
    if (index === head.firstIndex - 1) return { term: head.baseTerm, chain: head.baseChain };
    must(index >= head.firstIndex && index < head.lastIndex, "L4", "the log reaches to where it is asked for");
    const value = await database.get(entryKey(index));
    if (value === undefined) throw damaged(`entry ${index} is missing from the database`);
    const { entry, chain } = decodeEntry(value, index, undefined);
    return { term: entry.term, chain };
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#options.directory);
    return bavail * bsize;
  }

  // ---- Closing, failing ----

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#turn;
    await this.#fenceWritten;
    const opened = this.#opened;
    await this.#snapshots.close();
    await this.#ballast.stop();
    await opened?.sweeper.stop();
    await opened?.fence.close();
    await opened?.database.close();
  }

  #usable(): Opened {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#opened === undefined || this.#closing !== undefined) {
      throw new StorageError("closed", `Cannot use the storage in "${this.#options.directory}": it is not open`);
    }
    return this.#opened;
  }

  /** After whatever was asked for before. */
  #inTurn<T>(run: (opened: Opened) => Promise<T>): Promise<T> {
    const result = this.#turn.then(() => run(this.#usable()));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  #fail(error: unknown): StorageError {
    if (this.#failure !== undefined) return this.#failure;
    const advice = isDiskFull(error) ? `. ${this.#howToMakeRoom()}` : "";
    const message = `Cannot write to "${this.#options.directory}" any more: ${messageOf(error)}${advice}`;
    this.#failure = new StorageError("failed", message, { cause: error });
    return this.#failure;
  }

  #howToMakeRoom(): string {
    return `Make room on this disk, if need be by deleting "${this.#paths.ballast}", and start the node again`;
  }

  async #step(name: string): Promise<void> {
    await this.#options.trace?.(name);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
