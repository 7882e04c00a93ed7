// SPDX-License-Identifier: Apache-2.0
// What leaves the core, and what comes back about it. One batch is on its way to disk at a time; whatever arrives meanwhile
// forms the next: that is the group commit (P4). Promises leave after the batch that makes them true (P1).

import { entryBytes, totalBytes } from "./entries.ts";
import { checkState } from "./invariants.ts";
import { must } from "./raft-fatal.ts";
import { wantsRound } from "./read-index.ts";
import { broadcastHeartbeat, checkRead, pumpAppends } from "./replication.ts";
import { installed } from "./snapshotting.ts";
import type { CoreState } from "./state.ts";
import type { ApplyBatch, Entry, Message, PersistBatch, Ready, SnapMeta, SoftState } from "./types.ts";

/** `applyFetch` after a read from disk that came back empty: wait for a tick. */
const fetchLater = -1;

/** Handed out in place of every list that is empty: a list of the core's own would be filled later. */
const nothing: readonly never[] = Object.freeze([]);

function handedOut<T>(list: readonly T[]): readonly T[] {
  return list.length > 0 ? list : nothing;
}

const noSoftState: SoftState = { role: "follower", leader: null, term: -1, active: false };

export class ReadyBuilder {
  readonly #s: CoreState;
  /** What the last `Ready` said. */
  #soft = noSoftState;

  constructor(state: CoreState) {
    this.#s = state;
  }

  hasReady(): boolean {
    const s = this.#s;
    if (s.suspect) return false;
    this.#gather();
    return (
      s.send.length > 0 ||
      s.confirmed.length > 0 ||
      s.failed.length > 0 ||
      s.fetch.length > 0 ||
      s.sendSnapshot.length > 0 ||
      s.discard.length > 0 ||
      this.#wantsPersist() ||
      this.#mayApply() ||
      (s.restore !== null && !s.restoreHandedOut) ||
      this.#softChanged()
    );
  }

  ready(): Ready {
    const s = this.#s;
    if (!s.suspect) this.#gather();
    const persist = s.suspect || !this.#wantsPersist() ? null : this.#persist();
    const apply = s.suspect || !this.#mayApply() ? null : this.#apply();
    const ready: Ready = {
      send: handedOut(s.send),
      persist,
      apply,
      restore: s.suspect ? null : this.#restore(),
      reads: handedOut(s.confirmed),
      failed: handedOut(s.failed),
      fetch: handedOut(s.fetch),
      sendSnapshot: handedOut(s.sendSnapshot),
      discard: handedOut(s.discard),
      soft: this.#softState(),
    };
    // L13: what was handed out is not touched again.
    if (s.send.length > 0) s.send = [];
    if (s.confirmed.length > 0) s.confirmed = [];
    if (s.failed.length > 0) s.failed = [];
    if (s.fetch.length > 0) s.fetch = [];
    if (s.sendSnapshot.length > 0) s.sendSnapshot = [];
    if (s.discard.length > 0) s.discard = [];
    checkState(s);
    return ready;
  }

  /** The batch is durable. Returns the messages to this node itself: its own vote, its own acknowledgement (E4, C2). */
  persisted(seq: number): readonly Message[] {
    const s = this.#s;
    const { outstanding } = s;
    must(outstanding !== null && outstanding.batch.seq === seq, "P4", "the one batch under way became durable");
    s.outstanding = null;
    s.persistAge = 0;
    s.stalled = false;
    if (outstanding.batch.install === null) s.log.persisted(outstanding.lastIndex, outstanding.lastTerm);
    else installed(s);
    const local: Message[] = [];
    for (const message of outstanding.batch.after) {
      if (message.to === s.self) local.push(message);
      else if (message.type !== "SnapDone") s.send.push(message);
    }
    return local;
  }

  applied(index: number): void {
    const s = this.#s;
    const batch = s.applyQueue.shift();
    must(batch !== undefined && batch.lastIndex === index, "C6", "batches are applied whole and in order");
    s.applyBytes -= batch.bytes;
    s.applied = index;
  }

  /** Entries for this node's own state machine came from disk. */
  applyRead(token: number, entries: readonly Entry[]): void {
    const s = this.#s;
    if (token !== s.applyFetch) return;
    const first = entries[0];
    s.applyFetch = first === undefined ? fetchLater : 0;
    if (first === undefined || first.index !== s.applying + 1) return;
    checkRead(s, entries);
    s.applyRead = entries;
  }

  tick(): void {
    if (this.#s.applyFetch === fetchLater) this.#s.applyFetch = 0;
  }

  /** Turns what is pending into messages and requests. Doing it twice does nothing twice. */
  #gather(): void {
    const s = this.#s;
    if (s.role === "leader") {
      if (s.pump) pumpAppends(s);
      if (wantsRound(s)) broadcastHeartbeat(s);
    }
    if (s.after.length > 0 && s.outstanding === null && !this.#dirty()) {
      // All of it is durable already.
      for (const message of s.after) {
        must(
          message.to !== s.self && message.type !== "SnapDone",
          "P1",
          "a node's promise to itself is part of a batch",
        );
        s.send.push(message);
      }
      s.after = [];
    }
    if (this.#lacksEntriesToApply()) {
      s.fetchTokens += 1;
      s.applyFetch = s.fetchTokens;
      const lo = s.applying + 1;
      const hi = Math.min(s.log.cachedFrom, this.#applyLimit() + 1);
      s.fetch.push({ to: null, lo, hi, maxBytes: s.config.maxApplyBytes, token: s.applyFetch });
    }
  }

  // ---- Disk ----

  #dirty(): boolean {
    const s = this.#s;
    return s.install !== null || s.log.dirty || s.term !== s.handedTerm || s.vote !== s.handedVote;
  }

  #wantsPersist(): boolean {
    return this.#s.outstanding === null && this.#dirty();
  }

  #persist(): PersistBatch {
    const s = this.#s;
    const { truncateFrom, entries } = s.log.handOut();
    must(
      s.install === null || (entries.length === 0 && truncateFrom === null),
      "S9",
      "an install is a batch of its own",
    );
    const { lastIndex, lastTerm } = s.log;
    if (s.role === "leader" && entries.length > 0) {
      // C2: this node counts for its own entries once they are durable.
      s.after.push({ type: "AppendResp", from: s.self, to: s.self, term: s.term, ok: true, index: lastIndex });
    }
    s.persistSeq += 1;
    const batch: PersistBatch = {
      seq: s.persistSeq,
      hard: { term: s.term, vote: s.vote, commit: s.log.commit },
      truncateFrom,
      entries,
      install: s.install === null ? null : { meta: s.install.meta, stagedId: s.install.stagedId },
      after: s.after,
    };
    s.after = [];
    s.handedTerm = s.term;
    s.handedVote = s.vote;
    s.outstanding = { batch, lastIndex, lastTerm };
    s.persistAge = 0;
    return batch;
  }

  // ---- State machine ----

  /** Committed and durable here (C6). */
  #applyLimit(): number {
    return Math.min(this.#s.log.commit, this.#s.log.stable);
  }

  #hasEntriesToApply(): boolean {
    const s = this.#s;
    return s.applying < this.#applyLimit() && s.install === null && s.restore === null;
  }

  #mayApply(): boolean {
    const s = this.#s;
    if (!this.#hasEntriesToApply()) return false;
    if (s.applyRead === null && s.applying + 1 < s.log.cachedFrom) return false;
    if (s.applyBytes === 0) return true;
    const read = s.applyRead?.[0];
    const next = read === undefined ? s.log.bytesBetween(s.applying + 1, s.applying + 2) : entryBytes(read);
    return s.applyBytes + next <= s.config.maxApplyBytes;
  }

  #lacksEntriesToApply(): boolean {
    const s = this.#s;
    return (
      this.#hasEntriesToApply() &&
      s.applyRead === null &&
      s.applyFetch === 0 &&
      s.applyBytes === 0 &&
      s.applying + 1 < s.log.cachedFrom
    );
  }

  #apply(): ApplyBatch {
    const s = this.#s;
    const budget = s.config.maxApplyBytes - s.applyBytes;
    const entries = s.applyRead ?? s.log.slice(s.applying + 1, this.#applyLimit() + 1, budget)!;
    s.applyRead = null;
    const lastIndex = entries.at(-1)!.index;
    const bytes = totalBytes(entries);
    s.applying = lastIndex;
    s.applyQueue.push({ lastIndex, bytes });
    s.applyBytes += bytes;
    return { entries, lastIndex, bytes };
  }

  #restore(): SnapMeta | null {
    const s = this.#s;
    if (s.restore === null || s.restoreHandedOut) return null;
    s.restoreHandedOut = true;
    return s.restore;
  }

  // ---- Who leads ----

  #softChanged(): boolean {
    const { role, leader, term, active } = this.#s;
    const last = this.#soft;
    return role !== last.role || leader !== last.leader || term !== last.term || active !== last.active;
  }

  #softState(): SoftState | null {
    if (!this.#softChanged()) return null;
    const { role, leader, term, active } = this.#s;
    this.#soft = { role, leader, term, active };
    return this.#soft;
  }
}
