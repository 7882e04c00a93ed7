/**
 * `journal/files` and `journal/files-copy`: which files of the journal there must be, and how long each of them is at least.
 *
 *   magic "VJF1" · version 1 · n × { size in bytes u64 }          slot 0, 1, 2 …; envelope of checked-file.ts
 *
 * Rounds that are gone with their bytes leave no gap when they were the last ones. So a file has its full size, synced, and
 * is in the list, durably, before the first round is written to it: one that is missing or shorter has lost bytes (J-6).
 * The list is there twice, so that one fault in it and one in a file that it lists are not overlooked together: what either copy
 * says is true. Without a copy that can be read nothing is concluded from sizes.
 */
import { decodeCheckedFile, encodeCheckedFile } from "./checked-file.ts";
import { LogError } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";
import { readSmallFile, replaceFile, syncNames } from "./small-files.ts";

const names = ["files", "files-copy"];
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

export interface JournalList {
  /** By slot; undefined when no copy can be read. */
  readonly sizes: readonly number[] | undefined;
  /** Both copies can be read and say the same. */
  readonly isWhole: boolean;
}

/** What the list in the journal's directory says. */
export async function readJournalList(fs: FileSystem, directory: string): Promise<JournalList> {
  const copies: (readonly number[])[] = [];
  for (const name of names) {
    const path = `${directory}/${name}`;
    const bytes = await readSmallFile(fs, path, fileBytesMax);
    const sizes = bytes === undefined ? undefined : decodeJournalList(bytes, path);
    if (sizes !== undefined) copies.push(sizes);
  }
  const [first, second] = copies;
  if (first === undefined) return { sizes: undefined, isWhole: false };
  const sizes = Array.from({ length: Math.max(...copies.map(({ length }) => length)) }, (_, slot) =>
    Math.max(...copies.map((copy) => copy[slot] ?? 0)),
  );
  const isSame = second?.length === first.length && second.every((sizeBytes, slot) => sizeBytes === first[slot]);
  return { sizes, isWhole: isSame };
}

/** Durable on return, and with it all names in the directory (F-12). One copy is whole at any time. */
export async function writeJournalList(fs: FileSystem, directory: string, sizes: readonly number[]): Promise<void> {
  for (const name of names) {
    await replaceFile(fs, directory, name, encodeJournalList(sizes));
    await syncNames(fs, directory);
  }
}
