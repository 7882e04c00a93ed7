// SPDX-License-Identifier: Apache-2.0
/**
 * What is durable on one disk: hard state, log, newest snapshot. Changed by whole batches only (P3).
 *
 *   chain:   baseChain  chains[0]  chains[1] …            index of entries[0] is `firstIndex`,
 *   entry:      –       entries[0] entries[1] …           base is `firstIndex - 1`
 *
 * Invariants, checked on every change: indexes are contiguous and terms never fall (L4), the term and the snapshot's index
 * never fall (IR9), a vote of a term never changes (IR8), nothing is deleted that no snapshot covers (S3).
 */
import type { BootState, Config, Entry, HardState, PersistBatch, SnapMeta, TermRun } from "../core/types.ts";
import { emptyChain, nextChain } from "./chain.ts";
import { holds } from "./violation.ts";

export interface StoredSnapshot<State> {
  readonly meta: SnapMeta;
  readonly state: State;
  /** Stands for the state's contents. */
  readonly digest: number;
  /** The log's chain at `meta.index`. */
  readonly chain: number;
}

export interface LoggedConfig {
  readonly index: number;
  readonly config: Config;
}

export class DiskImage<State> {
  hard: HardState = { term: 0, vote: null, commit: 0 };
  /** Where the disk belongs, in worlds in which clusters are formed; null while it is blank. */
  clusterId: string | null = null;
  snapshot: StoredSnapshot<State> | null = null;
  /** The config entries of the log, ascending. */
  configs: LoggedConfig[] = [];
  #firstIndex = 1;
  #baseTerm = 0;
  #baseChain = emptyChain;
  readonly #entries: Entry[] = [];
  readonly #chains: number[] = [];

  /** A blank disk, or with a `snapshot` one that was formatted as an initial voter (M9): its term is the snapshot's. */
  constructor(snapshot: StoredSnapshot<State> | null = null) {
    if (snapshot === null) return;
    this.hard = { term: snapshot.meta.term, vote: null, commit: snapshot.meta.index };
    this.#install(snapshot);
  }

  get firstIndex(): number {
    return this.#firstIndex;
  }

  get lastIndex(): number {
    return this.#firstIndex + this.#entries.length - 1;
  }

  get lastTerm(): number {
    return this.#entries.at(-1)?.term ?? this.#baseTerm;
  }

  /** The chain at `index`; undefined when it is compacted or not there. */
  chainAt(index: number): number | undefined {
    if (index === this.#firstIndex - 1) return this.#baseChain;
    return this.#chains[index - this.#firstIndex];
  }

  entryAt(index: number): Entry | undefined {
    return this.#entries[index - this.#firstIndex];
  }

  /** The configuration in force for this log (M1); undefined on a blank disk. */
  get config(): LoggedConfig | undefined {
    const logged = this.configs.at(-1);
    if (logged !== undefined || this.snapshot === null) return logged;
    return { index: this.snapshot.meta.index, config: this.snapshot.meta.config };
  }

  applyBatch(batch: PersistBatch, staged: StoredSnapshot<State> | undefined): void {
    holds(
      batch.truncateFrom === null || batch.truncateFrom > this.hard.commit,
      "IR10",
      () => `batch ${batch.seq} cuts from ${batch.truncateFrom}, the durable commit index is ${this.hard.commit}`,
    );
    this.#setHard(batch.hard);
    if (staged !== undefined) this.#install(staged);
    if (batch.truncateFrom !== null) this.#truncate(batch.truncateFrom);
    for (const entry of batch.entries) this.#append(entry);
    holds(
      this.hard.commit <= this.lastIndex,
      "C4",
      () => `the durable commit index is ${this.hard.commit}, the log ends at ${this.lastIndex}`,
    );
    holds(
      this.lastTerm <= this.hard.term,
      "L4",
      () => `the last entry has term ${this.lastTerm}, the term is ${this.hard.term}`,
    );
  }

  saveSnapshot(snapshot: StoredSnapshot<State>): void {
    if (this.snapshot !== null && snapshot.meta.index <= this.snapshot.meta.index) return;
    this.snapshot = snapshot;
  }

  /** Deletes entries up to `upTo`, as far as they are there. */
  compact(upTo: number): void {
    const covered = this.snapshot?.meta.index ?? 0;
    holds(upTo <= covered, "S3", () => `compaction up to ${upTo}, but the newest snapshot covers ${covered}`);
    const count = Math.min(upTo, this.lastIndex) - this.#firstIndex + 1;
    if (count <= 0) return;
    this.#baseTerm = (this.#entries[count - 1] as Entry).term;
    this.#baseChain = this.#chains[count - 1] as number;
    this.#entries.splice(0, count);
    this.#chains.splice(0, count);
    this.#firstIndex += count;
    this.configs = this.configs.filter(({ index }) => index >= this.#firstIndex);
  }

  slice(lo: number, hi: number, maxBytes: number): Entry[] {
    if (lo < this.#firstIndex) return [];
    const slice: Entry[] = [];
    let bytes = 0;
    for (let at = lo - this.#firstIndex; at < hi - this.#firstIndex; at++) {
      const entry = this.#entries[at];
      if (entry === undefined) break;
      bytes += entry.data.length;
      if (slice.length > 0 && bytes > maxBytes) break;
      slice.push(entry);
    }
    return slice;
  }

  /** What storage recovers from it. The state machine holds nothing but the snapshot. */
  bootState(tailBytes: number): BootState {
    const tail: Entry[] = [];
    let bytes = 0;
    for (let at = this.#entries.length - 1; at >= 0; at--) {
      const entry = this.#entries[at] as Entry;
      bytes += entry.data.length;
      if (bytes > tailBytes) break;
      tail.push(entry);
    }
    return {
      hard: { ...this.hard },
      snapshot: this.snapshot?.meta ?? null,
      firstIndex: this.#firstIndex,
      lastIndex: this.lastIndex,
      termRuns: this.#termRuns(),
      configs: [...this.configs],
      tail: tail.reverse(),
      applied: this.snapshot?.meta.index ?? 0,
      suspect: false,
    };
  }

  #termRuns(): TermRun[] {
    const runs: TermRun[] = [];
    if (this.#firstIndex > 1) runs.push({ start: this.#firstIndex - 1, term: this.#baseTerm });
    for (const { index, term } of this.#entries) {
      if (runs.at(-1)?.term !== term) runs.push({ start: index, term });
    }
    return runs;
  }

  #setHard(hard: HardState): void {
    const before = this.hard;
    holds(hard.term >= before.term, "IR9", () => `the durable term falls from ${before.term} to ${hard.term}`);
    holds(
      hard.term > before.term || before.vote === null || before.vote === hard.vote,
      "IR8",
      () => `the durable vote of term ${hard.term} changes from ${before.vote} to ${hard.vote}`,
    );
    this.hard = hard;
  }

  #install(snapshot: StoredSnapshot<State>): void {
    const { index, term } = snapshot.meta;
    const before = this.snapshot?.meta.index ?? 0;
    holds(index >= before, "IR9", () => `the durable snapshot's index falls from ${before} to ${index}`);
    this.snapshot = snapshot;
    this.#firstIndex = index + 1;
    this.#baseTerm = term;
    this.#baseChain = snapshot.chain;
    this.#entries.length = 0;
    this.#chains.length = 0;
    this.configs = [];
  }

  #truncate(from: number): void {
    holds(
      from >= this.#firstIndex && from <= this.lastIndex + 1,
      "L3",
      () => `truncation from ${from}, but the log holds ${this.#firstIndex} to ${this.lastIndex}`,
    );
    this.#entries.length = from - this.#firstIndex;
    this.#chains.length = from - this.#firstIndex;
    this.configs = this.configs.filter(({ index }) => index < from);
  }

  #append(entry: Entry): void {
    const { index, term } = entry;
    holds(index === this.lastIndex + 1, "L4", () => `entry ${index} is appended after ${this.lastIndex}`);
    holds(term >= this.lastTerm, "L4", () => `entry ${index} of term ${term} follows one of term ${this.lastTerm}`);
    this.#chains.push(nextChain(this.#chains.at(-1) ?? this.#baseChain, entry));
    this.#entries.push(entry);
    if (entry.config !== null) this.configs.push({ index, config: entry.config });
  }
}
