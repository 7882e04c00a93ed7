// SPDX-License-Identifier: Apache-2.0
// The core: what may arrive, and the two tables that say who handles it. A pure function of its configuration, what it was
// booted with and the calls made to it: the same calls give the same answers, on every machine.
//
// Call `tick`, `step`, `propose` … as things happen, then take `ready` as long as there is one, do what it says, and report
// with `advance`. Nothing in here waits, and nothing calls back, except `trace`. After a `RaftFatal` the core is dead.

import { answerDurably } from "./promises.ts";
import { coreConfig, type CoreOptions } from "./core-config.ts";
import {
  handlePreVote,
  handlePreVoteResp,
  handleTimeoutNow,
  handleVote,
  handleVoteResp,
  standIfAlone,
  tickDisk,
  tickFollower,
  tickLeader,
} from "./election.ts";
import { handleAppend, handleHeartbeat } from "./follower-log.ts";
import { leaveIfLeftOut, proposeConfig } from "./membership.ts";
import { isWellFormed } from "./message-check.ts";
import { propose } from "./propose.ts";
import { must } from "./raft-fatal.ts";
import { confirmReads, readIndex } from "./read-index.ts";
import { ReadyBuilder } from "./ready.ts";
import {
  entriesRead,
  handleAppendResp,
  handleHeartbeatResp,
  peerUnreachable,
  snapshotStreamed,
} from "./replication.ts";
import { compacted, handleSnapDone, restored, snapshotMeta } from "./snapshotting.ts";
import { CoreState } from "./state.ts";
import { coreStatus } from "./status.ts";
import { becomeFollower } from "./step-down.ts";
import { pushTransfer, transferLeader } from "./transfer.ts";
import type {
  Ack,
  Append,
  AppendResp,
  BootState,
  ConfigChange,
  CoreStatus,
  Heartbeat,
  HeartbeatResp,
  Message,
  PeerId,
  ProposeItem,
  ProposeOutcome,
  Ready,
  RequestOutcome,
  SnapDone,
  SnapMeta,
} from "./types.ts";

export class RaftCore {
  readonly #s: CoreState;
  readonly #ready: ReadyBuilder;

  /** Throws `RangeError` for options that make no sense, `RaftFatal` for a boot state that no healthy storage recovers. */
  constructor(options: CoreOptions, boot: BootState) {
    this.#s = new CoreState(coreConfig(options), boot);
    this.#ready = new ReadyBuilder(this.#s);
  }

  /** One tick of the caller's clock went by. */
  tick(): void {
    const s = this.#s;
    if (s.suspect) return;
    this.#ready.tick();
    tickDisk(s);
    if (s.role === "leader") tickLeader(s);
    else tickFollower(s);
  }

  /** The only voter of its group stands for election now, not after a timeout. Nothing happens in any other group. */
  campaignIfAlone(): void {
    standIfAlone(this.#s);
  }

  /** A message from a peer, or a `SnapDone` from this node's runtime. Borrowed for ever: see `types.ts`. */
  step(m: Message): void {
    const s = this.#s;
    // D-4: who may have lost something promises nothing.
    if (s.suspect) return;
    if (m.to !== s.self || m.from === s.self || !isWellFormed(m)) {
      s.traceRule(m.to === s.self ? "X3" : "X1");
      if (m.type === "SnapDone") s.discard.push(m.stagedId);
      return;
    }
    this.#dispatch(m);
  }

  /** Only a leader takes proposals. Success means: in its log. */
  propose(items: readonly ProposeItem[]): ProposeOutcome {
    return propose(this.#s, items);
  }

  proposeConfig(change: ConfigChange): ProposeOutcome {
    return proposeConfig(this.#s, change);
  }

  /** `ctx` comes back in `Ready.reads`, or in `Ready.failed`. */
  readIndex(ctx: number): RequestOutcome {
    return readIndex(this.#s, ctx);
  }

  /** To `to`, or to the voter that has most; see `status().transferTarget` for how it goes. */
  transferLeader(to: PeerId | null): RequestOutcome {
    return transferLeader(this.#s, to);
  }

  /** What a snapshot of the state machine as of `index`, which is applied, carries. Null when there is nothing to take or an
   * installed snapshot went beyond it meanwhile: there is no need for it any more. */
  snapshotMeta(index: number): SnapMeta | null {
    return snapshotMeta(this.#s, index);
  }

  hasReady(): boolean {
    return this.#ready.hasReady();
  }

  ready(): Ready {
    return this.#ready.ready();
  }

  advance(ack: Ack): void {
    const s = this.#s;
    if (s.suspect) return;
    switch (ack.type) {
      case "persisted":
        for (const message of this.#ready.persisted(ack.seq)) this.#dispatch(message);
        return;
      case "applied":
        this.#ready.applied(ack.index);
        return;
      case "restored":
        restored(s, ack.index);
        return;
      case "compacted":
        compacted(s, ack.snapshot, ack.upTo);
        return;
      case "entriesRead":
        if (ack.to === null) this.#ready.applyRead(ack.token, ack.entries);
        else this.#withPeer(ack.to, (peer) => entriesRead(s, peer, ack.token, ack.entries));
        return;
      case "snapStatus":
        this.#withPeer(ack.peer, (peer) => snapshotStreamed(s, peer, ack.ok));
        return;
      case "unreachable":
        this.#withPeer(ack.peer, (peer) => peerUnreachable(s, peer));
        return;
      case "space":
        s.lowSpace = ack.low;
        // D-9: somebody with room should lead.
        if (ack.low && s.role === "leader") transferLeader(s, null);
        return;
    }
  }

  status(): CoreStatus {
    return coreStatus(this.#s);
  }

  #withPeer(id: PeerId, act: (peer: NonNullable<ReturnType<CoreState["peer"]>>) => void): void {
    const peer = this.#s.peer(id);
    if (peer !== undefined && id !== this.#s.self) act(peer);
  }

  #dispatch(m: Message): void {
    const s = this.#s;
    if (isResponse(m) && m.from !== s.self && !this.#isMember(m.from)) {
      // X2: requests may come from a newer configuration, answers may not.
      s.traceRule("X2");
      return;
    }
    if (m.term < s.term) {
      this.#fromThePast(m);
      return;
    }
    if (m.term === s.term || this.#fromTheFuture(m)) this.#sameTerm(m);
  }

  #isMember(id: PeerId): boolean {
    const { voters, learners } = this.#s.membership;
    return voters.includes(id) || learners.includes(id);
  }

  /** Lower terms: whoever asks is told (E8); whoever answers is late. */
  #fromThePast(m: Message): void {
    const s = this.#s;
    switch (m.type) {
      case "PreVote":
        handlePreVote(s, m);
        return;
      case "Vote":
        answerDurably(s, { type: "VoteResp", from: s.self, to: m.from, term: s.term, granted: false });
        return;
      case "SnapDone":
        s.discard.push(m.stagedId);
        tellTerm(s, m);
        return;
      case "Append":
      case "Heartbeat":
        tellTerm(s, m);
        return;
      case "PreVoteResp":
      case "VoteResp":
      case "AppendResp":
      case "HeartbeatResp":
      case "TimeoutNow":
        return;
    }
  }

  /** Higher terms: adopt it, with the exceptions of E1. Returns whether the message is handled as one of this term. */
  #fromTheFuture(m: Message): boolean {
    const s = this.#s;
    switch (m.type) {
      case "PreVote":
        handlePreVote(s, m);
        return false;
      case "Vote":
        if (s.inLease && !m.transfer) {
          s.traceRule("E9");
          return false;
        }
        becomeFollower(s, m.term, null);
        return true;
      case "Append":
      case "Heartbeat":
      case "SnapDone":
        becomeFollower(s, m.term, m.from);
        return true;
      case "PreVoteResp":
        if (!m.granted) becomeFollower(s, m.term, null);
        else if (s.role === "pre-candidate" && m.term === s.term + 1) handlePreVoteResp(s, m);
        return false;
      case "VoteResp":
      case "AppendResp":
      case "HeartbeatResp":
      case "TimeoutNow":
        becomeFollower(s, m.term, null);
        return false;
    }
  }

  #sameTerm(m: Message): void {
    const s = this.#s;
    switch (m.type) {
      case "Append":
        followSender(s, m);
        handleAppend(s, m);
        return;
      case "Heartbeat":
        followSender(s, m);
        handleHeartbeat(s, m);
        return;
      case "SnapDone":
        followSender(s, m);
        handleSnapDone(s, m);
        return;
      case "Vote":
        handleVote(s, m);
        return;
      case "PreVote":
        handlePreVote(s, m);
        return;
      case "PreVoteResp":
        // Grants echo the term asked for, which is not this one.
        if (s.role === "pre-candidate" && !m.granted) handlePreVoteResp(s, m);
        return;
      case "VoteResp":
        if (s.role === "candidate") handleVoteResp(s, m);
        return;
      case "AppendResp":
      case "HeartbeatResp":
        if (s.role === "leader") heardFromPeer(s, m);
        return;
      case "TimeoutNow":
        if (s.role === "follower") handleTimeoutNow(s, m);
        return;
    }
  }
}

function isResponse(m: Message): boolean {
  return m.type === "AppendResp" || m.type === "HeartbeatResp" || m.type === "VoteResp" || m.type === "PreVoteResp";
}

/** So that a leader of the past steps down. It says nothing about logs. */
function tellTerm(s: CoreState, m: Append | Heartbeat | SnapDone): void {
  const { self: from, term } = s;
  answerDurably(s, {
    type: "AppendResp",
    from,
    to: m.from,
    term,
    ok: false,
    rejectedPrev: 0,
    hintIndex: 0,
    hintTerm: 0,
  });
}

/** A leader of this term spoke. There is one at most (E2), and a leader never installs (S8). */
function followSender(s: CoreState, m: Append | Heartbeat | SnapDone): void {
  must(s.role !== "leader", m.type === "SnapDone" ? "S8" : "E2", "two nodes lead in one term");
  must(s.leader === null || s.leader === m.from, "E2", "two nodes lead in one term");
  if (s.role !== "follower" || s.leader === null) becomeFollower(s, s.term, m.from);
  // E6
  s.leaderSilence = 0;
  s.resetElectionTimer();
}

function heardFromPeer(s: CoreState, m: AppendResp | HeartbeatResp): void {
  const peer = s.peer(m.from);
  // X2
  if (peer === undefined) return;
  peer.heard();
  if (m.type === "AppendResp") {
    handleAppendResp(s, peer, m);
    if (leaveIfLeftOut(s)) {
      becomeFollower(s, s.term, null);
      return;
    }
  } else {
    handleHeartbeatResp(s, peer, m);
    confirmReads(s);
  }
  if (peer.id !== s.self) pushTransfer(s, peer);
}
