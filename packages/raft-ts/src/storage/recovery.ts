// SPDX-License-Identifier: Apache-2.0
/**
 * What must hold for a directory to be trusted (D-3, D-4), checked from the outside in:
 *
 *   fence ──▶ head ──▶ identity record
 *                ├───▶ snapshot record ──▶ snapshot file, all of it
 *                └───▶ base chain ─▶ entry ─▶ entry ─▶ … ─▶ last chain
 *
 * Each arrow is a checksum or a chain value on one side and the bytes on the other. Whatever does not fit is damage: nothing
 * here repairs, and nothing cuts back to "the last good entry", for what is lost may be what was promised.
 */

import { entryBytes } from "../core/entries.ts";
import type { Config, Entry, TermRun } from "../core/types.ts";
import type { FenceSlot } from "./fence.ts";
import type { LevelDatabase } from "./level-database.ts";
import {
  decodeEntry,
  decodeHead,
  decodeIdentity,
  decodeSnapshot,
  entryKey,
  entryKeyIndex,
  headKey,
  identityKey,
  snapshotKey,
  type Head,
  type IdentityRecord,
  type SnapshotRecord,
} from "./records.ts";
import { damaged } from "./storage-error.ts";

export interface StoredRecords {
  readonly identity: IdentityRecord;
  readonly head: Head;
  readonly headCrc: number;
  readonly snapshot: SnapshotRecord | null;
}

export interface LogEntryAt {
  readonly entry: Entry;
  readonly chain: number;
}

/** Reads the three records. Rejects with `StorageError` "damaged" when they do not fit each other. */
export async function readRecords(database: LevelDatabase): Promise<StoredRecords> {
  const headBytes = await database.get(headKey);
  if (headBytes === undefined) throw damaged("the head is gone from the database");
  const head = decodeHead(headBytes);
  const identityBytes = await database.get(identityKey);
  if (identityBytes === undefined || sealOf(identityBytes) !== head.identityCrc) {
    throw damaged("the identity in the database is not the one the head was written with");
  }
  const identity = decodeIdentity(identityBytes);
  const snapshotBytes = await database.get(snapshotKey);
  if ((snapshotBytes === undefined ? 0 : sealOf(snapshotBytes)) !== head.snapshotCrc) {
    throw damaged("the snapshot named in the database is not the one the head was written with");
  }
  const snapshot = snapshotBytes === undefined ? null : decodeSnapshot(snapshotBytes);
  checkHead(head, snapshot);
  return { identity, head, headCrc: sealOf(headBytes), snapshot };
}

/**
 * Holds the records against the fence. Throws `StorageError` "damaged" when something promised is missing.
 *
 * @returns whether the head is of the batch after the fence's: a crash came between the two, and nobody was promised it
 */
export function compareWithFence(records: StoredRecords, fence: FenceSlot | "missing"): boolean {
  const { head, headCrc, identity } = records;
  if (fence === "missing") {
    // It is made right after the first batch, which promises nothing.
    if (head.seq === 0) return true;
    throw damaged(`the fence is gone, and ${head.seq} batches were written`);
  }
  if (fence.dirId !== identity.dirId) {
    throw damaged(`the fence is of directory ${fence.dirId}, the database of directory ${identity.dirId}`);
  }
  if (head.seq === fence.seq + 1) return true;
  if (head.seq === fence.seq && headCrc === fence.headCrc) return false;
  if (head.seq === fence.seq) throw damaged(`head and fence differ in batch ${head.seq}`);
  throw damaged(
    head.seq < fence.seq
      ? `the database ends with batch ${head.seq}, but batch ${fence.seq} was promised: LevelDB lost what came after`
      : `the fence ends with batch ${fence.seq}, but the database with batch ${head.seq}`,
  );
}

/**
 * The whole log, some entries at a time, each one checked against the one before, the last one against the head, and the snapshot
 * against the entry it was taken at. Throws `StorageError` "damaged" at the first thing that does not fit.
 */
export async function* readLog(
  database: LevelDatabase,
  { head, snapshot }: Pick<StoredRecords, "head" | "snapshot">,
): AsyncGenerator<readonly LogEntryAt[], void, undefined> {
  let index = head.firstIndex - 1;
  let term = head.baseTerm;
  let chain = head.baseChain;
  const covered = snapshot?.description;
  const checkSnapshotAt = (): void => {
    if (covered === undefined || covered.meta.index !== index) return;
    if (covered.meta.term === term && covered.chain === chain) return;
    throw damaged(`the snapshot after entry ${index} is of another log`);
  };
  checkSnapshotAt();
  for await (const page of database.pages(entryKey(head.firstIndex), entryKey(head.lastIndex + 1))) {
    const entries: LogEntryAt[] = [];
    try {
      for (const [key, value] of page) {
        index += 1;
        if (entryKeyIndex(key) !== index) throw damaged(`entry ${index} is missing`);
        const at = decodeEntry(value, index, chain);
        if (at.entry.term < term || at.entry.term > head.term) {
          throw damaged(`entry ${index} has term ${at.entry.term}, after ${term} and in term ${head.term}`);
        }
        term = at.entry.term;
        chain = at.chain;
        checkSnapshotAt();
        entries.push(at);
      }
    } catch (error) {
      // For whoever wants to know how far it is whole.
      if (entries.length > 0) yield entries;
      throw error;
    }
    yield entries;
  }
  if (index !== head.lastIndex) throw damaged(`entries ${index + 1} to ${head.lastIndex} are missing`);
  if (chain !== head.lastChain || term !== head.lastTerm) {
    throw damaged(`the log does not end as the head says: entry ${index} is another one`);
  }
}

export interface LogSummary {
  readonly termRuns: readonly TermRun[];
  readonly configs: readonly { readonly index: number; readonly config: Config }[];
  /** The newest entries, up to so many bytes. */
  readonly tail: readonly Entry[];
}

/** What the core wants to know of a log that is whole. */
export async function summarizeLog(
  database: LevelDatabase,
  records: Pick<StoredRecords, "head" | "snapshot">,
  tailBytes: number,
): Promise<LogSummary> {
  const { head } = records;
  const termRuns: TermRun[] = head.firstIndex > 1 ? [{ start: head.firstIndex - 1, term: head.baseTerm }] : [];
  const configs: { index: number; config: Config }[] = [];
  const tail: Entry[] = [];
  let bytes = 0;
  for await (const page of readLog(database, records)) {
    for (const { entry } of page) {
      const { index, term } = entry;
      if (termRuns.at(-1)?.term !== term) termRuns.push({ start: index, term });
      if (entry.config !== null) configs.push({ index, config: entry.config });
      tail.push(entry);
      bytes += entryBytes(entry);
    }
    let drop = 0;
    while (bytes > tailBytes) {
      bytes -= entryBytes(tail[drop]!);
      drop += 1;
    }
    tail.splice(0, drop);
  }
  return { termRuns, configs, tail };
}

/** CRC at the end of a sealed record. */
export function sealOf(bytes: Uint8Array): number {
  if (bytes.length < 4) throw damaged("a record is cut short");
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(bytes.length - 4);
}

function checkHead(head: Head, snapshot: SnapshotRecord | null): void {
  const { firstIndex, lastIndex } = head;
  const covered = snapshot?.description.meta.index ?? 0;
  if (head.snapshotIndex !== covered) {
    throw damaged(`the head names a snapshot after entry ${head.snapshotIndex}, the database one after ${covered}`);
  }
  if (firstIndex < 1 || lastIndex < firstIndex - 1) {
    throw damaged(`the head says that the log begins at ${firstIndex} and ends at ${lastIndex}`);
  }
  if (covered < firstIndex - 1) throw damaged(`the log begins at ${firstIndex}, but the snapshot ends at ${covered}`);
  if (covered > lastIndex) throw damaged(`the log ends at ${lastIndex}, below the snapshot after ${covered}`);
  if (head.commit > lastIndex) throw damaged(`entry ${head.commit} was committed, but the log ends at ${lastIndex}`);
  if (head.lastTerm > head.term) throw damaged(`the log ends in term ${head.lastTerm}, above the term ${head.term}`);
}
