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
  state: "open" | "finished" | "abandoned";
}

export class FinishedPrefix {
  #point: CommitPoint;
  #entries: Entry[] = [];
  /** Place in `#entries` of the first one that is not finished. */
  #head = 0;
  /** Place of the first one that somebody may still finish. */
  #drained = 0;
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

  /** Everything up to the last entry that was begun is finished, or will never be: there is nothing to wait for. */
  get isDrained(): boolean {
    return this.#base + this.#drained > this.#started;
  }

  /** Whether an entry has to be done before isDrained can come true. */
  isBeforeStarted(number: number): boolean {
    return number <= this.#started;
  }

  /** One more entry, behind all others. @returns its number */
  handOut(point: CommitPoint): number {
    this.#entries.push({ point, state: "open" });
    return this.#base + this.#entries.length - 1;
  }

  /** Somebody works on it. */
  start(number: number): void {
    if (number > this.#started) this.#started = number;
  }

  /** It will not be finished: nothing waits for it, and nothing behind it is committed. */
  abandon(number: number): void {
    this.#settle(number, "abandoned");
  }

  /** Idempotent. @returns whether more may be committed than before */
  finish(number: number): boolean {
    return this.#settle(number, "finished");
  }

  #settle(number: number, state: "finished" | "abandoned"): boolean {
    const entry = this.#entries[number - this.#base];
    if (entry === undefined || entry.state === "finished") return false;
    entry.state = state;
    const before = this.#head;
    while (this.#entries[this.#head]?.state === "finished") this.#head += 1;
    while ((this.#entries[this.#drained]?.state ?? "open") !== "open") this.#drained += 1;
    if (this.#head === before) return false;
    this.#point = this.#entries[this.#head - 1]!.point;
    if (this.#head === this.#entries.length || this.#head > 1024) {
      this.#entries.splice(0, this.#head);
      this.#base += this.#head;
      this.#drained -= this.#head;
      this.#head = 0;
    }
    return true;
  }
}
