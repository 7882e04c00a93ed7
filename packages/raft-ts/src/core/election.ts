// SPDX-License-Identifier: Apache-2.0
// Elections: who may stand, who gets a vote, and when a leader stops believing in itself (E1 to E16).
//
// Pre-vote first: a node asks whether it could win before it raises its term, so that one that was cut off disturbs nobody
// when it comes back (E7). Votes are promises and wait for the disk; pre-votes promise nothing and do not (P1, P2).

import { answerDurably } from "./promises.ts";
import { voteResult, type VoteResult } from "./quorum.ts";
import { abortTransfer, transferLeader } from "./transfer.ts";
import { must } from "./raft-fatal.ts";
import { advanceCommit, appendEmpty, broadcastHeartbeat, trackPeers } from "./replication.ts";
import type { CoreState } from "./state.ts";
import { becomeFollower, enter, follow, raiseTerm } from "./step-down.ts";
import type { PreVote, PreVoteResp, TimeoutNow, Vote, VoteResp } from "./types.ts";

// ---- Time ----

export function tickFollower(s: CoreState): void {
  s.electionElapsed += 1;
  s.leaderSilence += 1;
  if (s.electionElapsed < s.electionTimeout) return;
  if (s.mayCampaign) {
    becomePreCandidate(s);
    return;
  }
  // E12: it only notices that nobody leads.
  becomeFollower(s, s.term, null);
  s.resetElectionTimer();
}

export function tickLeader(s: CoreState): void {
  for (const peer of s.peers) {
    peer.silence += 1;
    peer.roundTicks += 1;
  }
  s.quorumElapsed += 1;
  if (s.quorumElapsed >= s.config.electionTicks) {
    s.quorumElapsed = 0;
    if (!quorumActive(s)) {
      s.traceRule("E11");
      becomeFollower(s, s.term, null);
      return;
    }
    if (s.lowSpace && s.transferTarget === null) transferLeader(s, null);
  }
  if (s.transferTarget !== null) {
    s.transferElapsed += 1;
    if (s.transferElapsed >= s.config.electionTicks) {
      abortTransfer(s);
      if (!s.isVoter && s.configs.current.index <= s.log.commit) {
        // M8: it led long enough without being a voter.
        becomeFollower(s, s.term, null);
        return;
      }
    }
  }
  s.heartbeatElapsed += 1;
  if (s.heartbeatElapsed >= s.config.heartbeatTicks) {
    s.heartbeatElapsed = 0;
    broadcastHeartbeat(s);
  }
}

/** E15: heartbeats that flow while the disk hangs would freeze the whole group. */
export function tickDisk(s: CoreState): void {
  if (s.outstanding === null) return;
  s.persistAge += 1;
  if (s.persistAge <= s.config.persistStallTicks || s.stalled) return;
  s.traceRule("E15");
  s.stalled = true;
  if (s.role !== "follower") becomeFollower(s, s.term, null);
}

/** E11: a majority answered since the last look. This node counts itself if it votes. */
function quorumActive(s: CoreState): boolean {
  let active = 0;
  for (const voter of s.voters) if (voter.recentActive || voter.id === s.self) active += 1;
  for (const peer of s.peers) peer.recentActive = false;
  return active * 2 > s.voters.length;
}

// ---- Standing ----

/** Where there is nobody to hear from, there is nothing to wait for: a group's only voter stands at once. */
export function standIfAlone(s: CoreState): void {
  const { voters } = s.membership;
  if (!s.suspect && s.role === "follower" && s.mayCampaign && voters.length === 1) becomePreCandidate(s);
}

function becomePreCandidate(s: CoreState): void {
  enter(s, "pre-candidate");
  // E10
  follow(s, null);
  s.votes.clear();
  s.resetElectionTimer();
  const { lastIndex, lastTerm } = s.log;
  for (const id of s.membership.voters) {
    if (id === s.self) continue;
    s.send.push({ type: "PreVote", from: s.self, to: id, term: s.term + 1, lastIndex, lastTerm });
  }
  s.votes.set(s.self, true);
  if (voteResult(s.membership.voters, s.votes) === "won") becomeCandidate(s, false);
}

/** `transfer` marks this campaign's requests only: whatever campaign follows begins with a pre-vote (E16). */
function becomeCandidate(s: CoreState, transfer: boolean): void {
  must(s.mayCampaign, "E12", "only a healthy voter stands for election");
  enter(s, "candidate");
  raiseTerm(s, s.term + 1);
  s.vote = s.self;
  follow(s, null);
  s.votes.clear();
  s.resetElectionTimer();
  const { term, self } = s;
  const { lastIndex, lastTerm } = s.log;
  for (const id of s.membership.voters) {
    // E4: even its own vote counts only once it is durable. P1: so do the requests.
    if (id === self) s.after.push({ type: "VoteResp", from: self, to: self, term, granted: true });
    else s.after.push({ type: "Vote", from: self, to: id, term, lastIndex, lastTerm, transfer });
  }
}

function becomeLeader(s: CoreState): void {
  enter(s, "leader");
  follow(s, s.self);
  s.votes.clear();
  s.heartbeatElapsed = 0;
  s.quorumElapsed = 0;
  s.uncommittedBytes = 0;
  s.readIssued = 0;
  s.readAnnounced = 0;
  s.transferTarget = null;
  trackPeers(s);
  // C2: it counts itself up to what is durable here.
  s.peer(s.self)!.accepted(s.log.stable);
  s.termStart = s.log.lastIndex + 1;
  // C3
  appendEmpty(s);
  advanceCommit(s);
}

/** E16: from the leader of this term, to a voter that could stand anyway. No pre-vote, and no stickiness on the way. */
export function handleTimeoutNow(s: CoreState, m: TimeoutNow): void {
  if (s.leader !== m.from || !s.mayCampaign) {
    s.traceRule("E16");
    return;
  }
  becomeCandidate(s, true);
}

// ---- Voting ----

/** E7. Grants echo the request's term, refusals carry this node's own. Nothing changes here. */
export function handlePreVote(s: CoreState, m: PreVote): void {
  const granted = m.term > s.term && !s.inLease && s.log.notAheadOf(m.lastTerm, m.lastIndex);
  const term = granted ? m.term : s.term;
  s.send.push({ type: "PreVoteResp", from: s.self, to: m.from, term, granted });
}

/** E2 and E3, for a request of this node's own term. */
export function handleVote(s: CoreState, m: Vote): void {
  const free = s.vote === null || s.vote === m.from;
  const leaderless = s.leader === null || s.leader === m.from;
  const granted = free && leaderless && s.log.notAheadOf(m.lastTerm, m.lastIndex);
  if (granted) {
    s.vote = m.from;
    // E6
    s.resetElectionTimer();
  }
  answerDurably(s, { type: "VoteResp", from: s.self, to: m.from, term: s.term, granted });
}

export function handlePreVoteResp(s: CoreState, m: PreVoteResp): void {
  const result = tally(s, m);
  // E12: since it asked, its disk may have stalled or run short of space, or a truncation may have taken its vote.
  if (result === "won" && s.mayCampaign) becomeCandidate(s, false);
  else if (result !== "pending") becomeFollower(s, s.term, null);
}

export function handleVoteResp(s: CoreState, m: VoteResp): void {
  const result = tally(s, m);
  if (result === "won") becomeLeader(s);
  else if (result === "lost") becomeFollower(s, s.term, null);
}

/** A vote that was granted stays granted, whatever else arrives late (L11). */
function tally(s: CoreState, m: PreVoteResp | VoteResp): VoteResult {
  s.votes.set(m.from, m.granted || s.votes.get(m.from) === true);
  return voteResult(s.membership.voters, s.votes);
}
