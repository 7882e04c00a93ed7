// SPDX-License-Identifier: Apache-2.0
// How long to wait before the next attempt to connect: doubling, between half and all of it at random, so that the nodes of a
// group do not knock in step.

export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  /** In [0, 1). */
  readonly #random: () => number;
  #nextMs: number;

  constructor(options: { readonly minMs: number; readonly maxMs: number; readonly random: () => number }) {
    this.#minMs = options.minMs;
    this.#maxMs = options.maxMs;
    this.#random = options.random;
    this.#nextMs = options.minMs;
  }

  /** The next wait, in milliseconds. */
  next(): number {
    const waitMs = this.#nextMs;
    this.#nextMs = Math.min(this.#maxMs, 2 * waitMs);
    return waitMs * (0.5 + this.#random() / 2);
  }

  /** The peer was there. */
  reset(): void {
    this.#nextMs = this.#minMs;
  }
}
