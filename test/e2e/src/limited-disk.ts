// A disk of a given size: the real file system, on which writes fail with NO_SPACE once the files that were written through
// here would exceed a capacity. It may lie about what is free, as quotas and thin volumes do; then only the failed write
// tells.
//
// Sizes follow the names: unlink drops one path, removeTree a prefix, rename moves both. The real directory is never walked,
// for a walk can fail where the operation it counts for did not, and the store rightly takes that for a failed disk.

import { FileSystemError, nodeFileSystem } from "@varve/log";
import type { FileHandle, FileSystem, OpenMode } from "@varve/log";

/** One file, whatever it is called by now; out of every name, it counts no more. */
interface Occupied {
  bytes: number;
}

export class LimitedDisk implements FileSystem {
  readonly #real = nodeFileSystem();
  readonly #files = new Map<string, Occupied>();
  capacityBytes: number;
  /** Reports more free bytes than there are. */
  lies = false;
  /** Writes that failed for want of space. */
  refusals = 0;

  constructor(capacityBytes: number) {
    this.capacityBytes = capacityBytes;
  }

  get usedBytes(): number {
    let used = 0;
    for (const { bytes } of this.#files.values()) used += bytes;
    return used;
  }

  async open(path: string, mode: OpenMode): Promise<FileHandle> {
    const real = await this.#real.open(path, mode);
    const bytes = await real.size();
    const file = this.#files.get(path) ?? { bytes };
    if (mode !== "read") this.#files.set(path, file);
    return {
      path,
      read: (into, at) => real.read(into, at),
      write: async (chunks, at) => {
        this.#grow(
          path,
          file,
          chunks.reduce((end, chunk) => end + chunk.length, at),
        );
        await real.write(chunks, at);
      },
      truncate: async (sizeBytes) => {
        this.#grow(path, file, sizeBytes);
        await real.truncate(sizeBytes);
        file.bytes = sizeBytes;
      },
      sync: () => real.sync(),
      size: () => real.size(),
      close: () => real.close(),
    };
  }

  mkdir(path: string): Promise<void> {
    return this.#real.mkdir(path);
  }

  readdir(path: string): Promise<string[]> {
    return this.#real.readdir(path);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#real.rename(from, to);
    const moved = this.#take(from);
    this.#take(to);
    for (const [rest, file] of moved) this.#files.set(to + rest, file);
  }

  async unlink(path: string): Promise<void> {
    await this.#real.unlink(path);
    this.#take(path);
  }

  async removeTree(path: string): Promise<void> {
    await this.#real.removeTree(path);
    this.#take(path);
  }

  syncDirectory(path: string): Promise<void> {
    return this.#real.syncDirectory(path);
  }

  stat(path: string) {
    return this.#real.stat(path);
  }

  async freeBytes(): Promise<number> {
    return this.lies ? Number.MAX_SAFE_INTEGER : Math.max(0, this.capacityBytes - this.usedBytes);
  }

  #grow(path: string, file: Occupied, end: number): void {
    if (end <= file.bytes) return;
    if (this.usedBytes + end - file.bytes > this.capacityBytes) {
      this.refusals += 1;
      throw new FileSystemError("NO_SPACE", path, `Cannot write "${path}": no space left on the limited disk`);
    }
    file.bytes = end;
  }

  /** Takes the file of this name, or all files below it, out of the names; by what follows `path` in theirs. */
  #take(path: string): Map<string, Occupied> {
    const taken = new Map<string, Occupied>();
    for (const [name, file] of this.#files) {
      if (name !== path && !name.startsWith(`${path}/`)) continue;
      taken.set(name.slice(path.length), file);
      this.#files.delete(name);
    }
    return taken;
  }
}
