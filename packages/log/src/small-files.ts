/** Reading and replacing files that fit in memory whole; and syncs whose failure nobody may overlook (J-14). */
import { LogError } from "./errors.ts";
import { isShortage } from "./file-system.ts";
import type { FileHandle, FileSystem } from "./file-system.ts";

/** The file's bytes, owned; undefined when it is not there. More than `bytesMax` is not read. */
export async function readSmallFile(fs: FileSystem, path: string, bytesMax: number): Promise<Uint8Array | undefined> {
  const status = await fs.stat(path);
  if (status === undefined || status.isDirectory) return undefined;
  const handle = await fs.open(path, "read");
  try {
    const bytes = new Uint8Array(Math.min(status.sizeBytes, bytesMax));
    return bytes.subarray(0, await handle.read(bytes, 0));
  } finally {
    await handle.close();
  }
}

/**
 * Puts a whole new file in the place of `name`: written beside it, synced, renamed. After a crash it is the old or the new
 * one. The caller syncs the directory before anything depends on which (F-12). Errors: `DISK_FAILED` when the sync failed,
 * and what the file system says.
 */
export async function replaceFile(fs: FileSystem, directory: string, name: string, bytes: Uint8Array): Promise<void> {
  await replace(fs, directory, name, bytes, (path, handle) => syncOrFail(path, () => handle.sync()));
}

/** The same without the sync: after a crash it is the old one, the new one, none, or broken. For copies that nobody needs. */
export async function replaceCopy(fs: FileSystem, directory: string, name: string, bytes: Uint8Array): Promise<void> {
  await replace(fs, directory, name, bytes, () => Promise.resolve());
}

async function replace(
  fs: FileSystem,
  directory: string,
  name: string,
  bytes: Uint8Array,
  settle: (path: string, handle: FileHandle) => Promise<void>,
): Promise<void> {
  const temporary = `${directory}/${name}.new`;
  if ((await fs.stat(temporary)) !== undefined) await fs.unlink(temporary);
  const handle = await fs.open(temporary, "create");
  try {
    await handle.write([bytes], 0);
    await settle(temporary, handle);
  } finally {
    await handle.close();
  }
  await fs.rename(temporary, `${directory}/${name}`);
}

/** Makes the names in a directory durable (F-12). Errors: `DISK_FAILED`, as a failed sync of a directory is a failed disk (J-7). */
export function syncNames(fs: FileSystem, directory: string): Promise<void> {
  return syncOrFail(directory, () => fs.syncDirectory(directory));
}

/**
 * J-14: after a failed sync nobody knows what is durable, and trying again proves nothing. One for which there was no descriptor
 * was never begun: that error is the caller's.
 */
export async function syncOrFail(path: string, sync: () => Promise<void>): Promise<void> {
  try {
    await sync();
  } catch (error) {
    if (isShortage(error) && error.code === "TOO_MANY_FILES") throw error;
    const message = `Sync of "${path}" failed. Nothing more is written to this disk.`;
    throw new LogError("DISK_FAILED", message, { path, cause: error });
  }
}
