// SPDX-License-Identifier: Apache-2.0
// The follower's side of replication: does an append fit, what of it is new, how far is it committed. Handling any message
// twice, late or out of order is harmless (L11).

import { answerDurably } from "./promises.ts";
import { must } from "./raft-fatal.ts";
import { configChanged } from "./replication.ts";
import type { CoreState } from "./state.ts";
import type { Append, Entry, Heartbeat } from "./types.ts";

export function handleAppend(s: CoreState, m: Append): void {
  // S9: what the new log starts with is not durable yet. The leader tries again.
  if (s.install !== null) {
    s.traceRule("S9");
    return;
  }
  if (m.prevIndex < s.log.commit) {
    // L7: the committed prefix equals the leader's by definition.
    s.traceRule("L7");
    accept(s, m, s.log.commit);
    return;
  }
  // L1: a term that is not known is not a match.
  if (s.log.termAt(m.prevIndex) !== m.prevTerm) {
    reject(s, m);
    return;
  }
  takeEntries(s, m.entries);
  // L5, L6: what matches ends with this message; the tail beyond it may be divergent.
  const matching = m.prevIndex + m.entries.length;
  accept(s, m, matching);
  commitTo(s, Math.min(m.commit, matching));
}

/** L2: entries that are there already are skipped; the first that differs ends this node's version of the log. */
function takeEntries(s: CoreState, entries: readonly Entry[]): void {
  for (const entry of entries) {
    if (entry.index <= s.log.lastIndex) {
      if (s.log.termAt(entry.index) === entry.term) continue;
      truncate(s, entry.index);
    }
    s.log.append(entry);
    if (entry.config !== null) {
      s.configs.append(entry.index, entry.config);
      configChanged(s);
    }
  }
}

function truncate(s: CoreState, from: number): void {
  must(s.role !== "leader", "L12", "a leader never truncates");
  if (s.config.trace !== null) s.config.trace({ type: "truncate", from, role: s.role });
  s.log.truncateFrom(from);
  if (s.configs.truncateFrom(from)) configChanged(s);
}

export function handleHeartbeat(s: CoreState, m: Heartbeat): void {
  // L6: the leader saw this node acknowledge that much; having less means that something durable was lost.
  must(m.commit <= s.log.lastIndex, "L6", "a heartbeat commits only what this node acknowledged");
  commitTo(s, m.commit);
  s.send.push({ type: "HeartbeatResp", from: s.self, to: m.from, term: s.term, readPos: m.readPos });
}

/** Commit never falls (C4). */
export function commitTo(s: CoreState, index: number): void {
  if (index <= s.log.commit) return;
  s.log.commitTo(index);
  if (s.config.trace !== null) s.config.trace({ type: "commit", index });
}

function accept(s: CoreState, m: Append, index: number): void {
  answerDurably(s, { type: "AppendResp", from: s.self, to: m.from, term: s.term, ok: true, index });
}

/** L8, this node's half: skip whatever is of a later term than the leader's entry in front. */
function reject(s: CoreState, m: Append): void {
  const hintIndex = s.log.floor(m.prevIndex, m.prevTerm);
  const hintTerm = s.log.termAt(hintIndex);
  must(hintTerm !== undefined, "L8", "the committed prefix fits every leader");
  const rejectedPrev = m.prevIndex;
  answerDurably(s, {
    type: "AppendResp",
    from: s.self,
    to: m.from,
    term: s.term,
    ok: false,
    rejectedPrev,
    hintIndex,
    hintTerm,
  });
  s.traceRule("L1");
}
