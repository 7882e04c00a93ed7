// The metadata log as the controller sees it: an ordered log of opaque batches, of which only the committed part is ever
// shown, with a snapshot in front of it. Declared here because the controller driver consumes it; a single voter on LevelDB
// fills it (drivers/level-metadata-log.ts), and a Raft group fills the same shape: entries may then be proposed by others, a
// snapshot may arrive at any time, and leadership comes and goes.
//
//   propose(batch) ──> stored and committed ──> listener.onCommitted([{index, bytes}]) ──> promise resolves with the index
//
// Invariants
// - Indexes of entries are 1, 2, 3, … without gaps; an entry that was delivered never changes and is never taken back.
// - `onSnapshot` comes before the entries above its index and replaces everything delivered earlier.
// - A promise of `propose` resolves after `onCommitted` was called with its entry, so an answer (C-4) sees its own effect.

/** One committed batch of controller records. `bytes` is owned by the receiver and never changes. */
export interface MetadataEntry {
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** The state after the entry `index`, encoded by the controller. */
export interface MetadataSnapshot {
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** Whether this node may propose. The term grows with every change of leader and is carried by answers (C-6). */
export type MetadataRole =
  | { readonly kind: "leader"; readonly term: number }
  | { readonly kind: "follower"; readonly term: number; readonly leaderId: number | undefined };

/** Receives what the log has to say, synchronously and in order. A listener that throws is fatal for the node (C-2). */
export interface MetadataLogListener {
  onSnapshot(snapshot: MetadataSnapshot): void;
  onCommitted(entries: readonly MetadataEntry[]): void;
  /** `leader` only when everything committed before was delivered (C-1). */
  onRole(role: MetadataRole): void;
  /** The log can no longer be trusted or written; the process should end. Called at most once. */
  onFatal(error: MetadataLogError): void;
}

export interface MetadataLog {
  /** Delivers the snapshot and every committed entry, then the role. Called once; rejects with a `MetadataLogError`. */
  start(listener: MetadataLogListener): Promise<void>;
  /**
   * Appends one batch. Resolves with its index once it is committed, durable and delivered.
   * Rejects with `NOT_LEADER` (not appended), `UNKNOWN_OUTCOME` (leadership lost while it was on its way: it may or may
   * not be committed later) or a fatal code. `bytes` is owned by the log from the call on.
   */
  propose(bytes: Uint8Array): Promise<number>;
  /**
   * Stores the state after the delivered entry `index`, then drops what it makes superfluous. Entries stay readable until the
   * snapshot is durable. `bytes` is borrowed until the promise settles.
   */
  saveSnapshot(index: number, bytes: Uint8Array): Promise<void>;
  /** What lies behind the newest snapshot, to decide when the next one is due. */
  readonly tail: { readonly entries: number; readonly bytes: number };
  /** Waits for what is in flight, then releases the directory. Idempotent. */
  close(): Promise<void>;
}

export type MetadataLogErrorCode =
  | "LOCKED"
  | "DAMAGED"
  | "IO"
  | "NOT_LEADER"
  | "UNKNOWN_OUTCOME"
  | "TOO_LARGE"
  | "CLOSED"
  | "FORMAT";

/** Operational failures of the metadata log. `code` tells them apart; the message says what failed and what to do. */
export class MetadataLogError extends Error {
  override readonly name = "MetadataLogError";
  readonly code: MetadataLogErrorCode;

  constructor(code: MetadataLogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
