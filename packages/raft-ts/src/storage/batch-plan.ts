// SPDX-License-Identifier: Apache-2.0
// What a batch does to the head and to the database, decided before anything is written. Pure: the rules that a batch must keep
// are asserted here, and what is refused here was never begun.

import { must } from "../core/raft-fatal.ts";
import type { BootState, Entry, PersistBatch, SnapMeta } from "../core/types.ts";
import type { FenceSlot } from "./fence.ts";
import type { Operation } from "./level-database.ts";
import { encodeEntry, entryKey, type Head, type IdentityRecord, type SnapshotRecord } from "./records.ts";

/** Of a directory that holds nothing. */
export const emptyHead: Head = {
  seq: 0,
  term: 0,
  vote: null,
  commit: 0,
  firstIndex: 1,
  lastIndex: 0,
  lastTerm: 0,
  lastChain: 0,
  baseTerm: 0,
  baseChain: 0,
  snapshotIndex: 0,
  identityCrc: 0,
  snapshotCrc: 0,
};

/** Where a log ends. */
export type LogEnd = Pick<Head, "lastIndex" | "lastTerm" | "lastChain">;

export interface BatchPlan {
  readonly head: Head;
  readonly operations: Operation[];
}

/**
 * `staged` is what the batch installs, `cut` where the log ends after its truncation; undefined where the batch has none. The
 * head's number is not counted up yet.
 */
export function planBatch(
  before: Head,
  batch: PersistBatch,
  { staged, cut }: { staged: SnapshotRecord | undefined; cut: LogEnd | undefined },
): BatchPlan {
  const { hard, entries, install } = batch;
  must(hard.term >= before.term, "E1", "the term never falls");
  must(
    hard.term > before.term || before.vote === null || before.vote === hard.vote,
    "E2",
    "there is one vote in a term",
  );
  const operations: Operation[] = [];
  let head: Head = { ...before, term: hard.term, vote: hard.vote, commit: hard.commit };
  if (install !== null) {
    must(entries.length === 0 && batch.truncateFrom === null, "S9", "an install is a batch of its own");
    must(staged !== undefined, "S9", "what is installed was staged");
    must(staged.description.meta.index > before.snapshotIndex, "S6", "an installed snapshot is newer");
    head = behindSnapshot(head, staged);
  } else {
    head = appendEntries(operations, { ...head, ...cut }, entries);
  }
  // What lies below the new start goes later, as after a compaction.
  deleteEntries(operations, head.lastIndex + 1, before.lastIndex);
  must(head.commit <= head.lastIndex, "C4", "nothing is committed beyond the log");
  must(head.lastTerm <= head.term, "L4", "no entry has a term above the node's");
  return { head, operations };
}

/** The log is empty behind the snapshot (S6). */
export function behindSnapshot(head: Head, { description }: SnapshotRecord): Head {
  const { meta, chain } = description;
  const { index, term } = meta;
  return {
    ...head,
    firstIndex: index + 1,
    lastIndex: index,
    lastTerm: term,
    lastChain: chain,
    baseTerm: term,
    baseChain: chain,
  };
}

export function bootState(
  head: Head,
  snapshot: SnapMeta | null,
  log: Pick<BootState, "termRuns" | "configs" | "tail">,
): BootState {
  const { term, vote, commit, firstIndex, lastIndex } = head;
  return {
    hard: { term, vote, commit },
    snapshot,
    firstIndex,
    lastIndex,
    ...log,
    applied: snapshot?.index ?? 0,
    suspect: false,
  };
}

export function fenceSlot(identity: IdentityRecord, head: Head, headCrc: number): FenceSlot {
  const { seq, term, commit, firstIndex, lastIndex, lastTerm, lastChain } = head;
  return { seq, term, commit, firstIndex, lastIndex, lastTerm, lastChain, headCrc, dirId: identity.dirId };
}

function appendEntries(operations: Operation[], head: Head, entries: readonly Entry[]): Head {
  let { lastIndex, lastTerm, lastChain } = head;
  for (const entry of entries) {
    must(entry.index === lastIndex + 1, "L4", "indexes are contiguous");
    must(entry.term >= lastTerm, "L4", "terms never fall");
    const { value, chain } = encodeEntry(entry, lastChain);
    operations.push({ type: "put", key: entryKey(entry.index), value });
    lastIndex = entry.index;
    lastTerm = entry.term;
    lastChain = chain;
  }
  return { ...head, lastIndex, lastTerm, lastChain };
}

/** Both ends included. Few: what is truncated was not committed, and that is bounded (F6). */
function deleteEntries(operations: Operation[], from: number, to: number): void {
  for (let index = from; index <= to; index += 1) operations.push({ type: "del", key: entryKey(index) });
}
