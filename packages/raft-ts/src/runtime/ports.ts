// SPDX-License-Identifier: Apache-2.0
// What the runtime needs from the world: storage, transport, a state machine, a clock. Adapters implement these; tests and the
// simulator do too. Whatever goes wrong in an adapter arrives as a rejected promise or an event, never as a thrown surprise.

import type { BootState, Entry, PeerAddress, PeerId, PeerMessage, PersistBatch, SnapMeta } from "../core/types.ts";

// ---- Identity ----

/** Who a data directory belongs to. `dirId` is made once, at random, when the directory is formatted (M11). */
export interface Identity {
  readonly nodeId: string;
  /** 32 hexadecimal digits. */
  readonly dirId: string;
  /** Null as long as the node is blank. */
  readonly clusterId: string | null;
}

/** What a cluster is born from (M9): every initial voter writes the same one, as snapshot 1 of term 1. */
export interface ClusterDocument {
  readonly clusterId: string;
  /** Sorted by id, without duplicates, one to seven. */
  readonly voters: readonly PeerAddress[];
}

// ---- Storage ----

export type StorageHealth =
  | { readonly state: "ok" }
  /** Formatted, has an identity, belongs to no cluster yet. */
  | { readonly state: "blank" }
  /** May have lost something it promised (D-4). `reason` says what was found and what to do. */
  | { readonly state: "suspect"; readonly reason: string };

export interface OpenedStorage {
  readonly health: StorageHealth;
  readonly identity: Identity;
  readonly boot: BootState;
}

/**
 * One group's durable state. At most one `write` is under way at a time (P4); `compact`, `snapshots.save`, stagings and reads
 * may overlap with it and with each other. `form` and `join` come before all of them. After a rejected write the storage is
 * dead (P5): only `close` is left.
 */
export interface Storage {
  /** Formats an empty directory durably; locks it; checks everything that D-1 to D-4 let it check. Repairs nothing. */
  open(): Promise<OpenedStorage>;
  /**
   * Blank storage becomes an initial voter of this cluster (M9). The same document again is fine, another one is refused.
   * @returns what `open` would return now: boot the core from it
   */
  form(document: ClusterDocument): Promise<OpenedStorage>;
  /**
   * Blank storage becomes a member to be: it knows its cluster, and its log stays empty until a leader fills it. The same
   * cluster again is fine, another one is refused.
   * @returns what `open` would return now
   */
  join(clusterId: string): Promise<OpenedStorage>;
  /** Atomic; resolves when durable (P3). */
  write(batch: PersistBatch): Promise<void>;
  /**
   * [lo, hi), at least one entry, then at most `maxBytes` of payload; checked (D-5). Empty when `lo` is compacted or beyond
   * the log. A rejection is damage: fatal for the node.
   */
  entries(lo: number, hi: number, maxBytes: number): Promise<readonly Entry[]>;
  /** Entries up to and including `upTo` may go; a durable snapshot covers them (S3). Resolves when the new start is durable. */
  compact(upTo: number): Promise<void>;
  readonly snapshots: SnapshotStore;
  /** Bytes left on the disk, for D-9. */
  freeBytes(): Promise<number>;
  close(): Promise<void>;
}

/** A snapshot as it travels and as it lies on disk. */
export interface SnapshotDescription {
  readonly meta: SnapMeta;
  /** Names these bytes: the same snapshot of another node, or of another attempt, has another id. At most 64 characters. */
  readonly id: string;
  /** The log's chain value at `meta.index` (D-1), so that the chain goes on after an install. */
  readonly chain: number;
  readonly sizeBytes: number;
  /** CRC-32C over all of the bytes. */
  readonly crc: number;
}

export interface SnapshotReader {
  readonly description: SnapshotDescription;
  /** From this byte on, in pieces of at most 64 KiB. Fails on bytes that do not match the checksum kept with them. */
  chunks(fromByte: number): AsyncIterable<Uint8Array>;
  /** Compaction deletes no snapshot that is open. */
  close(): Promise<void>;
}

/** A snapshot on its way in. */
export interface SnapshotStaging {
  /** So many bytes of this very snapshot (same id) are here already: go on there. */
  readonly offsetBytes: number;
  write(chunk: Uint8Array): Promise<void>;
  /** Checks size and checksum, makes it durable. @returns the id that `PersistBatch.install` and `Ready.discard` name */
  finish(): Promise<string>;
  /** Without `finish`: keeps what came, for a later attempt. Storage keeps at most one unfinished staging. */
  close(): Promise<void>;
}

export interface SnapshotStore {
  /** This node's own snapshot: durable and recorded when it resolves (S2). Older ones go once nobody reads them. */
  save(meta: SnapMeta, chunks: AsyncIterable<Uint8Array>): Promise<SnapshotDescription>;
  /** The newest durable one, or null. */
  open(): Promise<SnapshotReader | null>;
  stage(description: SnapshotDescription): Promise<SnapshotStaging>;
  discard(stagedId: string): Promise<void>;
}

// ---- Transport ----

export interface TransportHandlers {
  /** Undefined: go on. A promise: read no more from this peer until it settles; it never rejects. */
  onMessage(message: PeerMessage): Promise<void> | undefined;
  /** A stream to this peer broke, or a message to it was dropped. May be said often. */
  onUnreachable(peer: PeerId): void;
  /** Null: not wanted (older than what is here, or another one is coming in). `finish` makes the receiver answer "verified". */
  onSnapshot(offer: SnapshotOffer): Promise<SnapshotStaging | null>;
}

export interface SnapshotOffer {
  readonly from: PeerId;
  readonly term: number;
  readonly description: SnapshotDescription;
}

/** Carries messages between peers; may drop, duplicate and reorder them. Who a message is from is checked here (X1). */
export interface Transport {
  start(handlers: TransportHandlers): Promise<void>;
  /** Whom to keep streams to, and where they listen. Replaces what was set before. */
  setPeers(peers: readonly PeerAddress[]): void;
  /** Never throws, never blocks; what does not fit into a peer's bounded queue is dropped and reported as unreachable. */
  send(messages: readonly PeerMessage[]): void;
  /** Resolves when the receiver has it durably and verified. */
  sendSnapshot(to: PeerId, term: number, reader: SnapshotReader, signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

// ---- Bootstrap ----

/** A node that a cluster is to be formed with, and where it listens (M9). */
export interface InitialPeer {
  /** 1 to 64 of `A-Z a-z 0-9 . _ -`. */
  readonly nodeId: string;
  /** 1 to 255 printable characters without spaces. */
  readonly address: string;
}

/** What a node says when it is asked who it is. */
export interface BootstrapAnswer {
  readonly nodeId: string;
  /** 32 hexadecimal digits. */
  readonly dirId: string;
  readonly state: "blank" | "member" | "suspect";
  /** Null when blank; of suspect storage what is still readable. */
  readonly clusterId: string | null;
  /** The node ids that it was told to form a cluster with, sorted, its own among them; at most seven, none when told none. */
  readonly peers: readonly string[];
  /** What its cluster was formed from, as long as it remembers. Who is named in it, and is blank, takes it from here. */
  readonly document: ClusterDocument | null;
  /** It knows of a committed entry behind the document: a majority of the voters takes part. */
  readonly begun: boolean;
  /** Voters and learners of the configuration in force there; at most 64. */
  readonly members: readonly PeerId[];
}

/** How nodes ask each other who they are, before and after they belong to a cluster. Nothing else is sent: documents are fetched. */
export interface BootstrapTransport {
  /** Asks who listens at `address`. Rejects when no proper answer came before `signal` aborts. */
  hello(address: string, signal: AbortSignal): Promise<BootstrapAnswer>;
  /** What others are answered from now on; replaces what was set before. Until then they are refused. Must not throw. */
  answerWith(answer: () => BootstrapAnswer): void;
}

// ---- State machine ----

export interface AppliedEntry {
  readonly index: number;
  readonly term: number;
  readonly data: Uint8Array;
}

/** What the log is for. One call at a time; `snapshot` must not hold up `apply`. */
export interface StateMachine<Result> {
  /** Deterministic; one result for each entry, in order. A rejection is the end of the node. */
  apply(entries: readonly AppliedEntry[]): Promise<readonly Result[]>;
  /** A cut through the state as it is now: after the last entry that `apply` was given. */
  snapshot(): AsyncIterable<Uint8Array>;
  /** Builds aside, then swaps. No bytes at all means the state before the first entry. */
  restore(chunks: AsyncIterable<Uint8Array>): Promise<void>;
}

// ---- Clock ----

export interface Clock {
  /** Milliseconds, monotonic, from any origin. */
  nowMs(): number;
  after(ms: number, run: () => void): Timer;
  /** Runs `run` soon, after everything that is waiting now: what comes until then is handled with it, in one turn. */
  nextTurn(run: () => void): void;
}

export interface Timer {
  cancel(): void;
}
