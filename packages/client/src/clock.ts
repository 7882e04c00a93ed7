// SPDX-License-Identifier: Apache-2.0
// Time and chance as the client sees them; handed in, so that tests own them.

/** A pending call of Clock.setTimer(). */
export interface Timer {
  /** Idempotent; the function is not called any more. */
  cancel(): void;
  /** The process need not stay for it. */
  unref?(): void;
}

export interface Clock {
  /** Milliseconds since 1970; may jump. For timestamps of records. */
  nowMs(): number;
  /** Milliseconds since some moment; never goes back. For durations. */
  monotonicMs(): number;
  /** Calls `run` once, no earlier than after `delayMs`. */
  setTimer(delayMs: number, run: () => void): Timer;
  /** Calls `run` once, after the input of this event-loop turn has been taken in. */
  nextTurn(run: () => void): void;
  /** A number in [0, 1), to spread retries. */
  random(): number;
}

/** The clock of this process. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer), unref: () => void timer.unref() };
  },
  nextTurn(run) {
    setImmediate(run);
  },
  random: () => Math.random(),
};
