/**
 * Descriptors of segments: opened when first used, closed when there are too many, never while in use.
 *
 * A file with bytes that are not synced yet is not closed either: an error of writing them back could go to a descriptor
 * that nobody has any more.
 */
import { FileSystemError } from "./file-system.ts";
import type { FileHandle, FileSystem } from "./file-system.ts";
import { ReadBuffers } from "./read-buffers.ts";

export interface OpenableFile {
  readonly path: string;
  /** Bytes were written that no sync has covered. */
  readonly isDirty: boolean;
  /** Its path is gone, or is another file's by now: it is not opened again. */
  readonly isRemoved?: boolean;
}

interface OpenFile {
  readonly handle: Promise<FileHandle>;
  users: number;
  forgotten: boolean;
}

/** Eight reads of 1 MiB, as many as there are commonly under way. */
const idleReadBytesMax = 8 << 20;

export class OpenFiles {
  /** What reads of these files lend to their callers. */
  readonly readBuffers = new ReadBuffers(idleReadBytesMax);
  readonly #fs: FileSystem;
  readonly #openMax: number;
  /** In the order of last use, oldest first. */
  readonly #open = new Map<OpenableFile, OpenFile>();

  constructor(fs: FileSystem, openMax: number) {
    this.#fs = fs;
    this.#openMax = openMax;
  }

  /** Runs `work` with the file open. A file that is forgotten meanwhile stays open until `work` has ended (J-16). */
  async use<T>(file: OpenableFile, work: (handle: FileHandle) => Promise<T>): Promise<T> {
    let open = this.#open.get(file);
    if (open === undefined && file.isRemoved === true) {
      throw new FileSystemError("NOT_FOUND", file.path, `"${file.path}" was removed, or replaced, by this process.`);
    }
    if (open === undefined) open = { handle: this.#openFile(file.path), users: 0, forgotten: false };
    else this.#open.delete(file);
    this.#open.set(file, open);
    open.users += 1;
    try {
      return await work(await open.handle);
    } catch (error) {
      // A descriptor that could not be opened is not kept: the next use tries again.
      if (open.users === 1 && this.#open.get(file) === open && !(await isOpen(open))) this.#open.delete(file);
      throw error;
    } finally {
      open.users -= 1;
      if (open.forgotten && open.users === 0) await closeQuietly(open);
      else if (this.#open.size > this.#openMax) await this.#closeIdle();
    }
  }

  /** Takes over a handle that was just made. */
  adopt(file: OpenableFile, handle: FileHandle): void {
    this.#open.set(file, { handle: Promise.resolve(handle), users: 0, forgotten: false });
  }

  /** The file is removed, or its partition is closed: close it as soon as nobody uses it. */
  async forget(file: OpenableFile): Promise<void> {
    const open = this.#open.get(file);
    if (open === undefined) return;
    this.#open.delete(file);
    open.forgotten = true;
    if (open.users === 0) await closeQuietly(open);
  }

  /** Others may have taken the descriptors that the limit reckons with: then one that is idle here has to go. */
  async #openFile(path: string): Promise<FileHandle> {
    for (;;) {
      try {
        return await this.#fs.open(path, "write");
      } catch (error) {
        if (!(error instanceof FileSystemError) || error.code !== "TOO_MANY_FILES") throw error;
        if (!(await this.#closeIdle())) throw error;
      }
    }
  }

  /** Closes the file that was used longest ago, if there is one that nobody uses. */
  async #closeIdle(): Promise<boolean> {
    for (const [file, open] of this.#open) {
      if (open.users > 0 || file.isDirty) continue;
      this.#open.delete(file);
      await closeQuietly(open);
      return true;
    }
    return false;
  }
}

async function isOpen(open: OpenFile): Promise<boolean> {
  return open.handle.then(
    () => true,
    () => false,
  );
}

async function closeQuietly(open: OpenFile): Promise<void> {
  try {
    await (await open.handle).close();
  } catch {
    // Nothing depends on a close: what must be durable was synced before, and the descriptor is gone either way.
  }
}
