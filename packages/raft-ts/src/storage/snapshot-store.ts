// SPDX-License-Identifier: Apache-2.0
/**
 * Snapshots in files beside the database. The database names the one that counts; every other file is on its way in, is being
 * read, or goes.
 *
 *   save:   <name>.part ──sync──▶ <name>.snap ──sync directory──▶ named by a batch ──▶ the one before is deleted
 *   stage:  <name>.part ──sync──▶ <name>.snap ──sync directory──▶ finish() resolves … a batch installs it, or discard
 *
 * Names are ours and random: nothing of what a peer sends becomes one. A crash leaves files that no batch names; the next open
 * deletes them (S11), unless it finds damage.
 */

import { open, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import type { SnapMeta } from "../core/types.ts";
import type { SnapshotDescription, SnapshotReader, SnapshotStaging, SnapshotStore } from "../runtime/ports.ts";
import { moveDurably, namesIn } from "./files.ts";
import type { SnapshotRecord } from "./records.ts";
import { SnapshotWriter, readSnapshot } from "./snapshot-file.ts";
import { StorageError } from "./storage-error.ts";

const snapshotSuffix = ".snap";
const partSuffix = ".part";

/** What the store needs from the database beside it. */
export interface SnapshotCatalog {
  /** The log's chain at `meta.index`, which is durable, has `meta.term` and is not compacted beyond. */
  chainAt(meta: SnapMeta): Promise<number>;
  /** Names `record` durably as the newest snapshot, unless a newer one is: then nothing changes. */
  record(record: SnapshotRecord): Promise<void>;
  /** Called when a step is durable; see `StorageTrace`. */
  step(name: string): Promise<void>;
}

interface Unfinished {
  readonly description: SnapshotDescription;
  readonly file: string;
  readonly writer: SnapshotWriter;
  /** The one that may write. */
  owner: SnapshotStaging | null;
}

export class SnapshotFiles implements SnapshotStore {
  readonly #directory: string;
  readonly #catalog: SnapshotCatalog;
  #current: SnapshotRecord | null = null;
  readonly #readers = new Map<string, number>();
  #unfinished: Unfinished | null = null;
  readonly #staged = new Map<string, SnapshotDescription>();

  constructor(directory: string, catalog: SnapshotCatalog) {
    this.#directory = directory;
    this.#catalog = catalog;
  }

  // ---- For the storage around it ----

  /** The one the database names. */
  get current(): SnapshotRecord | null {
    return this.#current;
  }

  path(file: string): string {
    return join(this.#directory, file);
  }

  /** The database names `record` now; whatever it named before goes when nobody reads it. */
  async setCurrent(record: SnapshotRecord | null): Promise<void> {
    const before = this.#current;
    this.#current = record;
    if (record !== null) this.#staged.delete(record.file);
    if (before !== null && before.file !== record?.file) await this.#removeUnread(before.file);
  }

  /** Deletes every file that the database does not name: leftovers of a crash. */
  async removeOrphans(): Promise<void> {
    for (const name of await namesIn(this.#directory)) {
      const ours = name.endsWith(snapshotSuffix) || name.endsWith(partSuffix);
      if (ours && name !== this.#current?.file) await rm(this.path(name));
    }
  }

  /** What `finish` staged under this name. */
  staged(stagedId: string): SnapshotRecord | undefined {
    const description = this.#staged.get(stagedId);
    return description === undefined ? undefined : { file: stagedId, description };
  }

  /** A snapshot without bytes, durable in its file; no batch names it yet. */
  async createEmpty(meta: SnapMeta, chain: number): Promise<SnapshotRecord> {
    const file = newName(meta);
    const writer = await SnapshotWriter.create(this.#partPath(file), { meta, id: idOf(file), chain });
    return { file, description: await this.#publish(writer, file) };
  }

  async close(): Promise<void> {
    const unfinished = this.#unfinished;
    this.#unfinished = null;
    await unfinished?.writer.close();
  }

  // ---- SnapshotStore ----

  async save(meta: SnapMeta, chunks: AsyncIterable<Uint8Array>): Promise<SnapshotDescription> {
    const chain = await this.#catalog.chainAt(meta);
    const file = newName(meta);
    const writer = await SnapshotWriter.create(this.#partPath(file), { meta, id: idOf(file), chain });
    let description: SnapshotDescription;
    try {
      for await (const chunk of chunks) await writer.write(chunk);
      description = await this.#publish(writer, file);
    } catch (error) {
      await writer.close();
      await rm(writer.path, { force: true });
      throw error;
    }
    await this.#catalog.record({ file, description });
    if (this.#current?.file !== file) await this.#removeUnread(file);
    return description;
  }

  async open(): Promise<SnapshotReader | null> {
    const record = this.#current;
    if (record === null) return null;
    const { file, description } = record;
    this.#readers.set(file, (this.#readers.get(file) ?? 0) + 1);
    try {
      const handle = await open(this.path(file), "r");
      return new OpenSnapshot(handle, this.path(file), description, () => this.#closed(file));
    } catch (error) {
      await this.#closed(file);
      throw error;
    }
  }

  async stage(description: SnapshotDescription): Promise<SnapshotStaging> {
    let unfinished = this.#unfinished;
    if (unfinished === null || !sameDescription(unfinished.description, description)) {
      this.#unfinished = null;
      if (unfinished !== null) await this.#drop(unfinished);
      const file = newName(description.meta);
      const writer = await SnapshotWriter.create(this.#partPath(file), description);
      unfinished = { description, file, writer, owner: null };
      // Another `stage` may have come first meanwhile; there is one at most.
      const other = this.#unfinished as Unfinished | null;
      this.#unfinished = unfinished;
      if (other !== null) await this.#drop(other);
    }
    const owned = unfinished;
    const staging: SnapshotStaging = {
      offsetBytes: owned.writer.sizeBytes,
      write: (chunk) => this.#writeStaged(owned, staging, chunk),
      finish: () => this.#finishStaged(owned, staging),
      close: () => {
        if (owned.owner === staging) owned.owner = null;
        return Promise.resolve();
      },
    };
    owned.owner = staging;
    return staging;
  }

  async discard(stagedId: string): Promise<void> {
    if (!this.#staged.delete(stagedId)) return;
    await rm(this.path(stagedId), { force: true });
  }

  // ---- Within ----

  async #writeStaged(unfinished: Unfinished, by: SnapshotStaging, chunk: Uint8Array): Promise<void> {
    this.#checkOwner(unfinished, by);
    const { description, writer } = unfinished;
    if (writer.sizeBytes + chunk.length > description.sizeBytes) {
      throw mismatch(description, `more than the ${description.sizeBytes} bytes announced came`);
    }
    try {
      await writer.write(chunk);
    } catch (error) {
      await this.#forget(unfinished);
      throw error;
    }
  }

  async #finishStaged(unfinished: Unfinished, by: SnapshotStaging): Promise<string> {
    this.#checkOwner(unfinished, by);
    const { description, writer, file } = unfinished;
    if (writer.sizeBytes < description.sizeBytes) {
      throw mismatch(description, `${writer.sizeBytes} of ${description.sizeBytes} bytes came`);
    }
    if (writer.crc !== description.crc) {
      await this.#forget(unfinished);
      throw mismatch(description, "what came does not fit the checksum announced");
    }
    this.#unfinished = null;
    try {
      await this.#publish(writer, file);
    } catch (error) {
      await this.#drop(unfinished);
      throw error;
    }
    this.#staged.set(file, description);
    return file;
  }

  #checkOwner(unfinished: Unfinished, by: SnapshotStaging): void {
    if (this.#unfinished === unfinished && unfinished.owner === by) return;
    throw mismatch(unfinished.description, "this staging is closed, or another one took its place");
  }

  /** From a finished `.part` to a durable `.snap`. */
  async #publish(writer: SnapshotWriter, file: string): Promise<SnapshotDescription> {
    const description = await writer.finish();
    await this.#catalog.step("snapshot-synced");
    await moveDurably(writer.path, this.path(file));
    await this.#catalog.step("snapshot-named");
    return description;
  }

  async #forget(unfinished: Unfinished): Promise<void> {
    if (this.#unfinished === unfinished) this.#unfinished = null;
    await this.#drop(unfinished);
  }

  async #drop(unfinished: Unfinished): Promise<void> {
    unfinished.owner = null;
    await unfinished.writer.close();
    await rm(unfinished.writer.path, { force: true });
  }

  async #closed(file: string): Promise<void> {
    const left = (this.#readers.get(file) ?? 0) - 1;
    if (left > 0) {
      this.#readers.set(file, left);
      return;
    }
    this.#readers.delete(file);
    if (this.#current?.file !== file) await this.#removeUnread(file);
  }

  async #removeUnread(file: string): Promise<void> {
    if (!this.#readers.has(file)) await rm(this.path(file), { force: true });
  }

  #partPath(file: string): string {
    return this.path(idOf(file) + partSuffix);
  }
}

class OpenSnapshot implements SnapshotReader {
  readonly description: SnapshotDescription;
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #onClose: () => Promise<void>;
  #closing: Promise<void> | undefined;

  constructor(file: FileHandle, path: string, description: SnapshotDescription, onClose: () => Promise<void>) {
    this.#file = file;
    this.#path = path;
    this.description = description;
    this.#onClose = onClose;
  }

  chunks(fromByte: number): AsyncIterable<Uint8Array> {
    return readSnapshot(this.#file, this.#path, this.description, fromByte);
  }

  close(): Promise<void> {
    this.#closing ??= this.#file.close().then(this.#onClose);
    return this.#closing;
  }
}

/** No other snapshot has it, on any node. */
function newName({ index, term }: SnapMeta): string {
  return `${index}-${term}-${randomBytes(8).toString("hex")}${snapshotSuffix}`;
}

/** Of this node's own snapshots. */
function idOf(file: string): string {
  return file.slice(0, -snapshotSuffix.length);
}

function sameDescription(a: SnapshotDescription, b: SnapshotDescription): boolean {
  return (
    a.id === b.id &&
    a.crc === b.crc &&
    a.sizeBytes === b.sizeBytes &&
    a.chain === b.chain &&
    a.meta.index === b.meta.index &&
    a.meta.term === b.meta.term
  );
}

function mismatch(description: SnapshotDescription, what: string): StorageError {
  return new StorageError("mismatch", `Cannot take in snapshot "${description.id}": ${what}`);
}
