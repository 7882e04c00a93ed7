// SPDX-License-Identifier: Apache-2.0
// How far a member is done with a partition. What is handed out is finished in any order; what may be committed is the end of the
// longest unbroken row of finished entries from the beginning: nothing that is not finished lies before it.
//
//   handed out   ■ ■ ■ □ ■ □ □      ■ finished
//                     ^ committable: the next offset after the third
//
// An entry is one record, or a whole batch of them.

export interface CommitPoint {
  /** The next offset to read. */
  readonly offset: number;
  /** Of the last record before it; -1 when unknown. */
  readonly leaderEpoch: number;
}

interface Entry {
  readonly point: CommitPoint;
  isFinished: boolean;
}

export class FinishedPrefix {
  #point: CommitPoint;
  #entries: Entry[] = [];
  /** Place in `#entries` of the first one that is not finished. */
  #head = 0;
  /** Number of the entry at place 0. */
  #base = 0;
  #started = -1;

  constructor(start: CommitPoint) {
    this.#point = start;
  }

  /** What may be committed. */
  get committable(): CommitPoint {
    return this.#point;
  }

  /** Entries that were handed out and are not in the unbroken row yet. */
  get open(): number {
    return this.#entries.length - this.#head;
  }

  /** Everything up to the last entry that was begun is finished: stopping here repeats nothing. */
  get isDrained(): boolean {
    return this.#base + this.#head > this.#started;
  }

  /** Whether an entry has to be done before isDrained can come true. */
  isBeforeStarted(number: number): boolean {
    return number <= this.#started;
  }

  /** One more entry, behind all others. @returns its number */
  handOut(point: CommitPoint): number {
    this.#entries.push({ point, isFinished: false });
    return this.#base + this.#entries.length - 1;
  }

  /** Somebody works on it. */
  start(number: number): void {
    if (number > this.#started) this.#started = number;
  }

  /** What was begun and is not finished never will be: nothing waits for it. */
  abandon(): void {
    this.#started = -1;
  }

  /** Idempotent. @returns whether more may be committed than before */
  finish(number: number): boolean {
    const entry = this.#entries[number - this.#base];
    if (entry === undefined || entry.isFinished) return false;
    entry.isFinished = true;
    const before = this.#head;
    for (let next = this.#entries[this.#head]; next?.isFinished === true; next = this.#entries[this.#head]) {
      this.#point = next.point;
      this.#head += 1;
    }
    if (this.#head === before) return false;
    if (this.#head === this.#entries.length || this.#head > 1024) {
      this.#entries.splice(0, this.#head);
      this.#base += this.#head;
      this.#head = 0;
    }
    return true;
  }
}
