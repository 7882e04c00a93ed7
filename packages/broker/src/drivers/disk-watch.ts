/**
 * How long the disk has owed an answer (B-10). A file system that hands everything on, and remembers since when its oldest write or sync
 * is under way: a disk that hangs fails nothing, so nobody else would notice. Reads are not looked at; a slow reader harms itself alone.
 */
import type { FileHandle, FileSystem } from "@varve/log";

export class DiskWatch {
  readonly fs: FileSystem;
  readonly #monotonicMs: () => number;
  /** When each write or sync that is under way began; in that order. */
  readonly #underWay = new Map<number, number>();
  #begun = 0;

  constructor(inner: FileSystem, monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
    this.fs = {
      open: async (path, mode) => this.#watched(await inner.open(path, mode)),
      mkdir: (path) => inner.mkdir(path),
      readdir: (path) => inner.readdir(path),
      rename: (from, to) => inner.rename(from, to),
      unlink: (path) => inner.unlink(path),
      removeTree: (path) => inner.removeTree(path),
      syncDirectory: (path) => this.#watch(inner.syncDirectory(path)),
      stat: (path) => inner.stat(path),
      freeBytes: (path) => inner.freeBytes(path),
    };
  }

  /** Of the oldest write or sync that is under way; 0 when there is none. */
  get owedMs(): number {
    for (const sinceMs of this.#underWay.values()) return this.#monotonicMs() - sinceMs;
    return 0;
  }

  #watched(handle: FileHandle): FileHandle {
    return {
      path: handle.path,
      read: (into, at) => handle.read(into, at),
      write: (chunks, at) => this.#watch(handle.write(chunks, at)),
      sync: () => this.#watch(handle.sync()),
      truncate: (sizeBytes) => handle.truncate(sizeBytes),
      size: () => handle.size(),
      close: () => handle.close(),
    };
  }

  #watch(operation: Promise<void>): Promise<void> {
    const number = this.#begun++;
    this.#underWay.set(number, this.#monotonicMs());
    const end = (): void => void this.#underWay.delete(number);
    operation.then(end, end);
    return operation;
  }
}
