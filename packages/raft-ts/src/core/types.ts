// SPDX-License-Identifier: Apache-2.0
// Everything that goes into the core and comes out of it, as plain data. No logic lives here.
//
// Terms and indexes are safe integers. Index 0 means "before the first entry" and has term 0; real entries and real terms
// start at 1. Ranges are half open: [lo, hi). Nothing in here is changed once it was handed over, in either direction: not
// the arrays, not the entries, not their bytes (L13).

/** `<nodeId>@<dirId>`: a wiped disk has another `dirId` and is another peer (M11). Compared and sorted as a string. */
export type PeerId = string;

export type Role = "follower" | "pre-candidate" | "candidate" | "leader";

/** Who counts, from the log position of its entry on, committed or not (M1). All lists are sorted and without duplicates. */
export interface Config {
  readonly voters: readonly PeerId[];
  /** The other half of a joint configuration; empty as long as the library changes one server at a time (M4). */
  readonly votersOutgoing: readonly PeerId[];
  readonly learners: readonly PeerId[];
  /** Outgoing voters that become learners when the joint configuration is left (M6); empty for the same reason. */
  readonly learnersNext: readonly PeerId[];
  /** Where members listen, sorted by id. The core carries them and looks at none. */
  readonly addresses: readonly PeerAddress[];
}

export interface PeerAddress {
  readonly id: PeerId;
  readonly address: string;
}

/** One log entry. All variants have the same shape, so that the hot path sees one kind of object. */
export type Entry = NormalEntry | EmptyEntry | ConfigEntry;

export interface NormalEntry {
  readonly type: "normal";
  readonly index: number;
  readonly term: number;
  readonly data: Uint8Array;
  readonly config: null;
}

/** What a new leader begins its term with (C3). Never refused, never given to a user. */
export interface EmptyEntry {
  readonly type: "empty";
  readonly index: number;
  readonly term: number;
  readonly data: Uint8Array;
  readonly config: null;
}

export interface ConfigEntry {
  readonly type: "config";
  readonly index: number;
  readonly term: number;
  readonly data: Uint8Array;
  readonly config: Config;
}

/** Entries from `start` up to the next run's start were written in `term`. */
export interface TermRun {
  readonly start: number;
  readonly term: number;
}

/** What the core knows of a snapshot. Its bytes, checksums and place are the storage's. */
export interface SnapMeta {
  readonly index: number;
  readonly term: number;
  /** The configuration in force at `index` (S1). */
  readonly config: Config;
}

export interface HardState {
  readonly term: number;
  readonly vote: PeerId | null;
  /** A hint that may lag (C4). */
  readonly commit: number;
}

/** What storage recovered. The core never reads a disk. */
export interface BootState {
  readonly hard: HardState;
  readonly snapshot: SnapMeta | null;
  /** The log holds [firstIndex, lastIndex]; empty when `lastIndex` is `firstIndex - 1`. */
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** Terms of the whole log. The first run may start at `firstIndex - 1`, to tell that entry's term after a compaction. */
  readonly termRuns: readonly TermRun[];
  /** The config entries that are still in the log, ascending. */
  readonly configs: readonly { readonly index: number; readonly config: Config }[];
  /** The newest entries of the log, up to `CoreConfig.tailCacheBytes` of them. May be empty. */
  readonly tail: readonly Entry[];
  /** What the state machine already contains. */
  readonly applied: number;
  /** Storage that may have lost something it promised (D-4): the core takes nothing in and sends nothing, ever. */
  readonly suspect: boolean;
}

export interface CoreConfig {
  readonly self: PeerId;
  /** Differs from node to node and from start to start; the core mixes `self` in (E5). */
  readonly seed: bigint;
  /** T. Elections start after [T, 2T) ticks of silence. @default 10 */
  readonly electionTicks: number;
  /** @default 1 */
  readonly heartbeatTicks: number;
  /** Largest payload of one entry, in bytes. @default 8 MiB */
  readonly maxEntryBytes: number;
  /** Bytes of entries in one Append; a single entry always fits. @default 1 MiB */
  readonly maxAppendBytes: number;
  /** Appends on the way to one peer. @default 128 */
  readonly maxInflightMsgs: number;
  /** Bytes of entries on the way to one peer; a single Append always fits. @default 8 MiB */
  readonly maxInflightBytes: number;
  /** Bytes of entries a leader holds uncommitted before it answers `busy` (F6). @default 32 MiB */
  readonly maxUncommittedBytes: number;
  /** Bytes handed to apply and not yet acknowledged; a single entry always fits (F7). @default 8 MiB */
  readonly maxApplyBytes: number;
  /** Ticks a persist batch may take before the disk counts as stalled (E15). @default 3 T */
  readonly persistStallTicks: number;
  /** Bytes of recent entries kept in memory. Entries that are not durable yet are kept beyond it. @default 8 MiB */
  readonly tailCacheBytes: number;
  /** Snapshots on the way at the same time (S4). @default 2 */
  readonly maxSnapshotStreams: number;
  /** Reads waiting for their round before `readIndex` answers `busy`. @default 10000 */
  readonly maxPendingReads: number;
  /** Sees what happens, for tests and the simulator. Must not call back into the core. */
  readonly trace: ((event: TraceEvent) => void) | null;
}

// ---- Messages ----

interface Envelope {
  readonly from: PeerId;
  readonly to: PeerId;
  readonly term: number;
}

/** "Would you vote for me in `term`?" The sender's own term is still one lower (E7). */
export interface PreVote extends Envelope {
  readonly type: "PreVote";
  readonly lastIndex: number;
  readonly lastTerm: number;
}

/** Granted: `term` echoes the request. Refused: `term` is the voter's own. */
export interface PreVoteResp extends Envelope {
  readonly type: "PreVoteResp";
  readonly granted: boolean;
}

export interface Vote extends Envelope {
  readonly type: "Vote";
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** The leader asked for this election: stickiness (E9) does not apply. */
  readonly transfer: boolean;
}

export interface VoteResp extends Envelope {
  readonly type: "VoteResp";
  readonly granted: boolean;
}

export interface Append extends Envelope {
  readonly type: "Append";
  readonly prevIndex: number;
  readonly prevTerm: number;
  /** Contiguous from `prevIndex + 1`; may be empty. */
  readonly entries: readonly Entry[];
  readonly commit: number;
}

/** The sender's log equals the leader's up to `index`, durably (L5). Also acknowledges an installed snapshot. */
export interface AppendAccepted extends Envelope {
  readonly type: "AppendResp";
  readonly ok: true;
  readonly index: number;
}

/** The Append behind `rejectedPrev` does not fit, or it came from a past leader (then only `term` matters). */
export interface AppendRejected extends Envelope {
  readonly type: "AppendResp";
  readonly ok: false;
  readonly rejectedPrev: number;
  /** Where to look next (L8). */
  readonly hintIndex: number;
  readonly hintTerm: number;
}

export type AppendResp = AppendAccepted | AppendRejected;

export interface Heartbeat extends Envelope {
  readonly type: "Heartbeat";
  /** min(match of the receiver, commit) (L6). */
  readonly commit: number;
  /** Confirms reads up to this position when it is answered (R2). */
  readonly readPos: number;
}

export interface HeartbeatResp extends Envelope {
  readonly type: "HeartbeatResp";
  readonly readPos: number;
}

/** Stand for election now (E16). */
export interface TimeoutNow extends Envelope {
  readonly type: "TimeoutNow";
}

/**
 * Local, made by the receiver's runtime: a snapshot that `from` streamed in `term` is staged durably and verified (S5). Its
 * stage is either installed by a persist batch or given back in `Ready.discard`.
 */
export interface SnapDone extends Envelope {
  readonly type: "SnapDone";
  readonly meta: SnapMeta;
  readonly stagedId: string;
}

/** What travels between peers. */
export type PeerMessage =
  | PreVote
  | PreVoteResp
  | Vote
  | VoteResp
  | Append
  | AppendResp
  | Heartbeat
  | HeartbeatResp
  | TimeoutNow;

/** What `step` takes. */
export type Message = PeerMessage | SnapDone;

// ---- Proposals ----

export interface ProposeItem {
  /** Owned by the core from here on: the caller neither changes nor pools these bytes (L13). */
  readonly data: Uint8Array;
}

/** One server at a time (M4). */
export type ConfigChange =
  | { readonly type: "addLearner"; readonly id: PeerId; readonly address: string }
  | { readonly type: "promote"; readonly id: PeerId }
  | { readonly type: "demote"; readonly id: PeerId; readonly force?: boolean }
  /** `force`: also when fewer active voters than the new majority would be left (M12). */
  | { readonly type: "remove"; readonly id: PeerId; readonly force?: boolean }
  | { readonly type: "setAddress"; readonly id: PeerId; readonly address: string };

export type RefusalReason =
  /** Ask `leader`, when it is known. */
  | "not-leader"
  /** A bound is reached (F6); try again later. */
  | "busy"
  /** Leadership is being handed over (T2). */
  | "transferring"
  /** An entry above `maxEntryBytes`. */
  | "too-large"
  /** The disk is short of space (D-9). */
  | "low-space"
  /** No entry of this term is committed and applied yet (C3, M3). */
  | "not-ready"
  /** A config entry is still uncommitted (M2). */
  | "change-pending"
  /** The learner lags too far behind (M7). */
  | "not-caught-up"
  /** Too few active voters would be left (M12). */
  | "unsafe"
  /** The change or target makes no sense in the current configuration; `detail` says why. */
  | "invalid";

export interface Refusal {
  readonly ok: false;
  readonly reason: RefusalReason;
  /** The leader this node knows; null when it knows none. */
  readonly leader: PeerId | null;
  /** For people. */
  readonly detail: string;
}

/** The entries are at `firstIndex` and up, in `term`. Whether they will be committed is known only later. */
export interface Proposed {
  readonly ok: true;
  readonly term: number;
  readonly firstIndex: number;
}

export type ProposeOutcome = Proposed | Refusal;

export type RequestOutcome = { readonly ok: true } | Refusal;

// ---- Ready ----

/** What the core wants done. Everything in it is handed out once. */
export interface Ready {
  /** May leave now, in this order per peer. */
  readonly send: readonly PeerMessage[];
  /** At most one is outstanding (P4). */
  readonly persist: PersistBatch | null;
  /** Committed and locally durable entries, in order (C6). */
  readonly apply: ApplyBatch | null;
  /** Load the installed snapshot into the state machine, after every `apply` handed out before; then `restored`. */
  readonly restore: SnapMeta | null;
  /** Reads whose round is confirmed: serve them once `index` is applied (R1). */
  readonly reads: readonly ConfirmedRead[];
  /** Reads dropped on step-down (R3). */
  readonly failed: readonly FailedRead[];
  /** Entries to be read from disk and handed back with `entriesRead`. */
  readonly fetch: readonly FetchRequest[];
  /** Start a stream of the newest durable snapshot, at `minIndex` or above; report with `snapStatus`. */
  readonly sendSnapshot: readonly SendSnapshot[];
  /** Staged snapshots that will never be installed: delete them. */
  readonly discard: readonly string[];
  /** Set when any of it changed. */
  readonly soft: SoftState | null;
}

export interface SoftState {
  readonly role: Role;
  readonly leader: PeerId | null;
  readonly term: number;
  /** Leader, and an entry of this term is committed and applied here: reads and changes are possible (C3). */
  readonly active: boolean;
}

/** Written as one: after a crash either all of it is there or none (P3). */
export interface PersistBatch {
  readonly seq: number;
  readonly hard: HardState;
  /** Delete entries at this index and above, before `entries` are added. */
  readonly truncateFrom: number | null;
  readonly entries: readonly Entry[];
  /** Replace the whole log and state by this staged snapshot. Never together with `entries` (S9). */
  readonly install: { readonly meta: SnapMeta; readonly stagedId: string } | null;
  /** Messages the core releases itself when `seq` is durable (P1); here for tests. Do not send them. */
  readonly after: readonly Message[];
}

export interface ApplyBatch {
  readonly entries: readonly Entry[];
  /** Index of the last entry: acknowledge with `applied`. */
  readonly lastIndex: number;
  readonly bytes: number;
}

export interface ConfirmedRead {
  readonly ctx: number;
  readonly index: number;
}

export interface FailedRead {
  readonly ctx: number;
  readonly why: "not-leader";
}

export interface FetchRequest {
  /** The peer they are for; null when this node's own state machine wants them. */
  readonly to: PeerId | null;
  readonly lo: number;
  readonly hi: number;
  /** At least one entry, then no more than this. */
  readonly maxBytes: number;
  readonly token: number;
}

export interface SendSnapshot {
  readonly to: PeerId;
  readonly minIndex: number;
  readonly term: number;
}

/** What was done, and what happened around the core. */
export type Ack =
  | { readonly type: "persisted"; readonly seq: number }
  | { readonly type: "applied"; readonly index: number }
  | { readonly type: "restored"; readonly index: number }
  /** Contiguous from the request's `lo`; empty when they could not be had: the core asks again. */
  | {
      readonly type: "entriesRead";
      readonly to: PeerId | null;
      readonly token: number;
      readonly entries: readonly Entry[];
    }
  /** A stream that `sendSnapshot` asked for ended: delivered and verified, or not. */
  | { readonly type: "snapStatus"; readonly peer: PeerId; readonly ok: boolean }
  | { readonly type: "unreachable"; readonly peer: PeerId }
  /** `snapshot` is durable and recorded (S2). The core forgets entries up to `upTo`; then storage may delete them (S3). */
  | { readonly type: "compacted"; readonly snapshot: SnapMeta; readonly upTo: number }
  /** The disk ran short of space, or has enough again (D-9). */
  | { readonly type: "space"; readonly low: boolean };

// ---- Status ----

export type ProgressState = "probe" | "replicate" | "snapshot";

export interface PeerStatus {
  readonly id: PeerId;
  readonly voter: boolean;
  readonly match: number;
  readonly next: number;
  readonly state: ProgressState;
  readonly inflightMsgs: number;
  readonly inflightBytes: number;
  readonly paused: boolean;
  readonly recentActive: boolean;
  /** Index of the snapshot on its way; 0 when there is none. */
  readonly pendingSnapshot: number;
  /** Whether a promotion would be accepted (M7). */
  readonly caughtUp: boolean;
}

/** A picture for metrics and tests. */
export interface CoreStatus {
  readonly self: PeerId;
  readonly role: Role;
  readonly term: number;
  readonly vote: PeerId | null;
  readonly leader: PeerId | null;
  readonly active: boolean;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** Durable up to here. */
  readonly stable: number;
  readonly commit: number;
  /** Handed to apply up to here. */
  readonly applying: number;
  readonly applied: number;
  readonly snapshotIndex: number;
  /** In force, and the index of its entry or snapshot. */
  readonly config: Config;
  readonly configIndex: number;
  readonly installing: boolean;
  readonly stalled: boolean;
  readonly lowSpace: boolean;
  readonly suspect: boolean;
  /** Sequence number of the batch on its way to disk; 0 when there is none. */
  readonly persisting: number;
  readonly transferTarget: PeerId | null;
  readonly pendingReads: number;
  readonly uncommittedBytes: number;
  readonly applyBytes: number;
  /** Leaders only: everybody of the configuration but this node, sorted by id. */
  readonly peers: readonly PeerStatus[];
}

/** What happened, as it happens. `rule` marks a decision worth counting: which rule was taken, with what message. */
export type TraceEvent =
  | { readonly type: "role"; readonly from: Role; readonly to: Role; readonly term: number }
  | { readonly type: "truncate"; readonly from: number; readonly role: Role }
  | { readonly type: "commit"; readonly index: number }
  | { readonly type: "config"; readonly index: number; readonly config: Config }
  | { readonly type: "install"; readonly index: number }
  | { readonly type: "rule"; readonly rule: string };
