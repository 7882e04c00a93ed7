// The metadata log of a node that is alone: a single voter on LevelDB. What is written and synced is committed.
//
//   propose ─> pending ─> one LevelDB batch {entries, head}, synced ─> fence, synced ─> onCommitted ─> answers
//
// Invariants
// - Nothing is delivered or answered before both syncs (layout: metadata-log-layout.ts, fence: metadata-fence.ts).
// - One write is outstanding at a time, so head and fence differ by at most the one write that nobody was promised yet.
// - What is read at the start must chain from the snapshot to the head, and the head must be the fence's. Anything else is damage:
//   the node does not start, and nothing is changed. It never cuts back to "the last good entry": what is lost may be what
//   was acknowledged.
// - A failed write is final: nothing is retried on the same files.

import { mkdir, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { crc32c, crc32cAppend, invariant } from "@varve/format";
import { Level } from "level";
import { MetadataLogError } from "../ports/metadata-log.ts";
import type { MetadataEntry, MetadataLog, MetadataLogListener } from "../ports/metadata-log.ts";
import { MetadataFence } from "./metadata-fence.ts";
import { findChangedTable, noteTables } from "./metadata-tables.ts";
import {
  decodeEntry,
  decodeHead,
  encodeEntry,
  encodeHead,
  entryKey,
  entryKeys,
  firstHead,
  headKey,
  identityKey,
  sameHead,
  singleVoterTerm,
  snapshotKey,
  snapshotKeys,
  snapshotPieceBytes,
} from "./metadata-log-layout.ts";
import type { Head } from "./metadata-log-layout.ts";

export interface LevelMetadataLogOptions {
  /** Made when it is not there; its parent must exist. */
  readonly directory: string;
  /** Cluster, node and directory id: a log of another identity is refused. */
  readonly identity: string;
}

/** Largest batch that is taken. */
const proposalBytesMax = 8 * 1024 * 1024;
/** Proposals that may wait for the write in flight. */
const pendingMax = 1_000;
/** Entries are read and delivered in groups of about this size. */
const deliverBytes = 4 * 1024 * 1024;

interface Pending {
  readonly bytes: Uint8Array;
  readonly resolve: (index: number) => void;
  readonly reject: (error: MetadataLogError) => void;
}

type Database = Level<Uint8Array, Uint8Array>;
type Operation =
  | { readonly type: "put"; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: "del"; readonly key: Uint8Array };

export class LevelMetadataLog implements MetadataLog {
  readonly #options: LevelMetadataLogOptions;
  readonly #databaseDirectory: string;
  #database: Database | undefined;
  #fence: MetadataFence | undefined;
  #head: Head = firstHead;
  #tailBytes = 0;
  #listener: MetadataLogListener | undefined;
  #pending: Pending[] = [];
  #writing: Promise<void> | undefined;
  /** Writes and snapshots take turns. */
  #turn: Promise<void> = Promise.resolve();
  #synced = new Set<string>();
  #failed: MetadataLogError | undefined;
  #started = false;
  #closing: Promise<void> | undefined;

  constructor(options: LevelMetadataLogOptions) {
    this.#options = options;
    this.#databaseDirectory = join(options.directory, "level");
  }

  get tail(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#head.lastIndex - this.#head.snapshotIndex, bytes: this.#tailBytes };
  }

  async start(listener: MetadataLogListener): Promise<void> {
    invariant(this.#listener === undefined, "a metadata log is started once");
    this.#listener = listener;
    try {
      await mkdir(this.#options.directory, { recursive: true });
      const changed = await findChangedTable(this.#notePath, this.#databaseDirectory);
      if (changed !== undefined) throw this.#damaged(`its table "${changed}" does not fit its checksum`);
      this.#database = await openDatabase(this.#databaseDirectory, this.#options.directory);
      await this.#recover(this.#database, listener);
    } catch (error) {
      await this.close();
      throw this.#startError(error);
    }
    this.#started = true;
    listener.onRole({ kind: "leader", term: singleVoterTerm });
  }

  propose(bytes: Uint8Array): Promise<number> {
    const refusal = this.#refusal(bytes);
    if (refusal !== undefined) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      this.#pending.push({ bytes, resolve, reject });
      this.#writing ??= this.#inTurn(() => this.#writePending());
    });
  }

  async saveSnapshot(index: number, bytes: Uint8Array): Promise<void> {
    if (this.#failed !== undefined) throw this.#failed;
    if (this.#closing !== undefined) throw closed();
    await this.#inTurn(() => this.#writeSnapshot(index, bytes));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#writing;
    await this.#turn;
    await this.#fence?.close();
    if (this.#database?.status !== "open") return;
    await this.#database.close();
    if (this.#started) await noteTables(this.#notePath, this.#databaseDirectory);
  }

  // ---- writing

  #refusal(bytes: Uint8Array): MetadataLogError | undefined {
    if (this.#failed !== undefined) return this.#failed;
    if (this.#closing !== undefined || this.#database === undefined) return closed();
    if (bytes.length > proposalBytesMax || this.#pending.length >= pendingMax) {
      const what =
        bytes.length > proposalBytesMax ? `a batch of ${bytes.length} bytes` : "more batches than wait already";
      return new MetadataLogError("TOO_LARGE", `Cannot write ${what} to the metadata log.`);
    }
    return undefined;
  }

  async #writePending(): Promise<void> {
    while (this.#pending.length > 0 && this.#failed === undefined) {
      const batch = this.#pending.splice(0);
      try {
        await this.#writeEntries(batch);
      } catch (error) {
        const failure = this.#fail(error);
        for (const { reject } of [...batch, ...this.#pending.splice(0)]) reject(failure);
      }
    }
    // In the same step as the last look at `#pending`: one who proposes right after its answer must start the next write.
    this.#writing = undefined;
  }

  async #writeEntries(batch: readonly Pending[]): Promise<void> {
    let { lastIndex, lastChain } = this.#head;
    let written = 0;
    const operations: Operation[] = [];
    const entries: MetadataEntry[] = [];
    for (const { bytes } of batch) {
      lastIndex += 1;
      const { value, chain } = encodeEntry(lastIndex, bytes, lastChain);
      lastChain = chain;
      written += value.length;
      operations.push({ type: "put", key: entryKey(lastIndex), value });
      entries.push({ index: lastIndex, bytes });
    }
    await this.#write(operations, { ...this.#head, lastIndex, lastChain });
    this.#tailBytes += written;
    this.#listener?.onCommitted(entries);
    for (const [at, { resolve }] of batch.entries()) resolve(entries[at]?.index ?? lastIndex);
  }

  async #writeSnapshot(index: number, bytes: Uint8Array): Promise<void> {
    const { snapshotIndex: oldIndex, snapshotBytes: oldBytes, lastIndex } = this.#head;
    invariant(
      index > oldIndex && index <= lastIndex,
      "a snapshot is newer than the last one, and of a committed entry",
    );
    try {
      const database = this.#opened();
      const snapshotChain = await this.#chainAt(index);
      // The pieces first, one synced write each: until the head names them they are nothing.
      for (const [piece, value] of piecesOf(bytes)) {
        await database.put(snapshotKey(index, piece), value, { sync: true });
      }
      const operations: Operation[] = [];
      for (let entry = oldIndex + 1; entry <= index; entry += 1) operations.push({ type: "del", key: entryKey(entry) });
      for (let piece = 0; piece * snapshotPieceBytes < oldBytes; piece += 1) {
        operations.push({ type: "del", key: snapshotKey(oldIndex, piece) });
      }
      const snapshotCrc = crc32c(bytes);
      const head = { ...this.#head, snapshotIndex: index, snapshotBytes: bytes.length, snapshotCrc, snapshotChain };
      await this.#write(operations, head);
      this.#tailBytes = await this.#measureTail();
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** `operations` and the next head, atomically; durable in LevelDB and fenced when resolved. */
  async #write(operations: readonly Operation[], next: Head): Promise<void> {
    const head = { ...next, seq: this.#head.seq + 1 };
    await this.#opened().batch([...operations, { type: "put", key: headKey, value: encodeHead(head) }], { sync: true });
    await this.#syncNewFiles();
    await this.#fence?.write(head);
    this.#head = head;
  }

  async #chainAt(index: number): Promise<number> {
    if (index === this.#head.lastIndex) return this.#head.lastChain;
    const stored = await this.#opened().get(entryKey(index));
    if (stored === undefined || stored.length < 4) throw this.#damaged(`entry ${index} is missing`);
    return Buffer.from(stored).readUInt32BE(stored.length - 4);
  }

  async #measureTail(): Promise<number> {
    let bytes = 0;
    for await (const value of this.#opened().values(entryKeys)) bytes += value.length;
    return bytes;
  }

  /** LevelDB syncs its files, not the directory that holds their names: a new file is durable only after this. */
  async #syncNewFiles(): Promise<void> {
    const names = new Set(await readdir(this.#databaseDirectory));
    const known = this.#synced;
    if ([...names].every((name) => known.has(name))) return;
    await syncDirectory(this.#databaseDirectory);
    this.#synced = names;
  }

  get #notePath(): string {
    return join(this.#options.directory, "tables");
  }

  #inTurn(task: () => Promise<void>): Promise<void> {
    const result = this.#turn.then(task);
    // The next one goes ahead whatever became of this one; the caller of this one sees its error.
    this.#turn = result.catch(() => undefined);
    return result;
  }

  #fail(error: unknown): MetadataLogError {
    if (this.#failed !== undefined) return this.#failed;
    this.#failed =
      error instanceof MetadataLogError
        ? error
        : new MetadataLogError(
            "IO",
            `Cannot go on with the metadata log in "${this.#options.directory}": ${messageOf(error)}. ` +
              "Nothing more is written; check the disk and start again.",
            { cause: error },
          );
    this.#listener?.onFatal(this.#failed);
    return this.#failed;
  }

  // ---- recovery

  async #recover(database: Database, listener: MetadataLogListener): Promise<void> {
    const stored = await database.get(headKey);
    const fencePath = join(this.#options.directory, "fence");
    const fence = await MetadataFence.open(fencePath);
    this.#fence = fence;
    const head = stored === undefined ? undefined : decodeHead(stored);
    if (stored !== undefined && head === undefined) throw this.#damaged("its head does not fit its checksum");
    const used = head !== undefined && head.seq > firstHead.seq;
    if (fence === undefined && !used) {
      await this.#format(database, fencePath);
    } else {
      const fault = fenceFault(head, fence);
      if (fault !== undefined || head === undefined) throw this.#damaged(fault ?? "its head is missing");
      this.#head = head;
    }
    await this.#checkIdentity(database);
    await this.#syncNewFiles();
    // A write whose fence was not written yet was promised to nobody; from now on it is as good as any.
    await this.#fence?.write(this.#head);
    await this.#deliverSnapshot(database, listener);
    await this.#deliverEntries(database, listener);
    await this.#dropOldPieces(database);
  }

  async #format(database: Database, fencePath: string): Promise<void> {
    for await (const key of database.keys(entryKeys))
      throw this.#damaged(`it has entries (${printKey(key)}) but no head`);
    await database.batch(
      [
        { type: "put", key: identityKey, value: Buffer.from(this.#options.identity) },
        { type: "put", key: headKey, value: encodeHead(firstHead) },
      ],
      { sync: true },
    );
    this.#fence = await MetadataFence.create(fencePath, firstHead);
    await syncDirectory(this.#options.directory);
    this.#head = firstHead;
  }

  async #checkIdentity(database: Database): Promise<void> {
    const found = await database.get(identityKey);
    const identity = found === undefined ? undefined : Buffer.from(found).toString("utf8");
    if (identity === this.#options.identity) return;
    throw new MetadataLogError(
      "FORMAT",
      `Cannot open the metadata log in "${this.#options.directory}": it belongs to "${identity ?? "nobody"}", ` +
        `this node is "${this.#options.identity}". Start with the directory of this node.`,
    );
  }

  async #deliverSnapshot(database: Database, listener: MetadataLogListener): Promise<void> {
    const { snapshotIndex, snapshotBytes, snapshotCrc } = this.#head;
    if (snapshotIndex === 0) return;
    const pieces: Uint8Array[] = [];
    let crc = 0;
    let size = 0;
    for (let piece = 0; piece * snapshotPieceBytes < snapshotBytes; piece += 1) {
      const value = await database.get(snapshotKey(snapshotIndex, piece));
      if (value === undefined)
        throw this.#damaged(`piece ${piece} of the snapshot of entry ${snapshotIndex} is missing`);
      pieces.push(value);
      crc = piece === 0 ? crc32c(value) : crc32cAppend(crc, value);
      size += value.length;
    }
    if (size !== snapshotBytes || crc !== snapshotCrc) {
      throw this.#damaged(`the snapshot of entry ${snapshotIndex} does not fit its checksum`);
    }
    this.#deliver(() => listener.onSnapshot({ index: snapshotIndex, bytes: Buffer.concat(pieces) }));
  }

  async #deliverEntries(database: Database, listener: MetadataLogListener): Promise<void> {
    let index = this.#head.snapshotIndex;
    let prevChain = this.#head.snapshotChain;
    let entries: MetadataEntry[] = [];
    let bytes = 0;
    const flush = (): void => {
      const ready = entries;
      entries = [];
      bytes = 0;
      if (ready.length > 0) this.#deliver(() => listener.onCommitted(ready));
    };
    for await (const [key, value] of database.iterator(entryKeys)) {
      index += 1;
      if (index > this.#head.lastIndex) throw this.#damaged(`entry ${printKey(key)} lies behind the end of the log`);
      const entry = decodeEntry(key, value, { index, prevChain });
      if ("fault" in entry) throw this.#damaged(entry.fault);
      prevChain = entry.chain;
      entries.push({ index, bytes: entry.payload });
      bytes += value.length;
      this.#tailBytes += value.length;
      if (bytes >= deliverBytes) flush();
    }
    if (index !== this.#head.lastIndex)
      throw this.#damaged(`entries ${index + 1} to ${this.#head.lastIndex} are missing`);
    if (prevChain !== this.#head.lastChain) throw this.#damaged(`entry ${index} is not the last one that was written`);
    flush();
  }

  /** Pieces of a snapshot that was being written when the process ended. */
  async #dropOldPieces(database: Database): Promise<void> {
    const current = snapshotKey(this.#head.snapshotIndex, 0).subarray(0, 9);
    for await (const key of database.keys(snapshotKeys)) {
      if (Buffer.compare(Buffer.from(key).subarray(0, 9), current) !== 0) await database.del(key);
    }
  }

  /** What does not decode or replay, though every checksum fits, was written by another version or by a bug. */
  #deliver(call: () => void): void {
    try {
      call();
    } catch (error) {
      throw new MetadataLogError(
        "FORMAT",
        `Cannot replay the metadata log in "${this.#options.directory}": ${messageOf(error)} ` +
          "It was written by another version of Varve; start with that one.",
        { cause: error },
      );
    }
  }

  #opened(): Database {
    invariant(this.#database !== undefined, "the database is open while the log is in use");
    return this.#database;
  }

  #startError(error: unknown): MetadataLogError {
    if (error instanceof MetadataLogError) return error;
    if (codeOf(error) === "LEVEL_CORRUPTION") return this.#damaged(messageOf(error));
    const message = `Cannot open the metadata log in "${this.#options.directory}": ${messageOf(error)}. Check the disk.`;
    return new MetadataLogError("IO", message, { cause: error });
  }

  #damaged(fault: string): MetadataLogError {
    return new MetadataLogError(
      "DAMAGED",
      `Cannot open the metadata log in "${this.#options.directory}": ${fault}. The disk has lost or changed what was written; ` +
        "nothing was repaired. Restore the whole data directory from a backup, or start with an empty one.",
    );
  }
}

/** The head must be the fence's, or the one write behind it that was promised to nobody. */
function fenceFault(head: Head | undefined, fence: MetadataFence | undefined): string | undefined {
  if (head === undefined) return "its head is missing";
  if (fence === undefined) return "its fence file is missing";
  const { found } = fence;
  if (found === undefined) return "its fence file does not fit its checksum";
  if (head.seq === found.seq + 1) return undefined;
  if (head.seq !== found.seq) return `it ends with write ${head.seq}, but write ${found.seq} was acknowledged`;
  return sameHead(head, found) ? undefined : "its head and its fence file contradict each other";
}

async function openDatabase(path: string, directory: string): Promise<Database> {
  const database: Database = new Level(path, { keyEncoding: "view", valueEncoding: "view" });
  try {
    await database.open();
    return database;
  } catch (error) {
    const codes = [codeOf(error), codeOf((error as { cause?: unknown }).cause)];
    if (codes.includes("LEVEL_LOCKED")) {
      throw new MetadataLogError(
        "LOCKED",
        `Cannot open the metadata log in "${directory}": another process has it open. Stop that one, or use another directory.`,
        { cause: error },
      );
    }
    const cause = messageOf((error as { cause?: unknown }).cause ?? error);
    const damaged = codes.includes("LEVEL_CORRUPTION");
    throw new MetadataLogError(
      damaged ? "DAMAGED" : "IO",
      `Cannot open the metadata log in "${directory}": ${cause}.${damaged ? " Restore the data directory from a backup." : ""}`,
      { cause: error },
    );
  }
}

function* piecesOf(bytes: Uint8Array): Generator<readonly [number, Uint8Array]> {
  for (let piece = 0; piece * snapshotPieceBytes < bytes.length; piece += 1) {
    yield [piece, bytes.subarray(piece * snapshotPieceBytes, (piece + 1) * snapshotPieceBytes)];
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function closed(): MetadataLogError {
  return new MetadataLogError("CLOSED", "Cannot use the metadata log: it is closed.");
}

function printKey(key: Uint8Array): string {
  return Buffer.from(key).toString("hex");
}

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
