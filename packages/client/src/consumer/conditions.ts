// SPDX-License-Identifier: Apache-2.0
// Waiting for things to be so, for a bounded time: conditions are looked at again whenever check() is called.

import type { Clock, Timer } from "../clock.ts";

interface Waiter {
  readonly condition: () => boolean;
  readonly settle: (isSo: boolean) => void;
}

export class Conditions {
  readonly #clock: Clock;
  readonly #waiters = new Set<Waiter>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves with true as soon as it is so, with false when time is up before. */
  until(condition: () => boolean, timeoutMs: number): Promise<boolean> {
    if (condition()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const waiter: Waiter = {
        condition,
        settle: (isSo) => {
          this.#waiters.delete(waiter);
          timer.cancel();
          resolve(isSo);
        },
      };
      const timer: Timer = this.#clock.setTimer(Math.max(0, timeoutMs), () => waiter.settle(condition()));
      this.#waiters.add(waiter);
    });
  }

  check(): void {
    for (const waiter of this.#waiters) if (waiter.condition()) waiter.settle(true);
  }
}
