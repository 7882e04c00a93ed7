// SPDX-License-Identifier: Apache-2.0
// `Storage` on a `MemoryDisk`: for tests, examples and worlds. What it is told is durable survives `MemoryDisk.crash`, and
// nothing else does. It takes offence where a node breaks its side: two writes at a time, an install beside a snapshot being saved.

import type { Config, Entry, PersistBatch, SnapMeta } from "../core/types.ts";
import type {
  ClusterDocument,
  OpenedStorage,
  SnapshotDescription,
  SnapshotReader,
  SnapshotStaging,
  SnapshotStore,
  Storage,
} from "../runtime/ports.ts";
import { crc32c } from "../storage/crc32c.ts";
import { DiskImage, type StoredSnapshot } from "./disk-image.ts";
import type { MemoryDisk } from "./memory-disk.ts";

const tailBytes = 64 << 20;
const chunkBytes = 64 << 10;

export class MemoryStorage implements Storage {
  readonly snapshots: SnapshotStore;
  readonly #disk: MemoryDisk;
  readonly #snapshots: MemorySnapshots;
  #state: "new" | "open" | "closed" = "new";
  #isWriting = false;
  #isDead = false;

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
    this.#snapshots = new MemorySnapshots(disk, () => this.#check());
    this.snapshots = this.#snapshots;
  }

  async open(): Promise<OpenedStorage> {
    const disk = this.#disk;
    if (this.#state !== "new") throw new Error("Cannot open the storage: it was opened before");
    if (disk.holder !== undefined) {
      throw new Error(`Cannot open the disk of "${disk.identity.nodeId}": another storage has it open`);
    }
    disk.holder = this;
    this.#state = "open";
    disk.staged.clear();
    return this.#opened();
  }

  async form(document: ClusterDocument): Promise<OpenedStorage> {
    this.#check();
    const { identity, image } = this.#disk;
    const snapshot = firstSnapshot(document);
    if (identity.clusterId !== null) {
      const found = image.snapshot;
      const isSame = found?.meta.index === 1 && found.chain === snapshot.chain;
      if (isSame && identity.clusterId === document.clusterId) return this.#opened();
      throw new Error(`Cannot form cluster "${document.clusterId}": this disk belongs to "${identity.clusterId}"`);
    }
    if (document.voters.length === 0) throw new Error("Cannot form a cluster: the document names no voters");
    await this.#disk.change(() => {
      this.#disk.identity = { ...identity, clusterId: document.clusterId };
      this.#disk.image = new DiskImage(snapshot);
    });
    return this.#opened();
  }

  async join(clusterId: string): Promise<OpenedStorage> {
    this.#check();
    const { identity } = this.#disk;
    if (identity.clusterId !== null && identity.clusterId !== clusterId) {
      throw new Error(`Cannot join cluster "${clusterId}": this disk belongs to "${identity.clusterId}"`);
    }
    await this.#disk.change(() => (this.#disk.identity = { ...identity, clusterId }));
    return this.#opened();
  }

  async write(batch: PersistBatch): Promise<void> {
    this.#check();
    if (this.#isWriting) throw new Error(`Cannot write batch ${batch.seq}: another one is under way (P4)`);
    const { staged } = this.#disk;
    const stagedId = batch.install?.stagedId;
    const snapshot = stagedId === undefined ? undefined : staged.get(stagedId);
    if (stagedId !== undefined && snapshot === undefined) {
      throw new Error(`Cannot install stage "${stagedId}": there is none`);
    }
    if (stagedId !== undefined && this.#snapshots.saving > 0) {
      throw new Error(`Cannot install stage "${stagedId}": a snapshot of this node's own is being saved`);
    }
    this.#isWriting = true;
    try {
      await this.#disk.change(() => {
        this.#disk.image.applyBatch(batch, snapshot);
        if (stagedId !== undefined) staged.delete(stagedId);
      });
    } catch (error) {
      // P5
      this.#isDead = true;
      throw error;
    } finally {
      this.#isWriting = false;
    }
  }

  async entries(lo: number, hi: number, maxBytes: number): Promise<readonly Entry[]> {
    this.#check();
    const found = this.#disk.image.slice(lo, hi, maxBytes);
    await new Promise<void>((resolve) => this.#disk.pace.sync(resolve));
    return found;
  }

  async compact(upTo: number): Promise<void> {
    this.#check();
    await this.#disk.change(() => this.#disk.image.compact(upTo));
  }

  async freeBytes(): Promise<number> {
    this.#check();
    return this.#disk.freeBytes;
  }

  async close(): Promise<void> {
    this.#state = "closed";
    if (this.#disk.holder === this) this.#disk.holder = undefined;
  }

  #check(): void {
    if (this.#state !== "open" || this.#disk.holder !== this) {
      throw new Error("Cannot use the storage: it is not open");
    }
    if (this.#isDead) throw new Error("Cannot use the storage: a write failed, only close is left (P5)");
  }

  #opened(): OpenedStorage {
    const { identity, image, damage } = this.#disk;
    const boot = image.bootState(tailBytes);
    if (damage !== undefined) {
      const blank = new DiskImage<Uint8Array>().bootState(0);
      return { health: { state: "suspect", reason: damage }, identity, boot: { ...blank, suspect: true } };
    }
    return { health: { state: identity.clusterId === null ? "blank" : "ok" }, identity, boot };
  }
}

class MemorySnapshots implements SnapshotStore {
  readonly #disk: MemoryDisk;
  readonly #check: () => void;
  /** How many of this node's own are on their way. */
  saving = 0;
  /** What came of a snapshot whose stream broke. */
  #unfinished: { readonly id: string; readonly chunks: Uint8Array[]; size: number } | undefined;

  constructor(disk: MemoryDisk, check: () => void) {
    this.#disk = disk;
    this.#check = check;
  }

  async save(meta: SnapMeta, chunks: AsyncIterable<Uint8Array>): Promise<SnapshotDescription> {
    this.#check();
    this.saving += 1;
    try {
      return await this.#save(meta, chunks);
    } finally {
      this.saving -= 1;
    }
  }

  async #save(meta: SnapMeta, chunks: AsyncIterable<Uint8Array>): Promise<SnapshotDescription> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(new Uint8Array(chunk));
    this.#check();
    const state = joined(parts);
    const chain = this.#disk.image.chainAt(meta.index);
    if (chain === undefined) throw new Error(`Cannot save a snapshot at ${meta.index}: the log does not hold it`);
    const stored = { meta, state, digest: crc32c(state), chain };
    await this.#disk.change(() => this.#disk.image.saveSnapshot(stored));
    return this.#describe(stored);
  }

  async open(): Promise<SnapshotReader | null> {
    this.#check();
    const { snapshot } = this.#disk.image;
    if (snapshot === null) return null;
    const { state } = snapshot;
    return {
      description: this.#describe(snapshot),
      async *chunks(fromByte) {
        for (let at = fromByte; at < state.length; at += chunkBytes) yield state.slice(at, at + chunkBytes);
      },
      close: async () => {},
    };
  }

  async stage(description: SnapshotDescription): Promise<SnapshotStaging> {
    this.#check();
    const { id, meta, chain, sizeBytes, crc } = description;
    if (this.#unfinished?.id !== id) this.#unfinished = { id, chunks: [], size: 0 };
    const mine = this.#unfinished;
    return {
      offsetBytes: mine.size,
      write: async (chunk) => {
        this.#check();
        if (mine.size + chunk.length > sizeBytes) {
          throw new Error(`Cannot stage snapshot "${id}": more than its ${sizeBytes} bytes arrived`);
        }
        mine.chunks.push(new Uint8Array(chunk));
        mine.size += chunk.length;
      },
      finish: async () => {
        this.#check();
        const state = joined(mine.chunks);
        if (this.#unfinished === mine) this.#unfinished = undefined;
        if (state.length !== sizeBytes || crc32c(state) !== crc) {
          throw new Error(`Cannot stage snapshot "${id}": its size or checksum is wrong`);
        }
        const stagedId = `stage-${this.#disk.nextId++}`;
        await this.#disk.change(() => this.#disk.staged.set(stagedId, { meta, state, digest: crc, chain }));
        return stagedId;
      },
      close: async () => {},
    };
  }

  async discard(stagedId: string): Promise<void> {
    this.#disk.staged.delete(stagedId);
  }

  #describe({ meta, state, digest, chain }: StoredSnapshot<Uint8Array>): SnapshotDescription {
    const id = `${this.#disk.identity.dirId.slice(0, 16)}-${meta.index}-${meta.term}-${digest.toString(16)}`;
    return { meta, id, chain, sizeBytes: state.length, crc: digest };
  }
}

/** What every initial voter begins with (M9): no bytes, at index 1 of term 1. */
function firstSnapshot({ clusterId, voters }: ClusterDocument): StoredSnapshot<Uint8Array> {
  const config: Config = {
    voters: voters.map(({ id }) => id),
    votersOutgoing: [],
    learners: [],
    learnersNext: [],
    addresses: voters,
  };
  const chain = crc32c(new TextEncoder().encode(JSON.stringify({ clusterId, voters })));
  return { meta: { index: 1, term: 1, config }, state: new Uint8Array(0), digest: 0, chain };
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
