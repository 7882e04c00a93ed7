/** Reading and replacing files that fit in memory whole. */
import type { FileSystem } from "./file-system.ts";

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
 * one. The caller syncs the directory before anything depends on which (F-12).
 */
export async function replaceFile(fs: FileSystem, directory: string, name: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${directory}/${name}.new`;
  if ((await fs.stat(temporary)) !== undefined) await fs.unlink(temporary);
  const handle = await fs.open(temporary, "create");
  try {
    await handle.write([bytes], 0);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await fs.rename(temporary, `${directory}/${name}`);
}
