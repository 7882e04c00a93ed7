// SPDX-License-Identifier: Apache-2.0
// Which term wrote which entries, as runs: a run holds from its start up to the next run's start. Small (one run for each
// leader change) and in memory for the whole log, so that the term at any index is known without a disk.
//
//   runs     (1, t1)    (4, t3)   (9, t4)
//   indexes  1  2  3    4 … 8     9 … last
//
// Starts and terms both rise strictly. The end of the log is the owner's: it asks only for indexes that exist.

import { must } from "./raft-fatal.ts";
import type { TermRun } from "./types.ts";

export class TermRuns {
  readonly #runs: TermRun[] = [];

  /** Takes a copy of `runs`. */
  constructor(runs: readonly TermRun[]) {
    for (const { start, term } of runs) {
      const last = this.#runs.at(-1);
      const sound = Number.isSafeInteger(start) && Number.isSafeInteger(term) && start >= 0 && term >= 0;
      must(sound && (last === undefined || (last.start < start && last.term < term)), "L4", "term runs rise");
      this.#runs.push({ start, term });
    }
  }

  /** Borrowed until the next change. */
  get runs(): readonly TermRun[] {
    return this.#runs;
  }

  /** The entry at `index`, behind all others, is of `term`. */
  append(index: number, term: number): void {
    const last = this.#runs.at(-1);
    if (last !== undefined && last.term === term) return;
    must(last === undefined || (last.term < term && last.start < index), "L4", "terms never fall");
    this.#runs.push({ start: index, term });
  }

  /** Term at `index`; undefined below the first run. */
  termAt(index: number): number | undefined {
    return this.#runs[this.#runOf(index)]?.term;
  }

  /**
   * The largest index at or below `index` whose term is at most `term` (both halves of L8). One less than the first run's
   * start when there is none.
   */
  floor(index: number, term: number): number {
    let at = this.#runOf(index);
    if (at < 0) return index;
    if (this.#runs[at]!.term <= term) return index;
    while (at > 0 && this.#runs[at - 1]!.term > term) at -= 1;
    return this.#runs[at]!.start - 1;
  }

  /** The log now ends below `from`. */
  truncateFrom(from: number): void {
    while (this.#runs.length > 0 && this.#runs.at(-1)!.start >= from) this.#runs.pop();
  }

  /** Nothing below `index` will be asked for any more: the run that holds it starts there. */
  forgetBelow(index: number): void {
    const at = this.#runOf(index);
    if (at < 0) return;
    this.#runs.splice(0, at + 1, { start: index, term: this.#runs[at]!.term });
  }

  /** The log is empty behind the entry at `index` of `term`. */
  reset(index: number, term: number): void {
    this.#runs.length = 0;
    this.#runs.push({ start: index, term });
  }

  /** Position of the run that holds `index`, -1 when it lies below all. Newest first: that is what is mostly asked for. */
  #runOf(index: number): number {
    const last = this.#runs.length - 1;
    if (last < 0 || this.#runs[last]!.start <= index) return last;
    let low = 0;
    let high = last;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#runs[middle]!.start <= index) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
