/**
 * Whether the disk has room for more (J-15): at least what the live journal may still cost in segments, and a reserve.
 *
 * Asked once a second, and only while something is written; when there is too little, once a second until there is enough
 * again. What is appended between two looks is taken off the last figure, and when half of what there was beyond the need is
 * spent, the disk is asked at once: a fast writer cannot run through the reserve within a second. An idle node asks nothing.
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
  /** Appended since the last look began. */
  #spentBytes = 0;
  #isLooking = false;
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(options: FreeSpaceOptions) {
    this.#options = options;
  }

  /** As of the last look, less what was appended since, and less `moreBytes` that somebody means to write. */
  refusal(moreBytes = 0): { freeBytes: number; neededBytes: number } | undefined {
    const neededBytes = this.#options.neededBytes();
    const freeBytes = Math.max(0, this.#freeBytes - this.#spentBytes - moreBytes);
    return freeBytes < neededBytes ? { freeBytes, neededBytes } : undefined;
  }

  /** So many bytes were appended, and will be on the disk soon. */
  spend(bytes: number): void {
    this.#spentBytes += bytes;
    if (this.#isLooking || this.#isStopped) return;
    const spareBytes = this.#freeBytes - this.#options.neededBytes();
    if (spareBytes > 0 && this.#spentBytes * 2 > spareBytes) void this.check();
  }

  /** Something was written. */
  checkSoon(): void {
    if (this.#timer !== undefined || this.#isStopped) return;
    this.#timer = this.#options.clock.setTimer(intervalMs, () => {
      void this.check();
    });
  }

  async check(): Promise<void> {
    const spentBefore = this.#spentBytes;
    this.#isLooking = true;
    try {
      this.#freeBytes = await this.#options.fs.freeBytes(this.#options.directory);
      this.#spentBytes -= spentBefore;
    } catch (error) {
      // A disk that cannot say how full it is will say so when it is written to.
      if (!(error instanceof FileSystemError)) throw error;
    } finally {
      this.#isLooking = false;
    }
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.refusal() !== undefined) this.checkSoon();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
