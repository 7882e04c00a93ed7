/**
 * Whether the disk has room for more (J-15): at least what the live journal may still cost in segments, and a reserve.
 *
 * Asked at most once a second, and only while something is written; when there is too little, once a second until there is
 * enough again. An idle node asks nothing.
 */
import type { Clock, Timer } from "./clock.ts";
import { FileSystemError } from "./file-system.ts";
import type { FileSystem } from "./file-system.ts";

const intervalMs = 1000;

export interface FreeSpaceOptions {
  readonly fs: FileSystem;
  readonly clock: Clock;
  readonly directory: string;
  readonly neededBytes: () => number;
}

export class FreeSpace {
  readonly #options: FreeSpaceOptions;
  #freeBytes = Number.MAX_SAFE_INTEGER;
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(options: FreeSpaceOptions) {
    this.#options = options;
  }

  /** As of the last time it was asked. */
  refusal(): { freeBytes: number; neededBytes: number } | undefined {
    const neededBytes = this.#options.neededBytes();
    return this.#freeBytes < neededBytes ? { freeBytes: this.#freeBytes, neededBytes } : undefined;
  }

  /** Something was written. */
  checkSoon(): void {
    if (this.#timer !== undefined || this.#isStopped) return;
    this.#timer = this.#options.clock.setTimer(intervalMs, () => {
      void this.check();
    });
  }

  async check(): Promise<void> {
    try {
      this.#freeBytes = await this.#options.fs.freeBytes(this.#options.directory);
    } catch (error) {
      // A disk that cannot say how full it is will say so when it is written to.
      if (!(error instanceof FileSystemError)) throw error;
    }
    this.#timer = undefined;
    if (this.refusal() !== undefined) this.checkSoon();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
