/**
 * How many file operations of the segments may be in the thread pool together (J-4).
 *
 * The journal has a lane of its own that nothing here can delay; segments share the others. Waiters are served in the
 * order they came. A lane is held for one step of one partition, so nobody starves.
 */
export class Lanes {
  #free: number;
  readonly #waiters: (() => void)[] = [];
  #head = 0;

  constructor(count: number) {
    this.#free = count;
  }

  /** Undefined: taken at once. */
  acquire(): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free -= 1;
      return undefined;
    }
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
    });
  }

  release(): void {
    const next = this.#waiters[this.#head];
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#head += 1;
    if (this.#head > 64 && this.#head * 2 > this.#waiters.length) {
      this.#waiters.splice(0, this.#head);
      this.#head = 0;
    }
    next();
  }

  /** Runs `work` while holding a lane. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const wait = this.acquire();
    if (wait !== undefined) await wait;
    try {
      return await work();
    } finally {
      this.release();
    }
  }
}
