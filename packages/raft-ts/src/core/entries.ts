// SPDX-License-Identifier: Apache-2.0
// Making entries, and what they weigh.

import type { Config, ConfigEntry, EmptyEntry, Entry, NormalEntry } from "./types.ts";

const nothing = new Uint8Array(0);

/** What an entry costs beside its payload, in memory, on disk and on the wire; an estimate, the same on every node. */
const overheadBytes = 32;
const memberBytes = 64;

export function normalEntry(index: number, term: number, data: Uint8Array): NormalEntry {
  return { type: "normal", index, term, data, config: null };
}

export function emptyEntry(index: number, term: number): EmptyEntry {
  return { type: "empty", index, term, data: nothing, config: null };
}

export function configEntry(index: number, term: number, config: Config): ConfigEntry {
  return { type: "config", index, term, data: nothing, config };
}

/** What `entry` counts in windows and caps, in bytes. */
export function entryBytes(entry: Entry): number {
  if (entry.config === null) return payloadBytes(entry.data);
  const { voters, votersOutgoing, learners, learnersNext } = entry.config;
  return overheadBytes + memberBytes * (voters.length + votersOutgoing.length + learners.length + learnersNext.length);
}

/** What a normal entry with `data` will count. */
export function payloadBytes(data: Uint8Array): number {
  return overheadBytes + data.byteLength;
}

export function totalBytes(entries: readonly Entry[]): number {
  let sum = 0;
  for (const entry of entries) sum += entryBytes(entry);
  return sum;
}
