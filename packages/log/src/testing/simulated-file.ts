/**
 * One file of the simulated disk: what the kernel's cache holds, and what would survive a power cut.
 *
 *   write ──▶ cache pages ──(sync: copied at its start, stored at its end)──▶ durable pages
 *             sizes set   ──(in order, at the end of the same sync)────────▶ durable size
 *
 * A page that was written and not synced is *unsynced*. A power cut decides for each of them on its own whether it was
 * written back (kept), not (lost), or in part, by sectors of 512 bytes (torn). Sizes are file system metadata: a power
 * cut keeps a prefix of the changes. A size that was kept over pages that were lost shows zeros. A failed sync may leave
 * pages that are in the cache only, and that no later sync will write (`forget`).
 *
 * Invariant: outside of unsynced and forgotten pages, cache and durable bytes below both sizes are equal.
 */
import type { Random } from "./random.ts";

/** A power cut tears a page between sectors, never inside one. */
const sectorBytes = 512;

/** What a sync took with it when it began; `finishSync` makes it durable. */
export interface SyncSnapshot {
  readonly pages: ReadonlyMap<number, { readonly version: number; readonly bytes: Uint8Array }>;
  readonly sizeChange: number;
}

interface SizeChange {
  readonly number: number;
  readonly sizeBytes: number;
}

export class SimulatedFile {
  readonly pageBytes: number;
  modifiedMs = 0;

  #cache = new Uint8Array(0);
  #durable = new Uint8Array(0);
  #sizeBytes = 0;
  #durableSizeBytes = 0;
  /** Page → version of its latest write. */
  #unsynced = new Map<number, number>();
  #durableVersions = new Map<number, number>();
  #version = 0;
  /** Changes of the size that no sync has covered, oldest first. */
  #sizeChanges: SizeChange[] = [];
  #sizeChangeNumber = 0;
  #syncs = new Set<SyncSnapshot>();

  constructor(pageBytes: number) {
    this.pageBytes = pageBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Whether a power cut now could change what a reader sees. */
  get isSynced(): boolean {
    return this.#unsynced.size === 0 && this.#sizeChanges.length === 0;
  }

  /** A view of the cache. */
  bytes(): Uint8Array {
    return this.#cache.subarray(0, this.#sizeBytes);
  }

  read(into: Uint8Array, at: number): number {
    const end = Math.min(at + into.length, this.#sizeBytes);
    if (end <= at) return 0;
    into.set(this.#cache.subarray(at, end));
    return end - at;
  }

  write(bytes: Uint8Array, at: number, random: Random): void {
    if (bytes.length === 0) return;
    const end = at + bytes.length;
    this.#cache = grown(this.#cache, end);
    const lastPage = Math.floor((end - 1) / this.pageBytes);
    for (let page = Math.floor(at / this.pageBytes); page <= lastPage; page++) {
      // The kernel may have written an older version back before this one replaces it.
      if (this.#unsynced.has(page) && random.chance(0.2)) this.#writeBack(page);
      this.#unsynced.set(page, ++this.#version);
    }
    this.#cache.set(bytes, at);
    if (end > this.#sizeBytes) this.#setSize(end);
  }

  truncate(sizeBytes: number): void {
    if (sizeBytes < this.#sizeBytes) {
      this.#cache.fill(0, sizeBytes, this.#sizeBytes);
      const kept = Math.ceil(sizeBytes / this.pageBytes);
      const version = ++this.#version;
      for (const page of this.#unsynced.keys()) {
        if (page < kept) continue;
        this.#unsynced.delete(page);
        this.#durableVersions.set(page, version);
      }
      // The rest of the last page is zeroed in the cache and written back with it.
      if (sizeBytes % this.pageBytes !== 0) this.#unsynced.set(kept - 1, version);
    } else {
      this.#cache = grown(this.#cache, sizeBytes);
    }
    this.#setSize(sizeBytes);
  }

  startSync(): SyncSnapshot {
    const pages = new Map<number, { version: number; bytes: Uint8Array }>();
    for (const [page, version] of this.#unsynced) pages.set(page, { version, bytes: this.#pageOfCache(page).slice() });
    const snapshot = { pages, sizeChange: this.#sizeChangeNumber };
    this.#syncs.add(snapshot);
    return snapshot;
  }

  finishSync(snapshot: SyncSnapshot): void {
    this.#syncs.delete(snapshot);
    this.#applySizes(snapshot.sizeChange);
    for (const [page, { version, bytes }] of snapshot.pages) {
      if (version >= (this.#durableVersions.get(page) ?? 0)) this.#store(page, bytes, version);
      if (this.#unsynced.get(page) === version) this.#unsynced.delete(page);
    }
  }

  /** A sync that fails: of its pages some are durable, some stay unsynced, and some are clean but in the cache only. */
  failSync(snapshot: SyncSnapshot, random: Random): void {
    this.#syncs.delete(snapshot);
    if (random.chance(0.5)) this.#applySizes(snapshot.sizeChange);
    for (const [page, { version, bytes }] of snapshot.pages) {
      const fate = random.below(4);
      if (fate === 0 && version >= (this.#durableVersions.get(page) ?? 0)) this.#store(page, bytes, version);
      if (fate !== 1 && this.#unsynced.get(page) === version) this.#unsynced.delete(page);
    }
  }

  /** What a power cut leaves; afterwards cache and durable image are equal. */
  powerCut(random: Random): void {
    // One file often shares one fate; all mixtures are possible too.
    const kept = random.pick([0, 0.1, 0.5, 0.5, 0.9, 1]);
    for (const sync of this.#syncs) {
      for (const [page, { version, bytes }] of sync.pages) {
        const older = version < (this.#durableVersions.get(page) ?? 0);
        if (!older && random.chance(kept)) this.#store(page, bytes, version);
      }
    }
    const lastChange = this.#sizeChangeNumber;
    const firstChange = lastChange - this.#sizeChanges.length;
    if (random.chance(0.3)) this.#applySizes(random.between(firstChange, lastChange));
    else if (random.chance(kept)) this.#applySizes(lastChange);
    for (const page of this.#unsynced.keys()) {
      if (!random.chance(kept)) continue;
      if (random.chance(0.25)) this.#tear(page, random);
      else this.#writeBack(page);
    }
    this.#reload();
  }

  /** The cache was dropped page by page: what is clean is read from the disk again, pages forgotten by a failed sync included. */
  dropCleanPages(random: Random): void {
    const durable = this.#durable;
    const pages = Math.ceil(Math.min(this.#sizeBytes, durable.length) / this.pageBytes);
    for (let page = 0; page < pages; page++) {
      if (this.#unsynced.has(page) || random.chance(0.5)) continue;
      const start = page * this.pageBytes;
      const end = Math.min(start + this.pageBytes, this.#sizeBytes, this.#durableSizeBytes);
      if (end > start) this.#cache.set(durable.subarray(start, end), start);
    }
  }

  /** The process that had syncs under way is gone; what they had copied is unsynced as before. */
  forgetSyncs(): void {
    this.#syncs.clear();
  }

  /** Changes one bit on the disk, under the file system; a copy in the cache is dropped. */
  flipBit(at: number, bit: number): void {
    for (const image of [this.#cache, this.#durable]) {
      if (at < image.length) image[at] = (image[at] as number) ^ (1 << bit);
    }
  }

  /** The end of the file is gone, on the disk and in the cache. */
  loseEnd(sizeBytes: number): void {
    this.truncate(sizeBytes);
    this.#applySizes(this.#sizeChangeNumber);
  }

  clone(): SimulatedFile {
    const copy = new SimulatedFile(this.pageBytes);
    copy.modifiedMs = this.modifiedMs;
    copy.#cache = this.#cache.slice();
    copy.#durable = this.#durable.slice();
    copy.#sizeBytes = this.#sizeBytes;
    copy.#durableSizeBytes = this.#durableSizeBytes;
    copy.#unsynced = new Map(this.#unsynced);
    copy.#durableVersions = new Map(this.#durableVersions);
    copy.#version = this.#version;
    copy.#sizeChanges = [...this.#sizeChanges];
    copy.#sizeChangeNumber = this.#sizeChangeNumber;
    return copy;
  }

  #setSize(sizeBytes: number): void {
    if (sizeBytes === this.#sizeBytes) return;
    this.#sizeBytes = sizeBytes;
    this.#sizeChanges.push({ number: ++this.#sizeChangeNumber, sizeBytes });
  }

  /** Makes the changes of size up to a number durable; what a truncation cut off reads as zeros when the file grows again. */
  #applySizes(upTo: number): void {
    while (this.#sizeChanges.length > 0 && (this.#sizeChanges[0] as SizeChange).number <= upTo) {
      const { sizeBytes } = this.#sizeChanges.shift() as SizeChange;
      if (sizeBytes < this.#durable.length) this.#durable.fill(0, sizeBytes);
      this.#durable = grown(this.#durable, sizeBytes);
      this.#durableSizeBytes = sizeBytes;
    }
  }

  #pageOfCache(page: number): Uint8Array {
    const start = page * this.pageBytes;
    this.#cache = grown(this.#cache, start + this.pageBytes);
    return this.#cache.subarray(start, start + this.pageBytes);
  }

  #writeBack(page: number): void {
    this.#store(page, this.#pageOfCache(page), this.#unsynced.get(page) ?? 0);
  }

  #store(page: number, bytes: Uint8Array, version: number): void {
    const start = page * this.pageBytes;
    this.#durable = grown(this.#durable, start + bytes.length);
    this.#durable.set(bytes, start);
    this.#durableVersions.set(page, version);
  }

  #tear(page: number, random: Random): void {
    const bytes = this.#pageOfCache(page);
    const start = page * this.pageBytes;
    this.#durable = grown(this.#durable, start + bytes.length);
    for (let at = 0; at < bytes.length; at += sectorBytes) {
      if (random.chance(0.5)) this.#durable.set(bytes.subarray(at, at + sectorBytes), start + at);
    }
  }

  #reload(): void {
    this.#durable = grown(this.#durable, this.#durableSizeBytes);
    this.#durable.fill(0, this.#durableSizeBytes);
    this.#cache = this.#durable.slice();
    this.#sizeBytes = this.#durableSizeBytes;
    this.#unsynced.clear();
    this.#durableVersions.clear();
    this.#sizeChanges = [];
    this.#syncs.clear();
  }
}

function grown(bytes: Uint8Array<ArrayBuffer>, neededBytes: number): Uint8Array<ArrayBuffer> {
  if (neededBytes <= bytes.length) return bytes;
  const larger = new Uint8Array(Math.max(neededBytes, bytes.length * 2, 1024));
  larger.set(bytes);
  return larger;
}
