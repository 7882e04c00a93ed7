/**
 * Reads every segment at a low rate, since a flip below the recovery point shows nowhere else (J-12, F-9).
 *
 * One pass over all partitions, a piece at a time with a pause after each that keeps the rate; then a long pause. Only the
 * bytes that a segment had when its turn came are read. What looks like damage is read from the file again through the partition,
 * which knows of cuts and removals that came in between, and which quarantines.
 */
import type { Clock, Timer } from "./clock.ts";
import { FileSystemError } from "./file-system.ts";
import { LogError } from "./errors.ts";
import type { PartitionLog } from "./partition-log.ts";
import { scanSegment } from "./segment-scan.ts";
import type { Segment } from "./segment.ts";

const firstPassAfterMs = 60_000;
const passEveryMs = 24 * 3_600_000;

export interface ScrubberOptions {
  readonly clock: Clock;
  /** 0: never. */
  readonly bytesPerSecond: number;
  readonly partitions: () => Iterable<PartitionLog>;
}

export class Scrubber {
  readonly #options: ScrubberOptions;
  #timer: Timer | undefined;
  #wake: (() => void) | undefined;
  #isStopped = false;

  constructor(options: ScrubberOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#options.bytesPerSecond <= 0) return;
    this.#passAfter(firstPassAfterMs);
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#wake?.();
  }

  /** One pass over everything there is now; for tests and operators, at the same rate. */
  async pass(): Promise<void> {
    for (const log of this.#options.partitions()) {
      for (const segment of log.segments.slice()) {
        if (this.#isStopped) return;
        await this.#scrub(log, segment);
      }
    }
  }

  #passAfter(delayMs: number): void {
    if (this.#isStopped) return;
    this.#timer = this.#options.clock.setTimer(delayMs, () => {
      this.#timer = undefined;
      void this.pass().then(() => this.#passAfter(passEveryMs));
    });
  }

  async #scrub(log: PartitionLog, segment: Segment): Promise<void> {
    if (log.state.kind === "closed" || log.state.kind === "failed" || segment.isRemoved) return;
    const { endOffset } = segment;
    try {
      const found = await scanSegment((into, at) => segment.read(into, at), {
        positionBytes: 0,
        offset: segment.baseOffset,
        sizeBytes: segment.sizeBytes,
        epochAt: (offset) => log.epochAt(offset),
        onPiece: (bytes) => this.#pause((bytes / this.#options.bytesPerSecond) * 1000),
      });
      if ((found.fault === undefined && found.endOffset >= endOffset) || this.#isStopped) return;
      await log.readFiles({ offset: found.endOffset, maxBytes: 1, limit: segment.endOffset });
    } catch (error) {
      // Removed or closed under the scrub, or an error that the next reader will report.
      if (!(error instanceof FileSystemError) && !(error instanceof LogError)) throw error;
    }
  }

  async #pause(delayMs: number): Promise<void> {
    if (this.#isStopped) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#timer = this.#options.clock.setTimer(delayMs, resolve);
    });
  }
}
