// SPDX-License-Identifier: Apache-2.0
// Handing leadership over (T1 to T3): proposals stop, the target catches up, then it is asked to stand at once. Over when this
// node steps down, or after T ticks, or when the target leaves the voters.

import type { Progress } from "./progress.ts";
import type { CoreState } from "./state.ts";
import type { PeerId, RequestOutcome } from "./types.ts";

/** To `to`, or to whom has most of the log. Another target replaces the one before; the same one changes nothing. */
export function transferLeader(s: CoreState, to: PeerId | null): RequestOutcome {
  if (s.role !== "leader") return s.refusal("not-leader", "only the leader can hand leadership over");
  const target = to === null ? bestTarget(s) : s.voters.find(({ id }) => id === to);
  if (target === undefined || target.id === s.self) {
    return s.refusal("invalid", to === null ? "no other voter is active" : `"${to}" is not another voter`);
  }
  if (s.transferTarget === target.id) return { ok: true };
  s.transferTarget = target.id;
  s.transferElapsed = 0;
  s.pump = true;
  pushTransfer(s, target);
  return { ok: true };
}

/** `peer` answered: if it is the target and has everything, it may stand. Again on each answer, as long as it takes (T2). */
export function pushTransfer(s: CoreState, peer: Progress): void {
  if (s.transferTarget !== peer.id || peer.match !== s.log.lastIndex) return;
  s.send.push({ type: "TimeoutNow", from: s.self, to: peer.id, term: s.term });
}

/** T3: proposals work again. */
export function abortTransfer(s: CoreState): void {
  if (s.transferTarget === null) return;
  s.traceRule("T3");
  s.transferTarget = null;
}

/** The target is no voter any more (T3). */
export function checkTransferTarget(s: CoreState): void {
  if (s.transferTarget !== null && !s.voters.some(({ id }) => id === s.transferTarget)) abortTransfer(s);
}

/** Active, with the longest match; the smallest id among equals. */
function bestTarget(s: CoreState): Progress | undefined {
  let best: Progress | undefined;
  for (const peer of s.voters) {
    if (peer.id === s.self || peer.silence >= s.config.electionTicks) continue;
    if (best === undefined || peer.match > best.match) best = peer;
  }
  return best;
}
