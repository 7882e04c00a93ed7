// SPDX-License-Identifier: Apache-2.0
// The registers of the worlds (`RegisterMachine`) as a state machine of the runtime: snapshots are bytes, results are told.

import type { AppliedEntry, StateMachine } from "../runtime/ports.ts";
import type { RegisterOutput } from "./register.ts";
import { RegisterMachine } from "./register-machine.ts";
import { holds } from "./violation.ts";

/** What a snapshot holds. `applied`: the last command in it, so that none is applied twice (C6). */
interface Contents {
  readonly applied: number;
  readonly state: readonly number[];
}

/** Values of the registers, by key, as JSON: small, and readable in a failing test. */
export class RegisterStateMachine implements StateMachine<RegisterOutput> {
  #machine = new RegisterMachine();
  /** Sees every entry that is applied; for checks. */
  readonly #onApply: (entry: AppliedEntry, output: RegisterOutput) => void;

  constructor(onApply: (entry: AppliedEntry, output: RegisterOutput) => void = () => {}) {
    this.#onApply = onApply;
  }

  async apply(entries: readonly AppliedEntry[]): Promise<readonly RegisterOutput[]> {
    return entries.map((entry) => {
      const { applied } = this.#machine;
      holds(entry.index > applied, "C6", () => `entry ${entry.index} is applied after ${applied}`);
      const output = this.#machine.apply({ ...entry, type: "normal", config: null }) ?? { value: 0, done: false };
      this.#onApply(entry, output);
      return output;
    });
  }

  read(key: number): number {
    return this.#machine.read(key);
  }

  async *snapshot(): AsyncGenerator<Uint8Array> {
    const { meta, state } = this.#machine.snapshot();
    yield new TextEncoder().encode(JSON.stringify({ applied: meta.index, state } satisfies Contents));
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of chunks) text += decoder.decode(chunk, { stream: true });
    const machine = new RegisterMachine();
    if (text !== "") {
      const { applied, state } = JSON.parse(text) as Contents;
      const empty = machine.snapshot();
      machine.restore({ ...empty, state, meta: { ...empty.meta, index: applied } });
    }
    this.#machine = machine;
  }
}
