// SPDX-License-Identifier: Apache-2.0
// Opening a storage only to see all that it holds, in a form that can be compared; and writing to it with few words.

import { configEntry, normalEntry } from "../core/entries.ts";
import type { Config, Entry, HardState, PersistBatch } from "../core/types.ts";
import type { ClusterDocument, OpenedStorage, Storage } from "../runtime/ports.ts";
import { crc32c } from "../storage/crc32c.ts";

/** All that a storage tells: what it opened with, the log from its first entry, the bytes of its snapshot. */
export interface StorageContents {
  readonly opened: OpenedStorage;
  readonly entries: readonly string[];
  /** Length and checksum. */
  readonly snapshot: string | null;
}

/** Opens it, reads everything, closes it. Suspect storage has no contents. */
export async function readContents(storage: Storage): Promise<StorageContents> {
  try {
    const opened = await storage.open();
    if (opened.health.state === "suspect") return { opened, entries: [], snapshot: null };
    const entries = (await readEntries(storage, opened)).map(entryLine);
    return { opened: withoutTail(opened), entries, snapshot: await readBytes(storage) };
  } finally {
    await storage.close();
  }
}

/** The whole log. */
export async function readEntries(storage: Storage, { boot }: OpenedStorage): Promise<Entry[]> {
  const log: Entry[] = [];
  for (let next = boot.firstIndex; next <= boot.lastIndex;) {
    const entries = await storage.entries(next, boot.lastIndex + 1, 256 * 1024);
    if (entries.length === 0) throw new Error(`Entry ${next} of ${boot.lastIndex} is not given out`);
    log.push(...entries);
    next += entries.length;
  }
  return log;
}

/** Length and checksum of the newest snapshot's bytes. */
export async function readBytes(storage: Storage): Promise<string | null> {
  const reader = await storage.snapshots.open();
  if (reader === null) return null;
  try {
    let crc = 0;
    let size = 0;
    for await (const chunk of reader.chunks(0)) {
      crc = crc32c(chunk, 0, chunk.length, crc);
      size += chunk.length;
    }
    return `${size} ${crc}`;
  } finally {
    await reader.close();
  }
}

/** The tail's bytes are views of buffers: compared as entries. */
function withoutTail(opened: OpenedStorage): OpenedStorage {
  return { ...opened, boot: { ...opened.boot, tail: [] } };
}

export function entryLine({ index, term, type, data, config }: Entry): string {
  return `${index}@${term} ${type} ${data.length} ${crc32c(data)}${config === null ? "" : ` ${JSON.stringify(config)}`}`;
}

export const sessionPeer = `n1@${"1".repeat(32)}`;

export const sessionDocument: ClusterDocument = {
  clusterId: "session",
  voters: [{ id: sessionPeer, address: "127.0.0.1:1" }],
};

export const sessionConfig: Config = {
  voters: [sessionPeer],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  addresses: sessionDocument.voters,
};

/** A batch, with what it does not say left out. */
export function batchOf(hard: HardState, rest: Partial<PersistBatch> = {}): PersistBatch {
  return { seq: 0, hard, truncateFrom: null, entries: [], install: null, after: [], ...rest };
}

/** `count` entries from `index` on, each of `bytes` bytes that no other entry has; every seventh is a configuration. */
export function entriesFrom(index: number, count: number, term: number, bytes: number): Entry[] {
  return Array.from({ length: count }, (_, at) => {
    const next = index + at;
    return next % 7 === 0
      ? configEntry(next, term, sessionConfig)
      : normalEntry(next, term, payload(next, term, bytes));
  });
}

/** `bytes` bytes in pieces of up to 40000. */
export async function* stateOf(seed: number, bytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes; at += 40_000) yield payload(seed + at, seed, Math.min(40_000, bytes - at));
}

function payload(a: number, b: number, bytes: number): Uint8Array {
  const data = new Uint8Array(bytes);
  let state = (Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b)) | 1;
  for (let at = 0; at < bytes; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    data[at] = state;
  }
  return data;
}
