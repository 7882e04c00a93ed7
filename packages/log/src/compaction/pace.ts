/**
 * Keeps a long piece of work from holding the event loop, and from taking more of the disk than it was given.
 *
 * Work is counted, not timed: a record is about a microsecond, so a slice of them is a few milliseconds on a slow machine.
 */
import type { Clock, Timer } from "../clock.ts";

/** Records, or pieces of 64 bytes, between two turns of the loop. */
const sliceUnits = 2_000;
const unitBytes = 64;

export class Pace {
  readonly #clock: Clock;
  readonly #bytesPerSecond: number;
  #units = 0;
  #bytes = 0;
  #timer: Timer | undefined;
  #wake: (() => void) | undefined;
  #isStopped = false;

  /** `bytesPerSecond` of reads and writes together; 0: no limit. */
  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Nothing waits any more; whoever works looks at `isStopped`. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#wake?.();
  }

  /** One record was looked at. Undefined: go on; otherwise await it. */
  record(bytes: number): Promise<void> | undefined {
    this.#units += 1 + Math.floor(bytes / unitBytes);
    if (this.#units < sliceUnits) return undefined;
    this.#units = 0;
    return new Promise((resolve) => this.#clock.nextTurn(resolve));
  }

  /** So many bytes were read or written: waits until they fit the rate. */
  async moved(bytes: number): Promise<void> {
    this.#bytes += bytes;
    if (this.#bytesPerSecond <= 0 || this.#isStopped) return;
    const delayMs = (this.#bytes / this.#bytesPerSecond) * 1000;
    // A timer has a resolution of a millisecond: many small pieces share one.
    if (delayMs < 1) return;
    this.#bytes = 0;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#timer = this.#clock.setTimer(delayMs, resolve);
    });
    this.#wake = undefined;
  }
}
