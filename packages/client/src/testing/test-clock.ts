// SPDX-License-Identifier: Apache-2.0
// Time that a test moves by hand: timers run inside advance(), in order.

import type { Clock, Timer } from "../clock.ts";

export class TestClock implements Clock {
  #nowMs = 0;
  readonly #pending = new Set<{ readonly atMs: number; readonly run: () => void }>();

  /** Timers that have not run. */
  get timers(): number {
    return this.#pending.size;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  random(): number {
    return 0.5;
  }

  nextTurn(run: () => void): void {
    setImmediate(run);
  }

  setTimer(delayMs: number, run: () => void): Timer {
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#pending.add(timer);
    return { cancel: () => void this.#pending.delete(timer) };
  }

  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const [first] = [...this.#pending].sort((a, b) => a.atMs - b.atMs);
      if (first === undefined || first.atMs > endMs) break;
      this.#pending.delete(first);
      this.#nowMs = Math.max(this.#nowMs, first.atMs);
      first.run();
    }
    this.#nowMs = endMs;
  }
}
