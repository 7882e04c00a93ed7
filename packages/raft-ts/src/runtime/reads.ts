// SPDX-License-Identifier: Apache-2.0
/**
 * Reads from the call to the moment when this node's state machine may be asked (R1).
 *
 *   read() ──▶ waiting ──core.readIndex──▶ its round ──confirmed──▶ until applied ──▶ ready
 *
 * A read changes nothing, so every refusal of it is the whole truth.
 */

import type { ConfirmedRead, RequestOutcome } from "../core/types.ts";
import type { ReadOutcome, Refused, RequestOptions } from "./outcomes.ts";
import { Pending } from "./pending.ts";
import type { ProposalHost } from "./proposals.ts";

interface Read {
  readonly pending: Pending<ReadOutcome>;
  readonly ctx: number;
}

export class Reads {
  readonly counts = { ready: 0, refused: 0 };
  readonly #limits: { readonly maxPending: number; readonly deadlineMs: number };
  readonly #host: ProposalHost;
  #waiting: Read[] = [];
  readonly #asked = new Map<number, Read>();
  /** Confirmed; indexes rise. */
  #confirmed: ConfirmedRead[] = [];
  #nextCtx = 1;
  #applied: number;
  #closed: Refused["reason"] | undefined;
  #earliestDeadline = Infinity;

  constructor(
    limits: { readonly maxPending: number; readonly deadlineMs: number },
    applied: number,
    host: ProposalHost,
  ) {
    this.#limits = limits;
    this.#applied = applied;
    this.#host = host;
  }

  get count(): number {
    return this.#waiting.length + this.#asked.size;
  }

  /** Proved, and waiting for their index to be applied. */
  get confirmedCount(): number {
    return this.#confirmed.length;
  }

  read(options: RequestOptions): Promise<ReadOutcome> {
    if (this.#closed !== undefined) return this.#refuse(this.#closed, "this node serves no reads any more");
    if (options.signal?.aborted === true) return this.#refuse("aborted", "the signal was aborted before the call");
    if (this.count >= this.#limits.maxPending) return this.#refuse("busy", `${this.count} reads wait`);
    const deadlineAt = this.#host.nowMs() + (options.deadlineMs ?? this.#limits.deadlineMs);
    this.#earliestDeadline = Math.min(this.#earliestDeadline, deadlineAt);
    const pending = new Pending<ReadOutcome>(options, deadlineAt, () => this.#drop(read, "aborted", "it was aborted"));
    const read: Read = { pending, ctx: this.#nextCtx };
    this.#nextCtx += 1;
    this.#waiting.push(read);
    this.#host.wake();
    return pending.promise;
  }

  /** Asks the core for everything that waits. */
  flush(readIndex: (ctx: number) => RequestOutcome): void {
    // They stay in the list until all were asked: if the core breaks on the way, all of them are told so.
    for (const read of this.#waiting) {
      if (read.pending.isSettled) continue;
      const outcome = readIndex(read.ctx);
      if (outcome.ok) this.#asked.set(read.ctx, read);
      else this.#drop(read, outcome.reason, outcome.detail);
    }
    this.#waiting = [];
  }

  /** Their round is confirmed. */
  confirmed(reads: readonly ConfirmedRead[]): void {
    for (const read of reads) if (this.#asked.has(read.ctx)) this.#confirmed.push(read);
    this.#serve();
  }

  /** R3. */
  failed(ctx: number): void {
    const read = this.#asked.get(ctx);
    if (read !== undefined) this.#drop(read, "not-leader", "leadership ended before it was proved");
  }

  /** The state machine contains everything up to `index`. */
  applied(index: number): void {
    this.#applied = index;
    this.#serve();
  }

  /** Settles what waits no longer; called at every tick. */
  expire(): void {
    const now = this.#host.nowMs();
    if (now < this.#earliestDeadline) return;
    this.#earliestDeadline = Infinity;
    for (const read of [...this.#waiting, ...this.#asked.values()]) {
      const { deadlineAt } = read.pending;
      if (deadlineAt <= now) this.#drop(read, "deadline", "leadership was not proved in time");
      else this.#earliestDeadline = Math.min(this.#earliestDeadline, deadlineAt);
    }
    // Those that gave up while nothing was applied: a state machine that hangs must not make this list grow.
    this.#confirmed = this.#confirmed.filter(({ ctx }) => this.#asked.has(ctx));
  }

  close(reason: Refused["reason"]): void {
    this.#closed = reason;
    for (const read of [...this.#waiting, ...this.#asked.values()]) this.#drop(read, reason, "this node ended");
    this.#waiting = [];
    this.#confirmed = [];
  }

  #serve(): void {
    let served = 0;
    for (const { ctx, index } of this.#confirmed) {
      if (index > this.#applied) break;
      served += 1;
      const read = this.#asked.get(ctx);
      if (read === undefined) continue;
      this.#asked.delete(ctx);
      if (read.pending.settle({ kind: "ready", index })) this.counts.ready += 1;
    }
    if (served > 0) this.#confirmed = this.#confirmed.slice(served);
  }

  #drop(read: Read, reason: Refused["reason"], detail: string): void {
    this.#asked.delete(read.ctx);
    if (read.pending.settle(this.#refusal(reason, detail))) this.counts.refused += 1;
  }

  async #refuse(reason: Refused["reason"], detail: string): Promise<ReadOutcome> {
    this.counts.refused += 1;
    return this.#refusal(reason, detail);
  }

  #refusal(reason: Refused["reason"], detail: string): Refused {
    return { kind: "refused", reason, leader: this.#host.leader(), detail };
  }
}
