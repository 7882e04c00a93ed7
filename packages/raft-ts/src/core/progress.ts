// SPDX-License-Identifier: Apache-2.0
// What a leader knows of one peer, and how much it may send there (F1 to F5).
//
//              accepted                       rejected, unreachable
//     probe ───────────────► replicate ───────────────────────────► probe
//       │ entries compacted                                           ▲
//       └──────────────────► snapshot ──── failed, or delivered ──────┘   (acknowledged: replicate)
//
// probe      one append, then wait for an answer or a heartbeat's answer; `next` is a guess
// replicate  optimistic: `next` moves as appends leave, within the window
// snapshot   no appends
//
// Invariant: match < next. `match` only grows (L10).

import { Inflights } from "./inflights.ts";
import { must } from "./raft-fatal.ts";
import type { CoreConfig, PeerId, ProgressState } from "./types.ts";

/** `fetchToken` of a peer whose read from disk came back empty: wait for its next heartbeat answer. */
const fetchLater = -1;

export class Progress {
  readonly id: PeerId;
  readonly inflights: Inflights;
  voter: boolean;
  match = 0;
  next: number;
  state: ProgressState = "probe";
  /** Probe: an append left, and nothing came back yet. */
  probeSent = false;
  /** Send one append, be it empty and the window full: the answer tells whether something got lost (F3). */
  nudge = false;
  /** Answered since the last check-quorum round (E11). New peers count as active (M10). */
  recentActive = true;
  /** Ticks since the last answer; very many when there never was one. */
  silence = 0x7fffffff;
  /** Commit index the peer was told of by appends. */
  sentCommit = 0;
  /** Index of the snapshot on its way, 0 when there is none. */
  pendingSnapshot = 0;
  /** Token of the read from disk under way for this peer, 0 when there is none. */
  fetchToken = 0;
  /** Highest read position it confirmed (R2). */
  readAck = 0;
  /** Catch-up round of a learner: when `match` reaches `roundTarget` the round ends and the next begins (M7). */
  roundTarget = 0;
  roundTicks = 0;
  lastRoundTicks = Number.MAX_SAFE_INTEGER;

  constructor(id: PeerId, voter: boolean, lastIndex: number, config: CoreConfig) {
    this.id = id;
    this.voter = voter;
    this.next = lastIndex + 1;
    this.roundTarget = lastIndex;
    this.inflights = new Inflights(config.maxInflightMsgs, config.maxInflightBytes);
  }

  /** Whether nothing may be sent but a nudge. */
  get paused(): boolean {
    if (this.state === "probe") return this.probeSent;
    return this.state === "snapshot" || this.inflights.full;
  }

  get fetching(): boolean {
    return this.fetchToken !== 0;
  }

  becomeProbe(next: number): void {
    this.#enter("probe", next);
  }

  becomeReplicate(): void {
    this.#enter("replicate", this.match + 1);
  }

  becomeSnapshot(index: number): void {
    this.#enter("snapshot", Math.max(this.match, index) + 1);
    this.pendingSnapshot = index;
  }

  /** An append with entries up to `lastIndex`, `bytes` heavy, leaves; 0 entries when `lastIndex` is `next - 1`. */
  sent(lastIndex: number, bytes: number): void {
    this.nudge = false;
    if (this.state === "probe") this.probeSent = true;
    else if (lastIndex >= this.next) {
      this.inflights.add(lastIndex, bytes);
      this.next = lastIndex + 1;
    }
  }

  /** The peer has everything up to `index`, durably. Returns whether that is news. */
  accepted(index: number): boolean {
    this.inflights.freeTo(index);
    const news = index > this.match;
    if (news) this.match = index;
    if (this.next <= index) this.next = index + 1;
    return news;
  }

  /** Whether a refusal of the append behind `rejectedPrev` is about the present (L9). */
  refusalCounts(rejectedPrev: number): boolean {
    if (this.state === "replicate") return rejectedPrev > this.match;
    return this.state === "probe" && rejectedPrev === this.next - 1;
  }

  /** It is alive. */
  heard(): void {
    this.recentActive = true;
    this.silence = 0;
  }

  fetchFailed(): void {
    this.fetchToken = fetchLater;
  }

  /** A heartbeat came back: one more try, whatever was lost (F3). */
  heartbeatAnswered(): void {
    this.probeSent = false;
    if (this.fetchToken === fetchLater) this.fetchToken = 0;
    if (this.state === "replicate" && this.match < this.next - 1) this.nudge = true;
  }

  #enter(state: ProgressState, next: number): void {
    this.state = state;
    this.next = next;
    this.probeSent = false;
    this.nudge = false;
    this.pendingSnapshot = 0;
    this.fetchToken = 0;
    this.sentCommit = 0;
    this.inflights.reset();
    must(this.match < this.next, "L10", "match is below next");
  }
}
