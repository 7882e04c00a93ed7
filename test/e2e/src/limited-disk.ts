// A disk of a given size: the real file system, on which writes fail with NO_SPACE once the files under one directory would
// exceed a capacity. It may lie about what is free, as quotas and thin volumes do; then only the failed write tells.

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { FileSystemError, nodeFileSystem } from "@varve/log";
import type { FileHandle, FileSystem, OpenMode } from "@varve/log";

export class LimitedDisk implements FileSystem {
  readonly #real = nodeFileSystem();
  readonly #directory: string;
  /** Bytes of all files under the directory, as far as they were written through here. */
  readonly #sizes = new Map<string, number>();
  capacityBytes: number;
  /** Reports more free bytes than there are. */
  lies = false;
  /** Writes that failed for want of space. */
  refusals = 0;

  constructor(directory: string, capacityBytes: number) {
    this.#directory = directory;
    this.capacityBytes = capacityBytes;
  }

  get usedBytes(): number {
    let used = 0;
    for (const size of this.#sizes.values()) used += size;
    return used;
  }

  async open(path: string, mode: OpenMode): Promise<FileHandle> {
    const real = await this.#real.open(path, mode);
    if (mode !== "read") this.#sizes.set(path, await real.size());
    return {
      path,
      read: (into, at) => real.read(into, at),
      write: async (chunks, at) => {
        this.#grow(
          path,
          chunks.reduce((end, chunk) => end + chunk.length, at),
        );
        await real.write(chunks, at);
      },
      truncate: async (sizeBytes) => {
        this.#grow(path, sizeBytes);
        await real.truncate(sizeBytes);
        this.#sizes.set(path, sizeBytes);
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
    await this.#measure();
  }

  async unlink(path: string): Promise<void> {
    await this.#real.unlink(path);
    await this.#measure();
  }

  async removeTree(path: string): Promise<void> {
    await this.#real.removeTree(path);
    await this.#measure();
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

  #grow(path: string, end: number): void {
    const before = this.#sizes.get(path) ?? 0;
    if (end <= before) return;
    if (this.usedBytes + end - before > this.capacityBytes) {
      this.refusals += 1;
      throw new FileSystemError("NO_SPACE", path, `Cannot write "${path}": no space left on the limited disk`);
    }
    this.#sizes.set(path, end);
  }

  /** Names have moved or gone: counts anew what is there. */
  async #measure(): Promise<void> {
    this.#sizes.clear();
    for (const name of await readdir(this.#directory, { recursive: true })) {
      const path = join(this.#directory, name);
      // It may have been removed since it was listed.
      const found = await stat(path).catch(() => undefined);
      if (found?.isFile() === true && !name.startsWith("metadata") && !name.startsWith("lock")) {
        this.#sizes.set(path, found.size);
      }
    }
  }
}
