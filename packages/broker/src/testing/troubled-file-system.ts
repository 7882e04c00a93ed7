/** The real file system with a switch for each kind of trouble that a test asks for. */
import { type FileHandle, type FileSystem, FileSystemError } from "@varve/log";

export interface Troubles {
  /** What `freeBytes` says; undefined: the truth. */
  freeBytes: number | undefined;
  /** Writes to paths that match wait for this promise. */
  holdWrite: { on: RegExp; until: Promise<void> } | undefined;
  /** Writes to paths that match fail as a full disk does. */
  noSpaceOn: RegExp | undefined;
  /** Opening paths that match fails as without a descriptor. */
  noDescriptorOn: RegExp | undefined;
  /** Syncs of paths that match fail. */
  failSyncOn: RegExp | undefined;
  /** Syncs of paths that match wait for this promise. */
  holdSync: { on: RegExp; until: Promise<void> } | undefined;
}

export function troubledFileSystem(inner: FileSystem): { fs: FileSystem; troubles: Troubles } {
  const troubles: Troubles = {
    freeBytes: undefined,
    holdWrite: undefined,
    noSpaceOn: undefined,
    noDescriptorOn: undefined,
    failSyncOn: undefined,
    holdSync: undefined,
  };
  const wrap = (handle: FileHandle): FileHandle => ({
    path: handle.path,
    read: (into, at) => handle.read(into, at),
    async write(chunks, at) {
      const held = troubles.holdWrite;
      if (held !== undefined && held.on.test(handle.path)) await held.until;
      if (troubles.noSpaceOn?.test(handle.path) === true) {
        throw new FileSystemError("NO_SPACE", handle.path, "No space left, says the test");
      }
      await handle.write(chunks, at);
    },
    async sync() {
      const held = troubles.holdSync;
      if (held !== undefined && held.on.test(handle.path)) await held.until;
      if (troubles.failSyncOn?.test(handle.path) === true) {
        throw new FileSystemError("IO", handle.path, "The sync failed, says the test");
      }
      await handle.sync();
    },
    truncate: (sizeBytes) => handle.truncate(sizeBytes),
    size: () => handle.size(),
    close: () => handle.close(),
  });
  const fs: FileSystem = {
    async open(path, mode) {
      if (troubles.noDescriptorOn?.test(path) === true) {
        throw new FileSystemError("TOO_MANY_FILES", path, "No descriptor left, says the test");
      }
      return wrap(await inner.open(path, mode));
    },
    mkdir: (path) => inner.mkdir(path),
    readdir: (path) => inner.readdir(path),
    rename: (from, to) => inner.rename(from, to),
    unlink: (path) => inner.unlink(path),
    removeTree: (path) => inner.removeTree(path),
    syncDirectory: (path) => inner.syncDirectory(path),
    stat: (path) => inner.stat(path),
    freeBytes: (path) =>
      troubles.freeBytes === undefined ? inner.freeBytes(path) : Promise.resolve(troubles.freeBytes),
  };
  return { fs, troubles };
}
