// SPDX-License-Identifier: Apache-2.0
// Reads without a log entry (R1 to R3). A read notes the commit index and gets a position. Heartbeats carry the highest
// position issued; whoever answers confirms that this node led when the heartbeat left, hence every read up to it. One round
// serves all reads that came before it. Callers' contexts are only carried: two alike are two reads.

import { majorityReached } from "./quorum.ts";
import type { Progress } from "./progress.ts";
import type { CoreState } from "./state.ts";
import type { RequestOutcome } from "./types.ts";

export function readIndex(s: CoreState, ctx: number): RequestOutcome {
  if (s.role !== "leader") return s.refusal("not-leader", "only the leader can prove a read");
  // C3: before that, this node does not know what its predecessors committed.
  if (!s.active) return s.refusal("not-ready", "no entry of this term is applied yet");
  if (s.reads.length >= s.config.maxPendingReads) return s.refusal("busy", "too many reads wait for their round");
  s.readIssued += 1;
  s.reads.push({ ctx, index: s.log.commit, position: s.readIssued });
  const self = s.peer(s.self);
  if (self !== undefined) self.readAck = s.readIssued;
  confirmReads(s);
  return { ok: true };
}

/** Whether reads wait for a round that has not left yet. */
export function wantsRound(s: CoreState): boolean {
  return s.reads.length > 0 && s.readAnnounced < s.readIssued;
}

/** A majority confirmed more, or became smaller. */
export function confirmReads(s: CoreState): void {
  if (s.reads.length === 0) return;
  const confirmed = majorityReached(s.voters, ackOf);
  let served = 0;
  for (const { ctx, index, position } of s.reads) {
    if (position > confirmed) break;
    s.confirmed.push({ ctx, index });
    served += 1;
  }
  if (served > 0) s.reads.splice(0, served);
}

function ackOf(peer: Progress): number {
  return peer.readAck;
}
