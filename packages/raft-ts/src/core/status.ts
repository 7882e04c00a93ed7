// SPDX-License-Identifier: Apache-2.0
// A picture of the core for metrics and tests; owned by the caller.

import { caughtUp } from "./membership.ts";
import type { Progress } from "./progress.ts";
import type { CoreState } from "./state.ts";
import type { CoreStatus, PeerStatus } from "./types.ts";

export function coreStatus(s: CoreState): CoreStatus {
  const { log, configs } = s;
  return {
    self: s.self,
    role: s.role,
    term: s.term,
    vote: s.vote,
    leader: s.leader,
    active: s.active,
    firstIndex: log.firstIndex,
    lastIndex: log.lastIndex,
    lastTerm: log.lastTerm,
    stable: log.stable,
    commit: log.commit,
    applying: s.applying,
    applied: s.applied,
    snapshotIndex: s.snapshot?.index ?? 0,
    config: configs.current.config,
    configIndex: configs.current.index,
    installing: s.install !== null || s.restore !== null,
    stalled: s.stalled,
    lowSpace: s.lowSpace,
    suspect: s.suspect,
    persisting: s.outstanding?.batch.seq ?? 0,
    transferTarget: s.transferTarget,
    pendingReads: s.reads.length,
    uncommittedBytes: s.uncommittedBytes,
    applyBytes: s.applyBytes,
    peers: s.peers.filter(({ id }) => id !== s.self).map((peer) => peerStatus(s, peer)),
  };
}

function peerStatus(s: CoreState, peer: Progress): PeerStatus {
  const { id, voter, match, next, state, paused, recentActive, pendingSnapshot } = peer;
  const { count: inflightMsgs, bytes: inflightBytes } = peer.inflights;
  const ready = caughtUp(s, peer);
  return {
    id,
    voter,
    match,
    next,
    state,
    inflightMsgs,
    inflightBytes,
    paused,
    recentActive,
    pendingSnapshot,
    caughtUp: ready,
  };
}
