// SPDX-License-Identifier: Apache-2.0
// When a snapshot is due, and how much of the log stays behind it (S3): numbers in, decision out.

import type { SnapshotOptions } from "./node-options.ts";

/** The trailing margin in bytes is known to within this share. */
const marksPerMargin = 64;

interface Mark {
  readonly index: number;
  /** Bytes applied up to and including `index`. */
  readonly bytes: number;
}

export class SnapshotPolicy {
  readonly #options: SnapshotOptions;
  #entries = 0;
  #bytes = 0;
  #bytesTotal = 0;
  #takenAtMs: number;
  /** Ascending; the first one lies at or before the margin. */
  readonly #marks: Mark[] = [];

  constructor(options: SnapshotOptions, nowMs: number) {
    this.#options = options;
    // The first one may come at once.
    this.#takenAtMs = nowMs - options.minIntervalMs;
  }

  /** `entries` entries of `bytes` bytes were applied, the last one at `index`. */
  applied(index: number, entries: number, bytes: number): void {
    this.#entries += entries;
    this.#bytes += bytes;
    this.#bytesTotal += bytes;
    const { trailingBytes } = this.#options;
    const last = this.#marks.at(-1);
    if (last === undefined || this.#bytesTotal - last.bytes > trailingBytes / marksPerMargin) {
      this.#marks.push({ index, bytes: this.#bytesTotal });
    }
    while (this.#marks.length > 1 && this.#bytesTotal - this.#marks[1]!.bytes >= trailingBytes) this.#marks.shift();
  }

  isDue(nowMs: number): boolean {
    const { everyEntries, everyBytes, minIntervalMs } = this.#options;
    if (this.#entries === 0 || nowMs - this.#takenAtMs < minIntervalMs) return false;
    return this.#entries >= everyEntries || this.#bytes >= everyBytes;
  }

  /** A snapshot was begun, or the state was replaced by one. */
  taken(nowMs: number): void {
    this.#entries = 0;
    this.#bytes = 0;
    this.#takenAtMs = nowMs;
  }

  /** It came to nothing: due again after the interval. */
  failed(): void {
    this.#entries = Math.max(this.#entries, this.#options.everyEntries);
  }

  /** Entries up to here may go once a snapshot at `index` is durable. */
  compactUpTo(index: number): number {
    const { trailingEntries, trailingBytes } = this.#options;
    let byBytes = 0;
    for (const mark of this.#marks) {
      if (mark.index <= index && this.#bytesTotal - mark.bytes >= trailingBytes) byBytes = mark.index;
    }
    return Math.max(0, index - trailingEntries, byBytes);
  }
}
