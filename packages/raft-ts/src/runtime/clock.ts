// SPDX-License-Identifier: Apache-2.0
// The real clock: the only place of the runtime that knows timers.

import type { Clock } from "./ports.ts";

/** Monotonic milliseconds of this process, its timers and its turns. Timers keep the process alive until cancelled. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return { cancel: () => clearTimeout(timer) };
  },
  nextTurn(run) {
    setImmediate(run);
  },
};
