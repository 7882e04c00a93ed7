/**
 * Virtual time: one queue of things that will happen, and the driver that makes them happen in order.
 *
 *   timers, next turns ──┐
 *   disk operations ─────┤──▶ queue by (due time, order of arrival) ──▶ run one ──▶ let all promises settle ──▶ next
 *
 * Delays of disk operations come from the seed, so the order in which they end is a function of it, and so is the whole
 * run as long as nothing else in the process is asynchronous. Waiting costs nothing: when nothing is due, time jumps.
 *
 * A `SimulatedClock` belongs to one simulated process. After `stop()`, its timers never fire and new ones are swallowed,
 * as if the process were gone.
 */
import type { Clock, Timer } from "../clock.ts";

interface Happening {
  readonly dueMs: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** Nothing is left to happen, or too much has: a promise that was waited for cannot settle any more. */
export class SimulationStuckError extends Error {
  override readonly name = "SimulationStuckError";
}

export class SimulatedTime {
  /** Virtual milliseconds since the start, with a fraction. */
  nowMs = 0;
  /** How many things have happened. */
  happenings = 0;
  readonly #queue: Happening[] = [];
  #order = 0;

  /** Runs `run` once when `delayMs` have passed. */
  after(delayMs: number, run: () => void): Timer {
    const happening = { dueMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, run, cancelled: false };
    pushHeap(this.#queue, happening);
    return { cancel: () => (happening.cancelled = true) };
  }

  /** The next thing happens, and every promise that depends on it alone settles. False when nothing is left. */
  async step(): Promise<boolean> {
    await settled();
    for (let next = popHeap(this.#queue); next !== undefined; next = popHeap(this.#queue)) {
      if (next.cancelled) continue;
      this.nowMs = Math.max(this.nowMs, next.dueMs);
      this.happenings++;
      next.run();
      await settled();
      return true;
    }
    return false;
  }

  /**
   * Lets things happen until `condition` holds. Throws `SimulationStuckError` when nothing is left to happen, or when it
   * still does not hold after `maxHappenings`.
   */
  async until(condition: () => boolean, what: string, maxHappenings = 200_000): Promise<void> {
    await settled();
    for (let count = 0; !condition(); count++) {
      if (count >= maxHappenings) throw new SimulationStuckError(`Waited ${count} events for ${what}, in vain`);
      if (!(await this.step())) throw new SimulationStuckError(`Nothing is left to happen, but not yet: ${what}`);
    }
  }

  /** The value of a promise, letting things happen until it settles. */
  async result<T>(promise: Promise<T>, what: string, maxHappenings?: number): Promise<T> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    await this.until(() => isSettled, what, maxHappenings);
    return promise;
  }

  /** Lets everything happen that is due within `durationMs`; time stands there afterwards. */
  async pass(durationMs: number): Promise<void> {
    const endMs = this.nowMs + durationMs;
    while (await this.stepBefore(endMs));
  }

  /** As `step`, but only for what is due by `endMs`; when nothing is, time moves there and the answer is false. */
  async stepBefore(endMs: number): Promise<boolean> {
    await settled();
    while (this.#queue[0]?.cancelled === true) popHeap(this.#queue);
    const next = this.#queue[0];
    if (next !== undefined && next.dueMs <= endMs) return this.step();
    this.nowMs = Math.max(this.nowMs, endMs);
    return false;
  }

  /** Live things in the queue: zero means that the process is idle, with no timer set (J-4). */
  get pendingCount(): number {
    return this.#queue.filter((happening) => !happening.cancelled).length;
  }
}

export class SimulatedClock implements Clock {
  readonly #time: SimulatedTime;
  readonly #wallStartMs: number;
  #stopped = false;
  #lastTurnMs = 0;

  /** @param wallStartMs what `nowMs` says at virtual time 0. */
  constructor(time: SimulatedTime, wallStartMs = 1_500_000_000_000) {
    this.#time = time;
    this.#wallStartMs = wallStartMs;
  }

  nowMs(): number {
    return this.#wallStartMs + Math.floor(this.#time.nowMs);
  }

  monotonicMs(): number {
    return this.#time.nowMs;
  }

  setTimer(delayMs: number, run: () => void): Timer {
    if (this.#stopped) return { cancel: () => {} };
    return this.#time.after(Math.max(1, delayMs), () => this.#run(run));
  }

  nextTurn(run: () => void): void {
    if (this.#stopped) return;
    // A turn takes a moment; turns keep their order.
    this.#lastTurnMs = Math.max(this.#lastTurnMs, this.#time.nowMs + 0.01);
    this.#time.after(this.#lastTurnMs - this.#time.nowMs, () => this.#run(run));
  }

  /** The process is gone: nothing it asked for happens any more. */
  stop(): void {
    this.#stopped = true;
  }

  #run(run: () => void): void {
    if (!this.#stopped) run();
  }
}

/** Resolves when every promise that can settle without an event has settled: microtasks run before the next real turn. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function isBefore(a: Happening, b: Happening): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

function pushHeap(heap: Happening[], happening: Happening): void {
  let at = heap.length;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(happening, heap[parent] as Happening)) break;
    heap[at] = heap[parent] as Happening;
    at = parent;
  }
  heap[at] = happening;
}

function popHeap(heap: Happening[]): Happening | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (top === undefined || last === undefined || heap.length === 0) return top;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Happening, heap[child] as Happening)) child++;
    if (!isBefore(heap[child] as Happening, last)) break;
    heap[at] = heap[child] as Happening;
    at = child;
  }
  heap[at] = last;
  return top;
}
