// SPDX-License-Identifier: Apache-2.0
/**
 * Proposals from the call to their outcome.
 *
 *   propose() ──▶ waiting ──one core.propose per turn──▶ in the log at (index, term) ──applied──▶ success or lost
 *                   │ refused                               │ deadline, abort, stop, snapshot past it
 *                   ▼                                       ▼
 *                refused: nothing happened               unknown: it may still happen
 *
 * Invariant: `lost` is said only when an entry of another term is known to be committed in its place, or a later term is
 * committed before it (terms never fall along a log, L4). What is not known stays pending, or becomes `unknown` (Q3).
 */

import type { Entry, ProposeItem, ProposeOutcome, SnapMeta } from "../core/types.ts";
import type { LeaderHint, Lost, ProposeOptions, Refused, RequestOptions, Success, Unknown } from "./outcomes.ts";
import { Pending } from "./pending.ts";

/** Bytes of one call of `core.propose`; a single item always fits. One refusal then costs no more than this. */
const handOverBytes = 1 << 20;

/** What an entry is worth to whoever waits for it. */
type Outcome<Result> = Success<Result> | Lost | Unknown | Refused;

interface Proposal<Result> {
  readonly pending: Pending<Outcome<Result>>;
  readonly data: Uint8Array;
  /** The only leadership that may take it; undefined: any. */
  readonly onlyTerm: number | undefined;
  index: number;
  term: number;
}

export interface ProposalLimits {
  readonly maxPending: number;
  readonly maxPendingBytes: number;
  readonly deadlineMs: number;
  readonly maxEntryBytes: number;
}

export interface ProposalHost {
  nowMs(): number;
  /** A turn must come: something waits to be handed over. */
  wake(): void;
  leader(): LeaderHint | null;
}

export class Proposals<Result> {
  readonly counts = { success: 0, lost: 0, unknown: 0, refused: 0 };
  readonly #limits: ProposalLimits;
  readonly #host: ProposalHost;
  /** Not in the log yet. */
  #waiting: Proposal<Result>[] = [];
  /** In the log, by index. After a change of leader two terms may claim one index. */
  readonly #logged = new Map<number, Proposal<Result>[]>();
  #count = 0;
  #bytes = 0;
  #closed: Refused["reason"] | undefined;
  /** Nothing pending has an earlier deadline. */
  #earliestDeadline = Infinity;
  /** Of the newest entry that was applied or restored. */
  #appliedTerm = 0;

  constructor(limits: ProposalLimits, host: ProposalHost) {
    this.#limits = limits;
    this.#host = host;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** `data` is copied. */
  propose(data: Uint8Array, options: ProposeOptions): Promise<Outcome<Result>> {
    const { maxPending, maxPendingBytes, maxEntryBytes } = this.#limits;
    if (this.#closed !== undefined) return this.#refuse(this.#closed, "this node takes no proposals any more");
    if (options.signal?.aborted === true) return this.#refuse("aborted", "the signal was aborted before the call");
    if (data.byteLength > maxEntryBytes) {
      return this.#refuse("too-large", `an entry has ${data.byteLength} bytes, at most ${maxEntryBytes} fit`);
    }
    if (this.#count >= maxPending) return this.#refuse("busy", `${this.#count} proposals wait for their outcome`);
    if (this.#count > 0 && this.#bytes + data.byteLength > maxPendingBytes) {
      return this.#refuse("busy", `${this.#bytes} bytes of proposals wait for their outcome`);
    }
    // L13: whatever the caller does with its buffer, the entry stays as it is.
    const proposal = this.#add(new Uint8Array(data), options);
    this.#waiting.push(proposal);
    this.#host.wake();
    return proposal.pending.promise;
  }

  /** Something else that was appended, such as a change of the members: its outcome is told in the same way. */
  track(index: number, term: number, options: RequestOptions): Promise<Outcome<Result>> {
    const proposal = this.#add(new Uint8Array(0), options);
    this.#log(proposal, index, term);
    return proposal.pending.promise;
  }

  /** Hands everything that waits to the core (F8). `termNow` is asked only when a proposal names a term. */
  flush(propose: (items: readonly ProposeItem[]) => ProposeOutcome, termNow: () => number): void {
    const waiting = this.#waiting.filter((proposal) => this.#isWanted(proposal, termNow));
    this.#waiting = waiting;
    for (let from = 0; from < waiting.length;) {
      let to = from + 1;
      let bytes = waiting[from]!.data.byteLength;
      for (; to < waiting.length; to += 1) {
        bytes += waiting[to]!.data.byteLength;
        if (bytes > handOverBytes) break;
      }
      const batch = waiting.slice(from, to);
      from = to;
      const outcome = propose(batch);
      // Only now: what the core did not take when it broke waits still, and is told so.
      this.#waiting = waiting.slice(to);
      batch.forEach((proposal, at) => {
        if (outcome.ok) this.#log(proposal, outcome.firstIndex + at, outcome.term);
        else this.#settle(proposal, this.#refusal(outcome.reason, outcome.detail));
      });
    }
  }

  /** `entries` were applied; `results` are those of the normal ones among them, in order. */
  applied(entries: readonly Entry[], results: readonly Result[]): void {
    if (this.#logged.size > 0) {
      let at = 0;
      for (const { type, index, term } of entries) {
        const result = type === "normal" ? results[at++] : undefined;
        const claims = this.#logged.get(index);
        if (claims === undefined) continue;
        for (const claim of claims) {
          if (claim.term !== term) this.#settle(claim, { kind: "lost", index, term: claim.term });
          // A tracked entry has no result; whoever tracks it wants none.
          else this.#settle(claim, { kind: "success", result: result as Result, index, term });
        }
      }
    }
    const last = entries.at(-1);
    if (last !== undefined) this.#reachedTerm(last.term);
  }

  /** The state of `meta` replaced what was there: nobody will apply the entries below it here. */
  restored(meta: SnapMeta): void {
    for (const [index, claims] of this.#logged) {
      if (index > meta.index) continue;
      for (const claim of claims) {
        const { term } = claim;
        const isOther = term > meta.term || (index === meta.index && term !== meta.term);
        this.#settle(
          claim,
          isOther ? { kind: "lost", index, term } : { kind: "unknown", why: "snapshot", index, term },
        );
      }
    }
    this.#reachedTerm(meta.term);
  }

  /** Settles what waits no longer; called at every tick. */
  expire(): void {
    const now = this.#host.nowMs();
    if (now < this.#earliestDeadline) return;
    this.#earliestDeadline = Infinity;
    for (const proposal of this.#all()) {
      if (proposal.pending.deadlineAt <= now) this.#giveUp(proposal, "deadline");
      else this.#earliestDeadline = Math.min(this.#earliestDeadline, proposal.pending.deadlineAt);
    }
  }

  /** Takes no more. What is in the log may still be decided. */
  refuseFromNow(reason: "stopped" | "failed" | "suspect"): void {
    this.#closed ??= reason;
    for (const proposal of this.#waiting) {
      this.#settle(proposal, this.#refusal(reason, "this node takes no proposals any more"));
    }
    this.#waiting = [];
  }

  /** Nothing will be decided here any more. */
  close(why: "stopped" | "failed"): void {
    this.refuseFromNow(why);
    this.#closed = why;
    for (const proposal of this.#all()) this.#giveUp(proposal, why);
  }

  #isWanted(proposal: Proposal<Result>, termNow: () => number): boolean {
    const { pending, onlyTerm } = proposal;
    if (pending.isSettled) return false;
    if (onlyTerm === undefined || onlyTerm === termNow()) return true;
    this.#settle(proposal, this.#refusal("not-leader", `the leadership of term ${onlyTerm} is over`));
    return false;
  }

  #add(data: Uint8Array, options: ProposeOptions): Proposal<Result> {
    const deadlineAt = this.#host.nowMs() + (options.deadlineMs ?? this.#limits.deadlineMs);
    const pending = new Pending<Outcome<Result>>(options, deadlineAt, () => this.#giveUp(proposal, "aborted"));
    const proposal: Proposal<Result> = { pending, data, onlyTerm: options.term, index: 0, term: 0 };
    this.#count += 1;
    this.#bytes += data.byteLength;
    this.#earliestDeadline = Math.min(this.#earliestDeadline, deadlineAt);
    return proposal;
  }

  #log(proposal: Proposal<Result>, index: number, term: number): void {
    proposal.index = index;
    proposal.term = term;
    const claims = this.#logged.get(index);
    if (claims === undefined) this.#logged.set(index, [proposal]);
    else claims.push(proposal);
  }

  #giveUp(proposal: Proposal<Result>, why: "deadline" | "aborted" | "stopped" | "failed"): void {
    const { index, term } = proposal;
    if (index === 0) this.#settle(proposal, this.#refusal(why, "it was not in the log yet"));
    else this.#settle(proposal, { kind: "unknown", why, index, term });
  }

  /** A committed entry has `term`: what an earlier leadership appended behind it is not in the log and never will be. */
  #reachedTerm(term: number): void {
    if (term === this.#appliedTerm) return;
    this.#appliedTerm = term;
    for (const claims of this.#logged.values()) {
      for (const claim of claims) {
        if (claim.term < term) this.#settle(claim, { kind: "lost", index: claim.index, term: claim.term });
      }
    }
  }

  #settle(proposal: Proposal<Result>, outcome: Outcome<Result>): void {
    if (!proposal.pending.settle(outcome)) return;
    this.counts[outcome.kind] += 1;
    this.#count -= 1;
    this.#bytes -= proposal.data.byteLength;
    const { index } = proposal;
    const claims = this.#logged.get(index);
    if (claims === undefined) return;
    if (claims.length === 1) this.#logged.delete(index);
    else {
      this.#logged.set(
        index,
        claims.filter((claim) => claim !== proposal),
      );
    }
  }

  #all(): readonly Proposal<Result>[] {
    return [...this.#waiting, ...[...this.#logged.values()].flat()];
  }

  async #refuse(reason: Refused["reason"], detail: string): Promise<Refused> {
    this.counts.refused += 1;
    return this.#refusal(reason, detail);
  }

  #refusal(reason: Refused["reason"], detail: string): Refused {
    return { kind: "refused", reason, leader: this.#host.leader(), detail };
  }
}
