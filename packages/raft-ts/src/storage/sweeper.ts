// SPDX-License-Identifier: Apache-2.0
// Deletes entries that the log no longer begins with, a slice at a time, behind the back of the writes. Nothing depends on it:
// what a crash brings back lies below the head's first index, and the next open sweeps again. LevelDB gives the space back by
// itself: with 20 000 entries kept of a million, the directory stayed between two and four times their size.

import type { LevelDatabase } from "./level-database.ts";
import { entryKey } from "./records.ts";

/** Entries of a slice. */
const sliceEntries = 1000;

export class Sweeper {
  readonly #database: LevelDatabase;
  #goal = 0;
  /** All below is deleted. */
  #done = 0;
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;
  #stopped = false;

  constructor(database: LevelDatabase) {
    this.#database = database;
  }

  /** Entries below `index` will never be read again. Deletes them some time; a failure is a reason to do no more. */
  sweepBelow(index: number): void {
    this.#goal = Math.max(this.#goal, index);
    if (this.#isRunning || this.#stopped) return;
    this.#isRunning = true;
    this.#running = this.#run();
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#done < this.#goal && !this.#stopped) {
        // What lies below the first sweep was left by a crash: few entries, however many numbers.
        const to = this.#done === 0 ? this.#goal : Math.min(this.#done + sliceEntries, this.#goal);
        await this.#database.clear(entryKey(this.#done), entryKey(to));
        this.#done = to;
      }
    } catch {
      // Garbage stays where it is; a disk that fails here will fail a write as well, and that one is fatal.
      this.#stopped = true;
    } finally {
      this.#isRunning = false;
    }
  }
}
