// SPDX-License-Identifier: Apache-2.0
/**
 * One node's clock, and the gate through which everything reaches the node.
 *
 *   virtual time ──(rate 50 % … 200 %)──▶ local time: timers and `now()`
 *   messages, disk answers ──▶ enter() ──▶ run now, or wait until the pause is over
 *
 * A paused node is a stopped process: nothing runs in it, and after the pause everything that waited runs in a burst, in
 * order. A stopped clock is a dead process: its timers never fire, what enters is swallowed. One clock per incarnation.
 */
import type { Scheduled, Scheduler } from "./scheduler.ts";

export interface SimulatedClockOptions {
  readonly scheduler: Scheduler;
  /** Length of this node's second in percent of a real one: 50 runs twice as fast, 200 half as fast. */
  readonly ratePercent: number;
  /** How much may wait at the gate of a paused node; beyond it, what enters is dropped. */
  readonly waitingMax: number;
}

/** A timer that can be taken back. */
export interface SimulatedTimer {
  cancel(): void;
}

export class SimulatedClock {
  /** Dropped at the gate because too much was waiting. */
  dropped = 0;
  readonly #scheduler: Scheduler;
  #ratePercent: number;
  readonly #waitingMax: number;
  /** Where the rate last changed, in virtual and in local time. */
  #virtualBase: number;
  #localBase = 0;
  #state: "runs" | "paused" | "stopped" = "runs";
  #waiting: (() => void)[] = [];

  constructor({ scheduler, ratePercent, waitingMax }: SimulatedClockOptions) {
    this.#scheduler = scheduler;
    this.#ratePercent = ratePercent;
    this.#waitingMax = waitingMax;
    this.#virtualBase = scheduler.now;
  }

  get isStopped(): boolean {
    return this.#state === "stopped";
  }

  get isPaused(): boolean {
    return this.#state === "paused";
  }

  /** Local microseconds since this incarnation began. Goes on during a pause, as a monotonic clock does. */
  now(): number {
    return this.#localBase + Math.floor(((this.#scheduler.now - this.#virtualBase) * 100) / this.#ratePercent);
  }

  /** Runs at another rate from now on; timers that are set keep their time. */
  setRate(ratePercent: number): void {
    this.#localBase = this.now();
    this.#virtualBase = this.#scheduler.now;
    this.#ratePercent = ratePercent;
  }

  /** Runs `run` once after `delay` local µs. */
  after(delay: number, run: () => void): SimulatedTimer {
    return this.#scheduler.after(this.#virtual(delay), () => this.enter(run));
  }

  /**
   * Runs `run` every `period` local µs, first after `firstAfter`. As with an interval of Node, a pause makes it late
   * once and does not make it up.
   */
  every(period: number, run: () => void, firstAfter = period): SimulatedTimer {
    let isWaiting = false;
    let isCancelled = false;
    let timer: Scheduled;
    const fire = (): void => {
      timer = this.#scheduler.after(this.#virtual(period), fire);
      // Already waiting at the gate: one is enough, and it must not crowd out messages.
      if (isWaiting) return;
      isWaiting = true;
      this.enter(() => {
        isWaiting = false;
        if (!isCancelled) run();
      });
      if (this.isStopped) timer.cancel();
    };
    timer = this.#scheduler.after(this.#virtual(firstAfter), fire);
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }

  /** The gate: runs `run` now, after the pause, or never. */
  enter(run: () => void): void {
    if (this.#state === "runs") run();
    else if (this.#state === "paused") {
      if (this.#waiting.length < this.#waitingMax) this.#waiting.push(run);
      else this.dropped++;
    }
  }

  pause(): void {
    if (this.#state === "runs") this.#state = "paused";
  }

  /** Everything that waited runs, in order; it may stop or pause the clock again. */
  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "runs";
    const waiting = this.#waiting;
    this.#waiting = [];
    waiting.forEach((run) => this.enter(run));
  }

  /** The process is gone. */
  stop(): void {
    this.#state = "stopped";
    this.#waiting = [];
  }

  #virtual(local: number): number {
    return Math.max(1, Math.floor((local * this.#ratePercent) / 100));
  }
}
