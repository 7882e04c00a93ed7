// SPDX-License-Identifier: Apache-2.0
/**
 * Virtual time: a heap of (time, order, run), and nothing else moves the world.
 *
 * Invariant: things run by time, and at the same time in the order in which they were scheduled, so the order is total
 * and a run is a function of what was scheduled. Time never goes back; nothing is ever scheduled in the past.
 */

/** Something that will happen once. `cancel()` it, or leave it alone. */
export class Scheduled {
  readonly time: number;
  readonly order: number;
  /** Cleared when it ran or was cancelled, so that what it held can be collected. */
  run: (() => void) | undefined;

  constructor(time: number, order: number, run: () => void) {
    this.time = time;
    this.order = order;
    this.run = run;
  }

  /** It will not happen. Harmless when it already did. */
  cancel(): void {
    this.run = undefined;
  }
}

export class Scheduler {
  /** Virtual microseconds since the start; an integer. */
  now = 0;
  /** How many things have happened. */
  events = 0;
  /** Called after each of them. */
  afterEach: (() => void) | undefined;
  #order = 0;
  readonly #heap: Scheduled[] = [];

  /** How much is waiting, cancelled or not. */
  get waiting(): number {
    return this.#heap.length;
  }

  /** Runs `run` once at `time` (µs, floored), or now if that is past. */
  at(time: number, run: () => void): Scheduled {
    const scheduled = new Scheduled(Math.max(this.now, Math.floor(time)), this.#order++, run);
    push(this.#heap, scheduled);
    return scheduled;
  }

  /** Runs `run` once when `delay` µs have passed. */
  after(delay: number, run: () => void): Scheduled {
    return this.at(this.now + delay, run);
  }

  /** The next thing happens. False when nothing is left. */
  step(): boolean {
    for (let next = pop(this.#heap); next !== undefined; next = pop(this.#heap)) {
      const { run } = next;
      if (run === undefined) continue;
      next.run = undefined;
      this.now = next.time;
      this.events++;
      run();
      this.afterEach?.();
      return true;
    }
    return false;
  }

  /** When the next thing happens; undefined when nothing is left. */
  nextTime(): number | undefined {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (top.run !== undefined) return top.time;
      pop(this.#heap);
    }
    return undefined;
  }

  /** Everything due up to `time` happens, at most `eventsMax` things of it. True when time stands at `time` afterwards. */
  runUntil(time: number, eventsMax = Number.MAX_SAFE_INTEGER): boolean {
    const last = this.events + eventsMax;
    for (let next = this.nextTime(); next !== undefined && next <= time; next = this.nextTime()) {
      if (this.events >= last) return false;
      this.step();
    }
    this.now = Math.max(this.now, time);
    return true;
  }
}

function isBefore(a: Scheduled, b: Scheduled): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}

function push(heap: Scheduled[], item: Scheduled): void {
  let at = heap.length;
  heap.push(item);
  while (at > 0) {
    const parentAt = (at - 1) >> 1;
    const parent = heap[parentAt] as Scheduled;
    if (!isBefore(item, parent)) break;
    heap[at] = parent;
    at = parentAt;
  }
  heap[at] = item;
}

function pop(heap: Scheduled[]): Scheduled | undefined {
  const top = heap[0];
  const item = heap.pop();
  if (item === undefined || item === top) return top;
  const { length } = heap;
  let at = 0;
  for (;;) {
    let childAt = 2 * at + 1;
    if (childAt >= length) break;
    if (childAt + 1 < length && isBefore(heap[childAt + 1] as Scheduled, heap[childAt] as Scheduled)) childAt++;
    const child = heap[childAt] as Scheduled;
    if (!isBefore(child, item)) break;
    heap[at] = child;
    at = childAt;
  }
  heap[at] = item;
  return top;
}
