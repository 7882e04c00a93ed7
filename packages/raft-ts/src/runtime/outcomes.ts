// SPDX-License-Identifier: Apache-2.0
// What callers of a node are told. Outcomes are values: nothing here is thrown, and nothing unknown is called failed (Q3).

import type { Config, PeerId, RefusalReason } from "../core/types.ts";

/** Whom to ask instead. */
export interface LeaderHint {
  readonly id: PeerId;
  /** Null when the configuration does not tell. */
  readonly address: string | null;
}

/** Nothing happened, and nothing will come of this request: asking again, here or elsewhere, duplicates nothing. */
export interface Refused {
  readonly kind: "refused";
  readonly reason:
    | RefusalReason
    /** The deadline passed, or the signal was aborted, before anything was done. */
    | "deadline"
    | "aborted"
    /** This node is stopping or has stopped. */
    | "stopped"
    /** This node has failed: see `RaftNode.closed`. */
    | "failed"
    /** This node's storage may have lost something: it takes part in nothing (D-4). */
    | "suspect";
  /** The leader as far as this node knows. */
  readonly leader: LeaderHint | null;
  /** For people. */
  readonly detail: string;
}

/** It may have happened, it may still happen, or it never will: this node cannot tell. Only the log can. */
export interface Unknown {
  readonly kind: "unknown";
  readonly why:
    | "deadline"
    | "aborted"
    /** A snapshot took this node past the entry. */
    | "snapshot"
    | "stopped"
    | "failed";
  readonly index: number;
  readonly term: number;
}

/** Another entry was committed in its place: it did not happen and never will. */
export interface Lost {
  readonly kind: "lost";
  readonly index: number;
  readonly term: number;
}

/** Committed, durable on a majority, applied here, and this is what the state machine answered. */
export interface Success<Result> {
  readonly kind: "success";
  readonly result: Result;
  readonly index: number;
  readonly term: number;
}

export type ProposalOutcome<Result> = Success<Result> | Lost | Unknown | Refused;

/** `ready`: this node's state machine now contains everything that was acknowledged anywhere before the call (R1). */
export type ReadOutcome = { readonly kind: "ready"; readonly index: number } | Refused;

/** `done`: committed and applied here; `config` is what came of it. */
export type ChangeOutcome =
  | { readonly kind: "done"; readonly config: Config; readonly warnings: readonly string[] }
  | Lost
  | Unknown
  | Refused;

/** What `propose` takes. */
export interface ProposeOptions extends RequestOptions {
  /**
   * Only as leader of this term: what was made from the state of one leadership may be wrong in the next, even of the same
   * node. Refused with `not-leader` otherwise.
   */
  readonly term?: number;
}

/** What `propose` and `read` take. */
export interface RequestOptions {
  /** Gives up waiting; see the outcome for what is known then. */
  readonly signal?: AbortSignal;
  /** Gives up waiting after so long, checked at every tick. @default `NodeOptions.deadlineMs` */
  readonly deadlineMs?: number;
}
