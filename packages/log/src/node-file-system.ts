/**
 * The real disk: `node:fs` behind `FileSystem`.
 *
 * The callback functions are used, not `fs/promises`: those read and write more slowly, and a `FileHandle` that is
 * collected while open ends the process. Every operation runs on the thread pool, which is shared with LevelDB and DNS,
 * so how many are outstanding is the business of the caller (J-4).
 *
 * A descriptor number is reused by the kernel as soon as it is closed. An operation that came late would then write into
 * another file; therefore a handle counts what is under way, refuses what comes after `close`, and closes last.
 */
import * as fs from "node:fs";
import { FileSystemError } from "./file-system.ts";
import type { FileHandle, FileStatus, FileSystem, FileSystemErrorCode, OpenMode } from "./file-system.ts";
import { writeAll } from "./write-all.ts";

/** The file system of this machine. Stateless: all callers share one. Directory syncs need a POSIX system. */
export function nodeFileSystem(): FileSystem {
  return nodeFileSystemInstance;
}

const nodeFileSystemInstance: FileSystem = {
  async open(path, mode) {
    const fd = await call<number>("open", path, (done) => fs.open(path, openFlags[mode], 0o644, done));
    return new NodeFileHandle(fd, path);
  },
  async mkdir(path) {
    await call<string | undefined>("create directory", path, (done) => fs.mkdir(path, { recursive: true }, done));
  },
  async readdir(path) {
    const names = await call<string[]>("list", path, (done) => fs.readdir(path, done));
    return names.sort();
  },
  rename(from, to) {
    return callVoid(`rename to "${to}"`, from, (done) => fs.rename(from, to, done));
  },
  unlink(path) {
    return callVoid("remove", path, (done) => fs.unlink(path, done));
  },
  removeTree(path) {
    return callVoid("remove directory", path, (done) => fs.rm(path, { recursive: true, force: true }, done));
  },
  async syncDirectory(path) {
    const fd = await call<number>("open directory", path, (done) =>
      fs.open(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY, done),
    );
    try {
      await callVoid("sync directory", path, (done) => fs.fsync(fd, done));
    } finally {
      await callVoid("close directory", path, (done) => fs.close(fd, done));
    }
  },
  async stat(path) {
    try {
      const stats = await call<fs.Stats>("stat", path, (done) => fs.stat(path, done));
      return {
        sizeBytes: stats.size,
        modifiedMs: stats.mtimeMs,
        isDirectory: stats.isDirectory(),
      } satisfies FileStatus;
    } catch (error) {
      // A component of the path that is a file means as well that there is nothing at `path`.
      if (error instanceof FileSystemError && (error.code === "NOT_FOUND" || error.code === "NOT_A_DIRECTORY"))
        return undefined;
      throw error;
    }
  },
  async freeBytes(path) {
    const stats = await call<fs.StatsFs>("ask for free space of", path, (done) => fs.statfs(path, done));
    return stats.bavail * stats.bsize;
  },
};

const openFlags: Record<OpenMode, number> = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL,
};

class NodeFileHandle implements FileHandle {
  readonly path: string;
  readonly #fd: number;
  /** Operations handed to the thread pool that have not come back. */
  #underWay = 0;
  #closed: Promise<void> | undefined;
  #lastIsBack: (() => void) | undefined;

  constructor(fd: number, path: string) {
    this.#fd = fd;
    this.path = path;
  }

  read(into: Uint8Array, at: number): Promise<number> {
    return this.#counted(async () => {
      let filled = 0;
      while (filled < into.length) {
        const count = await call<number>("read", this.path, (done) =>
          fs.read(this.#fd, into, filled, into.length - filled, at + filled, done),
        );
        if (count === 0) break;
        filled += count;
      }
      return filled;
    });
  }

  write(chunks: readonly Uint8Array[], at: number): Promise<void> {
    return this.#counted(async () => {
      const complete = await writeAll(chunks, at, (group, position) =>
        writeGroup(this.#fd, this.path, group, position),
      );
      if (!complete) throw new FileSystemError("IO", this.path, `Cannot write "${this.path}": the system took no byte`);
    });
  }

  sync(): Promise<void> {
    return this.#counted(() => callVoid("sync", this.path, (done) => fs.fdatasync(this.#fd, done)));
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#counted(() => callVoid("truncate", this.path, (done) => fs.ftruncate(this.#fd, sizeBytes, done)));
  }

  size(): Promise<number> {
    return this.#counted(async () => {
      const stats = await call<fs.Stats>("stat", this.path, (done) => fs.fstat(this.#fd, done));
      return stats.size;
    });
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeLast();
    return this.#closed;
  }

  async #closeLast(): Promise<void> {
    if (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        this.#lastIsBack = resolve;
      });
    }
    await callVoid("close", this.path, (done) => fs.close(this.#fd, done));
  }

  async #counted<T>(run: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) {
      throw new FileSystemError("CLOSED", this.path, `Cannot use "${this.path}": the handle is closed`);
    }
    this.#underWay++;
    try {
      return await run();
    } finally {
      this.#underWay--;
      if (this.#underWay === 0) this.#lastIsBack?.();
    }
  }
}

function writeGroup(fd: number, path: string, group: Uint8Array[], at: number): Promise<number> {
  return call<number>("write", path, (done) => {
    const [only] = group;
    if (group.length === 1 && only !== undefined) fs.write(fd, only, 0, only.length, at, done);
    else fs.writev(fd, group, at, done);
  });
}

function call<T>(
  what: string,
  path: string,
  start: (done: (error: Error | null, value: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error === null) resolve(value);
      else reject(fileSystemError(what, path, error));
    });
  });
}

/** `fs.close` and its like call back with `undefined` or `null` when all is well. */
function callVoid(what: string, path: string, start: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => {
      if (error === null || error === undefined) resolve();
      else reject(fileSystemError(what, path, error));
    });
  });
}

function fileSystemError(what: string, path: string, cause: Error): FileSystemError {
  const systemCode = "code" in cause && typeof cause.code === "string" ? cause.code : "UNKNOWN";
  const code = errorCodes[systemCode] ?? "IO";
  return new FileSystemError(code, path, `Cannot ${what} "${path}": ${systemCode}${advice[code] ?? ""}`, { cause });
}

const advice: Partial<Record<FileSystemErrorCode, string>> = {
  NO_SPACE: ". Free space on this disk",
  TOO_MANY_FILES: ". Raise the limit of open files (ulimit -n)",
};

const errorCodes: Record<string, FileSystemErrorCode> = {
  ENOSPC: "NO_SPACE",
  EDQUOT: "NO_SPACE",
  ENOENT: "NOT_FOUND",
  EEXIST: "EXISTS",
  ENOTEMPTY: "EXISTS",
  EACCES: "PERMISSION",
  EPERM: "PERMISSION",
  EROFS: "PERMISSION",
  ENOTDIR: "NOT_A_DIRECTORY",
  EMFILE: "TOO_MANY_FILES",
  ENFILE: "TOO_MANY_FILES",
};
