// A replica's log in the abstract world: one entry is one batch of one record. Entries are nodes of one tree for the whole
// world, so two logs agree below an offset exactly when they hold the same node there: comparing contents costs nothing.

import { EpochRuns, invariant } from "@varve/format";
import type { ReplicaLogView } from "../partition/replica.ts";

export interface Entry {
  readonly epoch: number;
  readonly value: number;
  /** What may follow it, by epoch and value. */
  readonly next: Map<string, Entry>;
}

/** Where all logs begin. */
export function emptyTree(): Entry {
  return { epoch: -1, value: -1, next: new Map() };
}

export class EntryLog {
  readonly #root: Entry;
  readonly #entries: Entry[] = [];
  runs = new EpochRuns();
  /** Exclusive; what is above it may be lost with the power. */
  durable = 0;
  highWatermark = 0;
  /** The high watermark as it was last written down. */
  checkpoint = 0;

  constructor(root: Entry) {
    this.#root = root;
  }

  get end(): number {
    return this.#entries.length;
  }

  get view(): ReplicaLogView {
    const { end: logEnd, runs, highWatermark } = this;
    return { logStart: 0, logEnd, runs, highWatermark, lastBatchEpoch: this.#entries.at(-1)?.epoch ?? -1 };
  }

  at(offset: number): Entry | undefined {
    return this.#entries[offset];
  }

  /** Whether this log and `other` have the same entries below `end`, and both reach that far. */
  agreesBelow(end: number, other: { at(offset: number): Entry | undefined }): boolean {
    return end === 0 || (this.at(end - 1) !== undefined && this.at(end - 1) === other.at(end - 1));
  }

  append(epoch: number, value: number): void {
    const before = this.#entries.at(-1) ?? this.#root;
    const key = `${epoch}/${value}`;
    let entry = before.next.get(key);
    if (entry === undefined) {
      entry = { epoch, value, next: new Map() };
      before.next.set(key, entry);
    }
    this.runs.add(epoch, this.end);
    this.#entries.push(entry);
  }

  /** G-3: log, epochs, high watermark. */
  truncate(to: number, highWatermark: number): void {
    this.#entries.length = Math.min(to, this.end);
    this.runs.truncateTo(to);
    this.durable = Math.min(this.durable, this.end);
    this.highWatermark = highWatermark;
    this.checkpoint = Math.min(this.checkpoint, highWatermark);
    invariant(highWatermark <= this.end, "a high watermark lies within its log");
  }

  /** After a process ended: what is left, and what is known of it. Epochs are read from the entries. */
  restart(keep: number): void {
    this.#entries.length = Math.min(keep, this.end);
    this.runs = new EpochRuns();
    for (const [offset, { epoch }] of this.#entries.entries()) this.runs.add(epoch, offset);
    // Recovery writes what it kept once more before anything counts.
    this.durable = this.end;
    this.highWatermark = Math.min(this.checkpoint, this.end);
  }
}
