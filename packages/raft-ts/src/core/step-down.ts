// SPDX-License-Identifier: Apache-2.0
// Changing roles. Every way to any role goes through `enter`, which knows the legal ones:
//
//   follower ──► pre-candidate ──► candidate ──► leader          any ──► follower
//      └──────── (asked to by the leader, E16) ────▲
//
// Terms only grow (E1), and a new term has no vote yet (E2).

import { must } from "./raft-fatal.ts";
import type { CoreState } from "./state.ts";
import type { PeerId, Role } from "./types.ts";

/** Follow `leader`, or nobody known, in `term`, which is this node's or a later one. */
export function becomeFollower(s: CoreState, term: number, leader: PeerId | null): void {
  must(term >= s.term, "E1", "terms only grow");
  if (s.role === "leader") {
    leaveLeadership(s);
    // It had no election timer. Nobody else's is touched (E6).
    s.resetElectionTimer();
  }
  if (term > s.term) raiseTerm(s, term);
  s.votes.clear();
  if (s.role !== "follower") enter(s, "follower");
  follow(s, leader);
}

/**
 * A new term, without a vote. Messages of earlier terms that still wait for the disk are dropped: nobody needs them, and what
 * they promise may no longer be what the next batch writes (P1).
 */
export function raiseTerm(s: CoreState, term: number): void {
  s.term = term;
  s.vote = null;
  if (s.after.length > 0) s.after = s.after.filter((message) => message.term >= term);
}

/** `leader` is known to lead this term from now on, or nobody is. */
export function follow(s: CoreState, leader: PeerId | null): void {
  s.leader = leader;
  s.leaderSilence = 0;
}

export function enter(s: CoreState, role: Role): void {
  const from = s.role;
  must(role !== "leader" || from === "candidate", "E2", "only candidates become leaders");
  must(from !== "leader" || role === "follower", "E13", "a leader becomes follower and nothing else");
  s.role = role;
  if (s.config.trace !== null) s.config.trace({ type: "role", from, to: role, term: s.term });
}

/** What only a leader has, goes. Reads fail, because nobody proved them (R3). */
function leaveLeadership(s: CoreState): void {
  for (const { ctx } of s.reads) s.failed.push({ ctx, why: "not-leader" });
  s.reads = [];
  s.peers = [];
  s.voters = [];
  s.transferTarget = null;
  s.uncommittedBytes = 0;
  // Snapshots and reads from disk that were asked for and not handed out yet: nobody waits for them now.
  s.sendSnapshot = [];
  s.fetch = s.fetch.filter(({ to }) => to === null);
}
