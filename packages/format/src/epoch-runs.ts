// SPDX-License-Identifier: Apache-2.0
// Which leader epoch wrote which offsets, as runs: epoch e wrote [its start, the next run's start or the log end).
//
//   runs     (e2, 0)          (e3, 40)   (e7, 55)
//   offsets  0 .............. 40 ....... 55 ....... log end
//
// Epochs and starts both rise strictly, with one exception that is no exception: the last run may still be empty, when a
// leader has begun an epoch and written nothing (raft.md 6.8). The next epoch at the same offset replaces it.
// Small (one entry per leader change) and in memory for the whole log. It is changed in place; `toArray` copies.

import { invariant } from "./invariant.ts";

export interface EpochRun {
  readonly epoch: number;
  /** First offset that this epoch wrote, or would write. */
  readonly start: number;
}

export class EpochRuns {
  #runs: EpochRun[];

  /** Takes a copy of `runs`; they must be ascending (ask `isAscending` first when they come from a file). */
  constructor(runs: readonly EpochRun[] = []) {
    invariant(EpochRuns.isAscending(runs), "epoch runs ascend in epoch and start");
    this.#runs = runs.map(({ epoch, start }) => ({ epoch, start }));
  }

  /** Whether `runs`, perhaps from a damaged file, can be epoch runs at all. */
  static isAscending(runs: readonly EpochRun[]): boolean {
    return runs.every(({ epoch, start }, index) => {
      if (!Number.isSafeInteger(epoch) || !Number.isSafeInteger(start) || epoch < 0 || start < 0) return false;
      const before = runs[index - 1];
      return before === undefined || (before.epoch < epoch && before.start < start);
    });
  }

  /** The runs, ascending; borrowed until the next change. */
  get runs(): readonly EpochRun[] {
    return this.#runs;
  }

  /** The last run, if there is any. */
  get latest(): EpochRun | undefined {
    return this.#runs.at(-1);
  }

  /** Epoch of the last run, -1 when there is none. */
  get latestEpoch(): number {
    return this.#runs.at(-1)?.epoch ?? -1;
  }

  /** An owned copy, to be written down. */
  toArray(): EpochRun[] {
    return this.#runs.map(({ epoch, start }) => ({ epoch, start }));
  }

  /** Epoch `epoch` writes from `start` on. The same epoch again changes nothing; an older one, or a start below the last
   * run's, is a bug of the caller. Empty runs at `start` go: no offset is theirs. */
  add(epoch: number, start: number): this {
    const latest = this.latest;
    if (latest !== undefined) {
      invariant(epoch >= latest.epoch, "epochs never fall");
      if (epoch === latest.epoch) return this;
      invariant(start >= latest.start, "a new epoch starts at the end of the log");
      if (start === latest.start) this.#runs.pop();
    }
    invariant(Number.isSafeInteger(epoch) && Number.isSafeInteger(start) && epoch >= 0 && start >= 0, "plain numbers");
    this.#runs.push({ epoch, start });
    return this;
  }

  /**
   * Where the log of `epoch`, or of the largest one below it, ends: KIP-101's question. `logEndOffset` ends the last run.
   * For an epoch below all known ones: that epoch, and the start of the first run. Without any run: the log's end.
   */
  endFor(epoch: number, logEndOffset: number): { epoch: number; end: number } {
    const index = this.#lastIndexWhere((run) => run.epoch <= epoch);
    const end = this.#runs[index + 1]?.start ?? logEndOffset;
    return { epoch: this.#runs[index]?.epoch ?? epoch, end };
  }

  /** Epoch of the run that holds `offset`; undefined below the first run. Offsets past the log end count to the last run. */
  epochAt(offset: number): number | undefined {
    return this.#runs[this.#lastIndexWhere((run) => run.start <= offset)]?.epoch;
  }

  /** The log now ends at `offset`: runs that start there or later go, empty ones among them (G-3). */
  truncateTo(offset: number): this {
    this.#runs.length = this.#lastIndexWhere((run) => run.start < offset) + 1;
    return this;
  }

  /** The log now starts at `offset`: earlier runs go, the one that holds `offset` starts there. */
  truncateBefore(offset: number): this {
    const index = this.#lastIndexWhere((run) => run.start <= offset);
    if (index < 0) return this;
    const holder = this.#runs[index]!;
    this.#runs.splice(0, index + 1, { epoch: holder.epoch, start: offset });
    return this;
  }

  /** Index of the last run with `test`, -1 when none has it; `test` must hold for a prefix of the runs. */
  #lastIndexWhere(test: (run: EpochRun) => boolean): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (test(this.#runs[middle]!)) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
