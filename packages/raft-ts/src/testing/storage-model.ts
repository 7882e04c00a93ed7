// SPDX-License-Identifier: Apache-2.0
// What a storage should hold, kept in the simplest way there is: to be compared with what it says after a crash.

import type { BootState, Entry, HardState, PersistBatch, SnapMeta } from "../core/types.ts";
import { crc32c } from "../storage/crc32c.ts";
import { entryLine, sessionConfig, stateOf, type StorageContents } from "./storage-session.ts";

/** The part of `StorageContents` that writing changes. */
export interface ModelContents {
  readonly hard: HardState;
  readonly snapshot: SnapMeta | null;
  readonly bytes: string | null;
  readonly firstIndex: number;
  readonly entries: readonly string[];
  readonly runs: string;
  readonly configs: string;
}

export function contentsOf({ opened, entries, snapshot }: StorageContents): ModelContents {
  const { hard, snapshot: meta, firstIndex, termRuns, configs } = opened.boot;
  return {
    hard,
    snapshot: meta,
    bytes: snapshot,
    firstIndex,
    entries,
    runs: termRuns.map(({ start, term }) => `${start}@${term}`).join(" "),
    configs: configs.map(({ index }) => index).join(" "),
  };
}

/** Formed from `sessionDocument`, at first. */
export class StorageModel {
  hard: HardState = { term: 1, vote: null, commit: 1 };
  firstIndex = 2;
  #baseTerm = 1;
  #snapshot: SnapMeta = { index: 1, term: 1, config: sessionConfig };
  #bytes: Promise<string> = checksumOf(1, 0);
  #entries: Entry[] = [];

  /** What a storage holds that opened with `boot`, holds `entries`, and whose snapshot is `bytes`; see `readBytes`. */
  static recovered(
    { hard, firstIndex, termRuns, snapshot }: BootState,
    entries: readonly Entry[],
    bytes: string,
  ): StorageModel {
    const model = new StorageModel();
    model.hard = hard;
    model.firstIndex = firstIndex;
    model.#baseTerm = termRuns[0]!.term;
    model.#snapshot = snapshot!;
    model.#bytes = Promise.resolve(bytes);
    model.#entries = [...entries];
    return model;
  }

  get lastIndex(): number {
    return this.firstIndex + this.#entries.length - 1;
  }

  get snapshotIndex(): number {
    return this.#snapshot.index;
  }

  termAt(index: number): number | undefined {
    return index === this.firstIndex - 1 ? this.#baseTerm : this.#entries[index - this.firstIndex]?.term;
  }

  write({ hard, truncateFrom, entries }: PersistBatch): void {
    this.hard = hard;
    if (truncateFrom !== null) this.#entries = this.#entries.slice(0, truncateFrom - this.firstIndex);
    this.#entries = [...this.#entries, ...entries];
  }

  /** Its bytes are so many of `stateOf` its index. */
  saveSnapshot(meta: SnapMeta, bytes: number): void {
    this.#snapshot = meta;
    this.#bytes = checksumOf(meta.index, bytes);
  }

  compact(upTo: number): void {
    this.#baseTerm = this.termAt(upTo)!;
    this.#entries = this.#entries.slice(upTo + 1 - this.firstIndex);
    this.firstIndex = upTo + 1;
  }

  install({ hard, install }: PersistBatch, bytes: number): void {
    const { meta } = install!;
    this.hard = hard;
    this.saveSnapshot(meta, bytes);
    this.#entries = [];
    this.firstIndex = meta.index + 1;
    this.#baseTerm = meta.term;
  }

  async contents(): Promise<ModelContents> {
    const runs = [`${this.firstIndex - 1}@${this.#baseTerm}`];
    let last = this.#baseTerm;
    for (const { index, term } of this.#entries) {
      if (term !== last) runs.push(`${index}@${term}`);
      last = term;
    }
    return {
      hard: this.hard,
      snapshot: this.#snapshot,
      bytes: await this.#bytes,
      firstIndex: this.firstIndex,
      entries: this.#entries.map(entryLine),
      runs: runs.join(" "),
      configs: this.#entries
        .filter(({ type }) => type === "config")
        .map(({ index }) => index)
        .join(" "),
    };
  }
}

async function checksumOf(seed: number, bytes: number): Promise<string> {
  let crc = 0;
  for await (const chunk of stateOf(seed, bytes)) crc = crc32c(chunk, 0, chunk.length, crc);
  return `${bytes} ${crc}`;
}
