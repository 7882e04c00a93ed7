// What a command comes to: records and an answer, or a refusal. Refusals are values; only bugs are thrown.

import type { Reason } from "@varve/format";
import type { MetadataRecord } from "./records.ts";

/** Why a command was not done, ready for an error detail on the wire. */
export interface Refusal {
  readonly reason: Reason;
  /** A sentence for people: what failed, why, and what would do. */
  readonly message: string;
  /** The same for programs. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * `records` empty: nothing changes. `atomic` false: the records may be spread over several batches, each correct by itself
 * (C-5); never so for what a user asked for.
 */
export type Decision<Reply> =
  | { readonly records: readonly MetadataRecord[]; readonly reply: Reply; readonly atomic: boolean }
  | { readonly refusal: Refusal };

/** What the deciding node hands in, so that decisions need no clock and no dice. */
export interface DecisionContext {
  readonly nowMs: number;
  /** 32 lower-case hex digits, never the same twice. */
  readonly newUuid: () => string;
}

export function accept<Reply>(reply: Reply, records: readonly MetadataRecord[] = []): Decision<Reply> {
  return { records, reply, atomic: true };
}

export function refuse(
  reason: Reason,
  message: string,
  metadata: Readonly<Record<string, string>> = {},
): { refusal: Refusal } {
  return { refusal: { reason, message, metadata } };
}
