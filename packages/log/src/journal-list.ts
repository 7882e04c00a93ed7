/**
 * `journal/files`: which files of the journal there must be, and how long each of them is at least.
 *
 *   magic "VJF1" · version 1 · n × { size in bytes u64 }          slot 0, 1, 2 …; envelope of checked-file.ts
 *
 * Rounds that are gone with their bytes leave no gap when they were the last ones. So a file has its full size, synced, and
 * is in the list, durably, before the first round is written to it: one that is missing or shorter has lost bytes (J-6).
 * Without the list, or with a bad one, nothing is concluded from sizes.
 */
import { decodeCheckedFile, encodeCheckedFile } from "./checked-file.ts";
import { LogError } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";
import { readSmallFile, replaceFile, syncNames } from "./small-files.ts";

const name = "files";
const magic = 0x31_46_4a_56; // "VJF1"
const version = 1;
const entryBytes = 8;
const fileBytesMax = 1024 * 1024;

/** The file's bytes, owned. `sizes` by slot. */
export function encodeJournalList(sizes: readonly number[]): Uint8Array {
  const payload = new Uint8Array(sizes.length * entryBytes);
  const view = new DataView(payload.buffer);
  for (const [slot, sizeBytes] of sizes.entries()) view.setBigUint64(slot * entryBytes, BigInt(sizeBytes), true);
  return encodeCheckedFile(magic, version, payload);
}

/** Sizes by slot; undefined when the file is bad. Errors: `UNKNOWN_VERSION`. */
export function decodeJournalList(bytes: Uint8Array, path: string): readonly number[] | undefined {
  const file = decodeCheckedFile(magic, version, bytes);
  if (file.kind === "unknown-version") {
    throw new LogError("UNKNOWN_VERSION", `Cannot read "${path}": ${file.why}. Use a newer Varve.`, { path });
  }
  if (file.kind !== "ok" || file.payload.length % entryBytes !== 0) return undefined;
  const { buffer, byteOffset, length } = file.payload;
  const view = new DataView(buffer, byteOffset, length);
  return Array.from({ length: length / entryBytes }, (_, slot) => Number(view.getBigUint64(slot * entryBytes, true)));
}

/** What the list in the journal's directory says; undefined when there is none that can be read. */
export async function readJournalList(fs: FileSystem, directory: string): Promise<readonly number[] | undefined> {
  const path = `${directory}/${name}`;
  const bytes = await readSmallFile(fs, path, fileBytesMax);
  return bytes === undefined ? undefined : decodeJournalList(bytes, path);
}

/** Durable on return, and with it all names in the directory (F-12). */
export async function writeJournalList(fs: FileSystem, directory: string, sizes: readonly number[]): Promise<void> {
  await replaceFile(fs, directory, name, encodeJournalList(sizes));
  await syncNames(fs, directory);
}
