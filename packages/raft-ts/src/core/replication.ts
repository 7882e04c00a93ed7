// SPDX-License-Identifier: Apache-2.0
// The leader's side of replication: what leaves for whom, what the answers mean, and when something is committed.
//
// Nothing is sent while events are taken in. `pumpAppends` looks at every peer once for each `ready`, so that all proposals
// of one turn travel together (F8) and a new commit index leaves at once (C7).

import { configEntry, emptyEntry, entryBytes, normalEntry, totalBytes } from "./entries.ts";
import { majorityReached } from "./quorum.ts";
import { must } from "./raft-fatal.ts";
import { Progress } from "./progress.ts";
import { confirmReads } from "./read-index.ts";
import type { CoreState } from "./state.ts";
import type { AppendResp, Config, Entry, HeartbeatResp, ProposeItem } from "./types.ts";

const nothing: readonly Entry[] = [];

// ---- The leader's own log ----

export function appendEmpty(s: CoreState): void {
  appendOwn(s, emptyEntry(s.log.lastIndex + 1, s.term));
}

export function appendConfig(s: CoreState, config: Config): void {
  const index = s.log.lastIndex + 1;
  appendOwn(s, configEntry(index, s.term, config));
  s.configs.append(index, config);
  configChanged(s);
}

export function appendItems(s: CoreState, items: readonly ProposeItem[]): void {
  for (const { data } of items) appendOwn(s, normalEntry(s.log.lastIndex + 1, s.term, data));
}

function appendOwn(s: CoreState, entry: Entry): void {
  s.log.append(entry);
  s.uncommittedBytes += entryBytes(entry);
  s.pump = true;
}

/** Another configuration is in force: peers come and go (M1). Progress of those who stay is kept. */
export function configChanged(s: CoreState): void {
  const { index, config } = s.configs.current;
  if (s.config.trace !== null) s.config.trace({ type: "config", index, config });
  if (s.role !== "leader") return;
  trackPeers(s);
  // The voters that are left may have confirmed reads that the others never will.
  confirmReads(s);
}

/** Progress for everybody of the configuration in force. A leader outside of it watches its own disk but does not count. */
export function trackPeers(s: CoreState): void {
  const { voters, learners } = s.membership;
  const ids = [...voters, ...learners];
  if (!ids.includes(s.self)) ids.push(s.self);
  ids.sort();
  s.peers = ids.map((id) => {
    const voter = voters.includes(id);
    const known = s.peer(id) ?? new Progress(id, voter, s.log.lastIndex, s.config);
    known.voter = voter;
    return known;
  });
  s.voters = s.peers.filter(({ voter }) => voter);
  s.pump = true;
}

// ---- Sending ----

export function broadcastHeartbeat(s: CoreState): void {
  for (const { id, match } of s.peers) {
    if (id === s.self) continue;
    // L6: never a commit index that the peer may not have.
    const commit = Math.min(match, s.log.commit);
    s.send.push({ type: "Heartbeat", from: s.self, to: id, term: s.term, commit, readPos: s.readIssued });
  }
  s.readAnnounced = s.readIssued;
}

/** Sends whatever may leave now. */
export function pumpAppends(s: CoreState): void {
  s.pump = false;
  for (const peer of s.peers) if (peer.id !== s.self) pumpPeer(s, peer);
}

function pumpPeer(s: CoreState, peer: Progress): void {
  if (peer.state === "snapshot" || peer.fetching) return;
  while (!peer.paused && peer.next <= s.log.lastIndex) {
    if (!sendFrom(s, peer)) return;
  }
  // An empty append: to look for the place where a probe fits, to notice losses (F3), to tell a new commit index (C7).
  const tellsCommit = !peer.paused && Math.min(s.log.commit, peer.next - 1) > peer.sentCommit;
  const probes = peer.state === "probe" && !peer.probeSent;
  if (!peer.nudge && !tellsCommit && !probes) return;
  if (peer.next < s.log.firstIndex) offerSnapshot(s, peer);
  else sendAppend(s, peer, nothing);
}

/** Sends one append from `next` on. Returns whether it left at once. */
function sendFrom(s: CoreState, peer: Progress): boolean {
  if (peer.next < s.log.firstIndex) {
    offerSnapshot(s, peer);
    return false;
  }
  const hi = s.log.lastIndex + 1;
  const entries = s.log.slice(peer.next, hi, s.config.maxAppendBytes);
  if (entries !== undefined) {
    sendAppend(s, peer, entries);
    return true;
  }
  s.fetchTokens += 1;
  peer.fetchToken = s.fetchTokens;
  const end = s.log.cachedFrom;
  s.fetch.push({ to: peer.id, lo: peer.next, hi: end, maxBytes: s.config.maxAppendBytes, token: peer.fetchToken });
  return false;
}

function sendAppend(s: CoreState, peer: Progress, entries: readonly Entry[]): void {
  const prevIndex = peer.next - 1;
  const prevTerm = s.log.termAt(prevIndex);
  must(prevTerm !== undefined, "L1", "an append follows an entry whose term is known");
  const last = prevIndex + entries.length;
  s.send.push({
    type: "Append",
    from: s.self,
    to: peer.id,
    term: s.term,
    prevIndex,
    prevTerm,
    entries,
    commit: s.log.commit,
  });
  peer.sent(last, totalBytes(entries));
  peer.sentCommit = Math.min(s.log.commit, last);
}

/** Entries came from disk. What no longer fits is dropped. */
export function entriesRead(s: CoreState, peer: Progress, token: number, entries: readonly Entry[]): void {
  if (peer.fetchToken !== token) return;
  peer.fetchToken = 0;
  s.pump = true;
  const first = entries[0];
  if (first === undefined) {
    peer.fetchFailed();
    return;
  }
  if (first.index !== peer.next || peer.paused || peer.next < s.log.firstIndex) return;
  checkRead(s, entries);
  sendAppend(s, peer, entries);
}

/** D-5 has verified the bytes; that they are the entries of this log is checked here (L4). */
export function checkRead(s: CoreState, entries: readonly Entry[]): void {
  let expected = entries[0]!.index;
  for (const { index, term } of entries) {
    must(index === expected && s.log.termAt(index) === term, "L4", "storage returned the entries of this log");
    expected += 1;
  }
}

/** What the peer needs is compacted: it gets a snapshot, if it is there and not too many are on their way (S4). */
function offerSnapshot(s: CoreState, peer: Progress): void {
  peer.nudge = false;
  const { snapshot } = s;
  must(snapshot !== null && snapshot.index >= s.log.firstIndex - 1, "S3", "a snapshot covers what is compacted");
  let streams = 0;
  for (const { state } of s.peers) if (state === "snapshot") streams += 1;
  if (!peer.recentActive || streams >= s.config.maxSnapshotStreams) return;
  peer.becomeSnapshot(snapshot.index);
  s.sendSnapshot.push({ to: peer.id, minIndex: snapshot.index, term: s.term });
}

/** The stream to `peer` ended. Delivered or not, a probe finds out where it stands, at the next heartbeat's answer. */
export function snapshotStreamed(s: CoreState, peer: Progress, ok: boolean): void {
  if (peer.state !== "snapshot") return;
  peer.becomeProbe(Math.max(peer.match, ok ? peer.pendingSnapshot : 0) + 1);
  peer.probeSent = true;
  s.pump = true;
}

export function peerUnreachable(s: CoreState, peer: Progress): void {
  // F5: what was on its way is presumably lost.
  if (peer.state === "replicate") peer.becomeProbe(peer.match + 1);
  s.pump = true;
}

// ---- Answers ----

export function handleAppendResp(s: CoreState, peer: Progress, m: AppendResp): void {
  if (!m.ok) {
    if (peer.refusalCounts(m.rejectedPrev)) backOff(s, peer, m.rejectedPrev, m.hintIndex, m.hintTerm);
    else s.traceRule("L9");
    return;
  }
  must(m.index <= s.log.lastIndex, "L5", "no follower acknowledges what its leader does not have");
  const news = peer.accepted(m.index);
  s.pump = true;
  if (peer.state === "probe" && (news || m.index === peer.match)) peer.becomeReplicate();
  // A snapshot's acknowledgement, or proof that the peer no longer needs one.
  else if (peer.state === "snapshot" && peer.match + 1 >= s.log.firstIndex) peer.becomeReplicate();
  if (peer.match >= peer.roundTarget) {
    peer.lastRoundTicks = peer.roundTicks;
    peer.roundTicks = 0;
    peer.roundTarget = s.log.lastIndex;
  }
  if (news) advanceCommit(s);
}

/** The other half of L8: skip whatever of this log is of a later term than the peer's hint. */
function backOff(s: CoreState, peer: Progress, rejectedPrev: number, hintIndex: number, hintTerm: number): void {
  const fits = s.log.floor(hintIndex, hintTerm);
  const next = Math.max(peer.match + 1, Math.min(fits + 1, rejectedPrev));
  peer.becomeProbe(next);
  s.pump = true;
  s.traceRule("L8");
}

export function handleHeartbeatResp(s: CoreState, peer: Progress, m: HeartbeatResp): void {
  peer.heartbeatAnswered();
  if (m.readPos > peer.readAck) peer.readAck = m.readPos;
  s.pump = true;
}

/** C1: a majority has it, and it is of this term. Older entries are committed by what follows them. */
export function advanceCommit(s: CoreState): void {
  const index = majorityReached(s.voters, matchOf);
  if (index <= s.log.commit) return;
  if (s.log.termAt(index) !== s.term) {
    s.traceRule("C1");
    return;
  }
  const from = Math.max(s.log.commit + 1, s.termStart);
  s.uncommittedBytes -= s.log.bytesBetween(from, index + 1);
  s.log.commitTo(index);
  if (s.config.trace !== null) s.config.trace({ type: "commit", index });
  s.pump = true;
}

function matchOf(peer: Progress): number {
  return peer.match;
}
