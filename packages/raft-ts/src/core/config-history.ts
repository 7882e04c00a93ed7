// SPDX-License-Identifier: Apache-2.0
// The configurations of the log: the snapshot's, then those of the entries behind it. The newest is in force, committed or
// not (M1). Truncation takes it back, an installed snapshot replaces everything (S7).

import { must } from "./raft-fatal.ts";
import type { Config } from "./types.ts";

export interface ConfigAt {
  readonly index: number;
  readonly config: Config;
}

export const emptyConfig: Config = { voters: [], votersOutgoing: [], learners: [], learnersNext: [], addresses: [] };

export class ConfigHistory {
  /** Never empty; indexes rise. */
  #list: ConfigAt[];

  constructor(base: ConfigAt, later: readonly ConfigAt[]) {
    this.#list = [base];
    for (const { index, config } of later) if (index > base.index) this.append(index, config);
  }

  /** In force. */
  get current(): ConfigAt {
    return this.#list.at(-1)!;
  }

  append(index: number, config: Config): void {
    must(index > this.current.index, "M1", "config entries rise in index");
    this.#list.push({ index, config });
  }

  /** What was in force at `index`. */
  at(index: number): ConfigAt {
    for (let position = this.#list.length - 1; position > 0; position -= 1) {
      if (this.#list[position]!.index <= index) return this.#list[position]!;
    }
    return this.#list[0]!;
  }

  /** Entries at `from` and above are gone. Returns whether another configuration is in force now. */
  truncateFrom(from: number): boolean {
    const before = this.#list.length;
    while (this.#list.length > 1 && this.current.index >= from) this.#list.pop();
    return this.#list.length !== before;
  }

  /** A snapshot at `index` covers what came before: nobody asks for older configurations. */
  forgetBelow(index: number): void {
    const base = this.at(index);
    this.#list = this.#list.filter((each) => each.index >= base.index);
  }

  reset(base: ConfigAt): void {
    this.#list = [base];
  }
}
