// SPDX-License-Identifier: Apache-2.0
// Snapshots: the one of this node lets the log forget (S3); a leader's replaces log and state (S6 to S9). After a crash in the
// middle the node is fully old or fully new, because the switch is one batch (S10).
//
//   SnapDone ──► batch with `install` ──► persisted, ack leaves ──► restore ──► restored
//                log empty in memory,     appends are taken again    applying goes on
//                appends are dropped

import { answerDurably } from "./promises.ts";
import { commitTo } from "./follower-log.ts";
import { must } from "./raft-fatal.ts";
import { configChanged } from "./replication.ts";
import type { CoreState } from "./state.ts";
import type { SnapDone, SnapMeta } from "./types.ts";

/** A snapshot of this node is durable and recorded: entries up to `upTo` may go (S3). */
export function compacted(s: CoreState, snapshot: SnapMeta, upTo: number): void {
  // An install overtook it. The same snapshot again may let go of more.
  if (s.snapshot !== null && snapshot.index < s.snapshot.index) return;
  must(snapshot.index <= s.applied, "S1", "a snapshot is taken at an applied index");
  must(s.log.termAt(snapshot.index) === snapshot.term, "S1", "a snapshot carries the term of its index");
  must(upTo <= snapshot.index, "S3", "a durable snapshot covers what is compacted");
  s.snapshot = snapshot;
  s.configs.forgetBelow(snapshot.index);
  s.log.compact(upTo);
}

/** What a snapshot of the state machine as of `index` carries (S1); null when the log no longer reaches back so far. */
export function snapshotMeta(s: CoreState, index: number): SnapMeta | null {
  must(index <= s.applied, "S1", "a snapshot is taken at an applied index");
  const term = s.log.termAt(index);
  if (index === 0 || term === undefined) return null;
  return { index, term, config: s.configs.at(index).config };
}

/** A staged snapshot from the leader of this term. */
export function handleSnapDone(s: CoreState, m: SnapDone): void {
  const { index, term } = m.meta;
  if (index <= s.log.commit) {
    s.traceRule("S6 ignored");
    s.discard.push(m.stagedId);
    acknowledge(s, m, s.log.commit);
  } else if (s.log.termAt(index) === term) {
    s.traceRule("S6 fast-forward");
    s.discard.push(m.stagedId);
    commitTo(s, index);
    acknowledge(s, m, index);
  } else if (s.install !== null || s.restore !== null) {
    // One at a time; the leader finds out by its next probe.
    s.discard.push(m.stagedId);
  } else {
    s.install = m;
    s.snapshot = m.meta;
    s.log.reset(index, term);
    // S7: whatever configurations the old log had, committed or not, are gone with it.
    s.configs.reset({ index, config: m.meta.config });
    configChanged(s);
    s.applyFetch = 0;
    s.applyRead = null;
    if (s.config.trace !== null) s.config.trace({ type: "install", index });
    acknowledge(s, m, index);
  }
}

/** The batch with the snapshot is durable: load it. */
export function installed(s: CoreState): void {
  must(s.install !== null, "S9", "an install was under way");
  s.log.installed();
  s.restore = s.install.meta;
  s.restoreHandedOut = false;
  s.install = null;
}

export function restored(s: CoreState, index: number): void {
  must(
    s.restore !== null && s.restoreHandedOut && s.restore.index === index,
    "S9",
    "the snapshot asked for was loaded",
  );
  must(s.applyQueue.length === 0, "C6", "everything handed out before was applied before");
  s.restore = null;
  s.applied = index;
  s.applying = index;
}

/** Leaves once what it says is durable (P1). */
function acknowledge(s: CoreState, m: SnapDone, index: number): void {
  answerDurably(s, { type: "AppendResp", from: s.self, to: m.from, term: s.term, ok: true, index });
}
