/** Time as the store sees it; handed in, so that tests own it. */

/** A pending call of `Clock.setTimer`. */
export interface Timer {
  /** Idempotent; the function is not called any more. */
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since 1970, an integer; may jump in both directions. For timestamps in files, never for waiting. */
  nowMs(): number;
  /** Milliseconds since some moment, with a fraction; never goes back. For durations. */
  monotonicMs(): number;
  /** Calls `run` once, no earlier than after `delayMs`. Does not keep the process alive. */
  setTimer(delayMs: number, run: () => void): Timer;
  /** Calls `run` once, after the input of this event-loop turn has been taken in (J-4). Cannot be cancelled. */
  nextTurn(run: () => void): void;
}

/** The clock of this process. */
export function systemClock(): Clock {
  return systemClockInstance;
}

/* oxlint-disable no-restricted-globals -- the one place where time enters this package. */
const systemClockInstance: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  nextTurn(run) {
    setImmediate(run);
  },
};
