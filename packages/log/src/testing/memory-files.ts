/** Files in memory that can be read and listed, nothing else: for tests that open thousands of damaged variants. */
import { FileSystemError } from "../file-system.ts";
import type { FileHandle, FileStatus, FileSystem } from "../file-system.ts";

export class MemoryFiles implements FileSystem {
  /** By path; change it at will. */
  readonly files = new Map<string, Uint8Array>();

  open(path: string): Promise<FileHandle> {
    const bytes = this.files.get(path);
    if (bytes === undefined) return Promise.reject(new FileSystemError("NOT_FOUND", path, `Cannot open "${path}"`));
    const refuse = (): Promise<never> => this.#refuse(path);
    return Promise.resolve({
      path,
      read(into, at) {
        const part = bytes.subarray(at, at + into.length);
        into.set(part);
        return Promise.resolve(part.length);
      },
      size: () => Promise.resolve(bytes.length),
      close: () => Promise.resolve(),
      write: refuse,
      sync: refuse,
      truncate: refuse,
    });
  }

  readdir(path: string): Promise<string[]> {
    const prefix = `${path}/`;
    const below = [...this.files.keys()].filter((name) => name.startsWith(prefix));
    return Promise.resolve([...new Set(below.map((name) => name.slice(prefix.length).split("/")[0] ?? ""))].sort());
  }

  stat(path: string): Promise<FileStatus | undefined> {
    const bytes = this.files.get(path);
    if (bytes !== undefined) return Promise.resolve({ sizeBytes: bytes.length, modifiedMs: 0, isDirectory: false });
    const isDirectory = [...this.files.keys()].some((name) => name.startsWith(`${path}/`));
    return Promise.resolve(isDirectory ? { sizeBytes: 0, modifiedMs: 0, isDirectory } : undefined);
  }

  mkdir(path: string): Promise<void> {
    return this.#refuse(path);
  }
  rename(path: string): Promise<void> {
    return this.#refuse(path);
  }
  unlink(path: string): Promise<void> {
    return this.#refuse(path);
  }
  removeTree(path: string): Promise<void> {
    return this.#refuse(path);
  }
  syncDirectory(path: string): Promise<void> {
    return this.#refuse(path);
  }
  freeBytes(path: string): Promise<number> {
    return this.#refuse(path);
  }

  #refuse(path: string): Promise<never> {
    return Promise.reject(
      new FileSystemError("PERMISSION", path, `Cannot change "${path}": it is only there to be read`),
    );
  }
}
