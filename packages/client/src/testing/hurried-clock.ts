// SPDX-License-Identifier: Apache-2.0
// Time that goes 20 times as fast, with the timers that are set counted: what is closed leaves none.

import { systemClock, type Clock, type Timer } from "../clock.ts";

const factor = 20;

export class HurriedClock implements Clock {
  readonly #pending = new Set<Timer>();
  #skippedMs = 0;

  /** Timers that have not run. */
  get timers(): number {
    return this.#pending.size;
  }

  nowMs(): number {
    return systemClock.nowMs();
  }

  monotonicMs(): number {
    return systemClock.monotonicMs() * factor + this.#skippedMs;
  }

  /** So much time is gone at once, for those who look: timers run as before. */
  advance(ms: number): void {
    this.#skippedMs += ms;
  }

  setTimer(delayMs: number, run: () => void): Timer {
    const timer = systemClock.setTimer(delayMs / factor, () => {
      this.#pending.delete(timer);
      run();
    });
    this.#pending.add(timer);
    return {
      cancel: () => {
        this.#pending.delete(timer);
        timer.cancel();
      },
    };
  }

  nextTurn(run: () => void): void {
    systemClock.nextTurn(run);
  }

  random(): number {
    return systemClock.random();
  }
}
