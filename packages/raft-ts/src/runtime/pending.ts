// SPDX-License-Identifier: Apache-2.0
// Something a caller waits for: settled once, by whoever comes first of the log, the clock and the caller's own signal.

import type { RequestOptions } from "./outcomes.ts";

export class Pending<Outcome> {
  readonly promise: Promise<Outcome>;
  /** In the clock's milliseconds. */
  readonly deadlineAt: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: (() => void) | undefined;
  #resolve: ((outcome: Outcome) => void) | undefined;

  /** `onAbort` is called when the signal is aborted later; one that is aborted already is the caller's business. */
  constructor(options: RequestOptions, deadlineAt: number, onAbort: (pending: Pending<Outcome>) => void) {
    this.promise = new Promise((resolve) => (this.#resolve = resolve));
    this.deadlineAt = deadlineAt;
    if (options.signal === undefined) return;
    this.#signal = options.signal;
    this.#onAbort = () => onAbort(this);
    this.#signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  get isSettled(): boolean {
    return this.#resolve === undefined;
  }

  /** Returns whether this was the first outcome. */
  settle(outcome: Outcome): boolean {
    if (this.#resolve === undefined) return false;
    this.#resolve(outcome);
    this.#resolve = undefined;
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener("abort", this.#onAbort);
    return true;
  }
}
