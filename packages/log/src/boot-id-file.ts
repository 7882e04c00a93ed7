/** `boot-id`: under which kernel the store was last opened. If it is the running one, its page cache was never lost (J-13). */
import { decodeCheckedFile, encodeCheckedFile } from "./checked-file.ts";
import type { FileSystem } from "./file-system.ts";
import { readSmallFile, replaceFile } from "./small-files.ts";

const name = "boot-id";
const magic = 0x31_49_42_56; // "VBI1"
const version = 1;

/** Undefined when there is none, or none that can be read. */
export async function readBootId(fs: FileSystem, directory: string): Promise<string | undefined> {
  const bytes = await readSmallFile(fs, `${directory}/${name}`, 65_536);
  const file = bytes === undefined ? undefined : decodeCheckedFile(magic, version, bytes);
  return file?.kind === "ok" ? new TextDecoder().decode(file.payload) : undefined;
}

/** Durable on return. */
export async function writeBootId(fs: FileSystem, directory: string, bootId: string): Promise<void> {
  await replaceFile(fs, directory, name, encodeCheckedFile(magic, version, new TextEncoder().encode(bootId)));
  await fs.syncDirectory(directory);
}
