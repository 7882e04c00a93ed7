// The metadata log as the controller sees it: an ordered log of opaque batches, of which only the committed part is ever
// shown, with a snapshot in front of it. Declared here because the controller driver consumes it; a Raft group fills it
// (drivers/raft-metadata-log.ts), one node being a group of one.
//
//   propose(batch) ──> stored and committed ──> listener.onCommitted([{index, bytes}]) ──> promise resolves with the index
//
// Invariants
// - Indexes of entries rise; an entry that was delivered never changes and is never taken back.
// - `onSnapshot` comes before the entries above its index and replaces everything delivered earlier. It may come at any time.
// - A promise of `propose` resolves after `onCommitted` was called with its entry, so an answer (C-4) sees its own effect.

/** One committed batch of controller records. `bytes` is owned by the receiver and never changes. */
export interface MetadataEntry {
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** Whether this node may propose. The term grows with every change of leader and is carried by answers (C-6). */
export type MetadataRole =
  | { readonly kind: "leader"; readonly term: number }
  | { readonly kind: "follower"; readonly term: number; readonly leaderId: number | undefined };

/** Receives what the log has to say, synchronously and in order. A listener that throws is fatal for the node (C-2). */
export interface MetadataLogListener {
  /** The state after some entry, encoded by a controller; owned by the receiver. */
  onSnapshot(bytes: Uint8Array): void;
  onCommitted(entries: readonly MetadataEntry[]): void;
  /** `leader` only when everything committed before was delivered (C-1). */
  onRole(role: MetadataRole): void;
  /** The log can no longer be trusted or written; the process should end. Called at most once. */
  onFatal(error: MetadataLogError): void;
  /** The state after the last entry delivered, encoded; owned by the log. */
  takeSnapshot(): Uint8Array;
}

export interface MetadataLog {
  /**
   * Takes part, and delivers snapshot and committed entries as they become known, then and from now on. Called once; resolves when
   * the log runs, and of a group of one when it leads. Rejects with a `MetadataLogError`.
   */
  start(listener: MetadataLogListener): Promise<void>;
  /**
   * Appends one batch in this leadership's term or not at all. Resolves with its index once it is committed, durable and
   * delivered. Rejects with `NOT_LEADER` (it is in no log and never will be), `NO_SPACE` (likewise), `UNKNOWN_OUTCOME` (it may or
   * may not be committed later) or a fatal code. `bytes` is borrowed for the call.
   */
  propose(bytes: Uint8Array, term: number): Promise<number>;
  /** Hands leadership over, waits for what is in flight, releases the directory. Idempotent. */
  close(): Promise<void>;
}

export type MetadataLogErrorCode =
  | "LOCKED"
  | "DAMAGED"
  | "IO"
  | "NOT_LEADER"
  | "NO_SPACE"
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
