/**
 * How long the disk has owed an answer (B-10). A file system that hands everything on, and remembers since when its oldest write or sync
 * is under way: a disk that hangs fails nothing, so nobody else would notice. Reads are not looked at; a slow reader harms itself alone.
 *
 * Group commits are told apart from the rest: somebody waits for them, and they are small. The sync of a segment may have gigabytes to
 * write, and take its time on a disk that is well.
 */
import { type FileHandle, type FileSystem, FileSystemError } from "@varve/log";

export class DiskWatch {
  readonly fs: FileSystem;
  readonly #monotonicMs: () => number;
  readonly #isGroupCommit: (path: string) => boolean;
  /** When each write or sync that is under way began; in that order. */
  readonly #groupCommits = new Map<number, number>();
  readonly #others = new Map<number, number>();
  #begun = 0;
  #fullMs = -Infinity;

  constructor(
    inner: FileSystem,
    options: { readonly monotonicMs: () => number; readonly isGroupCommit: (path: string) => boolean },
  ) {
    this.#monotonicMs = options.monotonicMs;
    this.#isGroupCommit = options.isGroupCommit;
    this.fs = {
      open: async (path, mode) => this.#watched(await inner.open(path, mode)),
      mkdir: (path) => inner.mkdir(path),
      readdir: (path) => inner.readdir(path),
      rename: (from, to) => inner.rename(from, to),
      unlink: (path) => inner.unlink(path),
      removeTree: (path) => inner.removeTree(path),
      syncDirectory: (path) => this.#watch(this.#others, inner.syncDirectory(path)),
      stat: (path) => inner.stat(path),
      freeBytes: (path) => inner.freeBytes(path),
    };
  }

  /** Of the oldest write or sync of a group commit; 0 when none is under way. */
  get groupCommitMs(): number {
    return this.#oldest(this.#groupCommits);
  }

  /** Of the oldest other write or sync. */
  get othersMs(): number {
    return this.#oldest(this.#others);
  }

  /** Since something last failed for want of room; Infinity when nothing has (H-13). Quotas and thin volumes tell in no other way. */
  get sinceFullMs(): number {
    return this.#monotonicMs() - this.#fullMs;
  }

  #oldest(underWay: ReadonlyMap<number, number>): number {
    for (const sinceMs of underWay.values()) return this.#monotonicMs() - sinceMs;
    return 0;
  }

  #watched(handle: FileHandle): FileHandle {
    const underWay = this.#isGroupCommit(handle.path) ? this.#groupCommits : this.#others;
    return {
      path: handle.path,
      read: (into, at) => handle.read(into, at),
      write: (chunks, at) => this.#watch(underWay, handle.write(chunks, at)),
      sync: () => this.#watch(underWay, handle.sync()),
      truncate: (sizeBytes) => handle.truncate(sizeBytes),
      size: () => handle.size(),
      close: () => handle.close(),
    };
  }

  #watch(underWay: Map<number, number>, operation: Promise<void>): Promise<void> {
    const number = this.#begun++;
    underWay.set(number, this.#monotonicMs());
    const end = (): void => void underWay.delete(number);
    operation.then(end, (error: unknown) => {
      end();
      if (error instanceof FileSystemError && error.code === "NO_SPACE") this.#fullMs = this.#monotonicMs();
    });
    return operation;
  }
}
