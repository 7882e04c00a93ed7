// SPDX-License-Identifier: Apache-2.0
// Everything a core remembers, and the box in which it gathers what it wants done. The files around this one change it, each
// for one idea; nobody outside the core sees it.
//
// What is durable (3.1): term and vote, the log, the configurations in it, and commit as a hint. The rest is made anew at
// every start: a node begins as follower that knows no leader, whatever it was (E13).

import { ConfigHistory, emptyConfig } from "./config-history.ts";
import { Log } from "./log.ts";
import { Prng } from "./prng.ts";
import type { Progress } from "./progress.ts";
import { must } from "./raft-fatal.ts";
import type {
  BootState,
  Config,
  ConfirmedRead,
  CoreConfig,
  Entry,
  FailedRead,
  FetchRequest,
  Message,
  PeerId,
  PeerMessage,
  PersistBatch,
  Refusal,
  RefusalReason,
  Role,
  SendSnapshot,
  SnapDone,
  SnapMeta,
} from "./types.ts";

/** A read that waits for its round (R2). */
export interface PendingRead {
  readonly ctx: number;
  readonly index: number;
  readonly position: number;
}

/** A batch on its way to disk, and where the log ended in it. */
export interface Outstanding {
  readonly batch: PersistBatch;
  readonly lastIndex: number;
  readonly lastTerm: number;
}

/** An apply batch that was handed out and not acknowledged. */
export interface Applying {
  readonly lastIndex: number;
  readonly bytes: number;
}

export class CoreState {
  readonly config: CoreConfig;
  readonly self: PeerId;
  readonly suspect: boolean;
  readonly prng: Prng;
  readonly log: Log;
  readonly configs: ConfigHistory;

  term: number;
  vote: PeerId | null;
  role: Role = "follower";
  leader: PeerId | null = null;

  // Timers, in ticks.
  electionElapsed = 0;
  electionTimeout = 0;
  /** Since the known leader was last heard. */
  leaderSilence = 0;
  heartbeatElapsed = 0;
  quorumElapsed = 0;
  persistAge = 0;

  /** Tally of the phase under way (E10). */
  readonly votes = new Map<PeerId, boolean>();

  // Leaders.
  /** Everybody of the configuration, this node included, sorted by id. */
  peers: Progress[] = [];
  /** Those of them that vote. */
  voters: Progress[] = [];
  /** Index of the empty entry this leadership began with (C3). */
  termStart = 0;
  uncommittedBytes = 0;
  /** Reads get positions; a heartbeat carries the highest one issued (R2). */
  readIssued = 0;
  /** Highest position a heartbeat round was started for. */
  readAnnounced = 0;
  reads: PendingRead[] = [];
  transferTarget: PeerId | null = null;
  transferElapsed = 0;

  // Disk.
  stalled = false;
  lowSpace = false;
  outstanding: Outstanding | null = null;
  persistSeq = 0;
  /** Term and vote as the disk will have them once the batch under way is written. */
  handedTerm: number;
  handedVote: PeerId | null;
  snapshot: SnapMeta | null;
  /** Staged snapshot that replaces everything, until it is durable. */
  install: SnapDone | null = null;
  /** Durable snapshot that the state machine has to load before anything is applied. */
  restore: SnapMeta | null = null;
  restoreHandedOut = false;

  // Apply.
  applied: number;
  applying: number;
  applyQueue: Applying[] = [];
  applyBytes = 0;
  /** Token of the read from disk for this node's own state machine, 0 when there is none. */
  applyFetch = 0;
  /** What that read brought, until it is handed out. */
  applyRead: readonly Entry[] | null = null;
  fetchTokens = 0;

  /** Appends may have to leave: looked at once for each `ready` (F8). */
  pump = false;

  // Outbox.
  send: PeerMessage[] = [];
  /** Leaves with the next batch, or at once when there is nothing to write (P1). */
  after: Message[] = [];
  confirmed: ConfirmedRead[] = [];
  failed: FailedRead[] = [];
  fetch: FetchRequest[] = [];
  sendSnapshot: SendSnapshot[] = [];
  discard: string[] = [];

  constructor(config: CoreConfig, boot: BootState) {
    this.config = config;
    this.self = config.self;
    this.suspect = boot.suspect;
    this.prng = new Prng(config.seed, config.self);
    this.log = new Log(boot, config.tailCacheBytes);
    this.term = boot.hard.term;
    this.vote = boot.hard.vote;
    this.handedTerm = boot.hard.term;
    this.handedVote = boot.hard.vote;
    this.snapshot = boot.snapshot;
    const { snapshot } = boot;
    this.configs = new ConfigHistory(
      { index: snapshot?.index ?? 0, config: snapshot?.config ?? emptyConfig },
      boot.configs,
    );
    must(this.configs.current.index <= boot.lastIndex, "M1", "configurations are part of the log");
    must(Number.isSafeInteger(this.term) && this.term >= this.log.lastTerm, "L4", "no entry is of a later term");
    must(boot.applied >= 0 && boot.applied <= this.log.commit, "C6", "only committed entries were applied");
    this.applied = boot.applied;
    this.applying = boot.applied;
    // The state machine lacks entries that only the snapshot still has (P8).
    if (boot.applied < boot.firstIndex - 1) this.restore = snapshot;
    this.resetElectionTimer();
  }

  /** The configuration in force (M1). */
  get membership(): Config {
    return this.configs.current.config;
  }

  get isVoter(): boolean {
    return this.membership.voters.includes(this.self);
  }

  /**
   * A voter, or one that an uncommitted entry of its own log puts out. The latter must stand too (dissertation, 4.2.2): it may
   * hold the only log that everybody left can follow. {a, b}: a demotes itself, writes that, loses touch; b needs a's vote,
   * and a's log is longer.
   */
  get mayStand(): boolean {
    const { index } = this.configs.current;
    return this.isVoter || (index > this.log.commit && this.configs.at(index - 1).config.voters.includes(this.self));
  }

  /** Leader, and an entry of its term is committed and applied here (C3). */
  get active(): boolean {
    return this.role === "leader" && this.applied >= this.termStart;
  }

  /** Heard from a leader less than T ticks ago; a leader hears itself (E9). */
  get inLease(): boolean {
    return this.role === "leader" || (this.leader !== null && this.leaderSilence < this.config.electionTicks);
  }

  get mayCampaign(): boolean {
    // E12, E15, D-9.
    return (
      !this.suspect &&
      !this.stalled &&
      !this.lowSpace &&
      this.install === null &&
      this.restore === null &&
      this.mayStand
    );
  }

  /** The progress of `id`; undefined for strangers. */
  peer(id: PeerId): Progress | undefined {
    for (const each of this.peers) if (each.id === id) return each;
    return undefined;
  }

  /** Drawn anew at every reset (E5). */
  resetElectionTimer(): void {
    this.electionElapsed = 0;
    this.electionTimeout = this.config.electionTicks + this.prng.below(this.config.electionTicks);
  }

  /** A decision worth counting was taken. */
  traceRule(rule: string): void {
    if (this.config.trace !== null) this.config.trace({ type: "rule", rule });
  }

  refusal(reason: RefusalReason, detail: string): Refusal {
    return { ok: false, reason, leader: this.leader, detail };
  }
}
