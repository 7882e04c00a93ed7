// SPDX-License-Identifier: Apache-2.0
/**
 * A register with read, write and compare-and-set: what the worlds store, and how to tell that it behaves.
 *
 * Every value that is written is written once only (values are unique). That makes a cheap check possible while the world
 * runs: the order in which values were applied is known, so an answer is old exactly if a younger value was known to
 * somebody before the question was asked.
 */
import type { SequentialModel } from "./linearizability.ts";
import { holds } from "./violation.ts";

/** Values are positive integers; 0 is what a register holds at first. */
export type RegisterInput =
  | { readonly kind: "read"; readonly key: number }
  | { readonly kind: "write"; readonly key: number; readonly value: number }
  | { readonly kind: "cas"; readonly key: number; readonly expected: number; readonly value: number };

/** `value`: what the register held before the operation. `done`: whether it was changed. */
export interface RegisterOutput {
  readonly value: number;
  readonly done: boolean;
}

/** One register as a single copy would be. A write does not tell what it replaced. */
export const registerModel: SequentialModel<number, RegisterInput, RegisterOutput> = {
  initial: 0,
  step(state, input, output) {
    switch (input.kind) {
      case "read":
        return output === undefined || output.value === state ? state : undefined;
      case "write":
        return input.value;
      case "cas": {
        const isEqual = state === input.expected;
        if (output !== undefined && (output.done !== isEqual || output.value !== state)) return undefined;
        return isEqual ? input.value : state;
      }
    }
  },
  fingerprint: (state) => state,
};

/** What was known about a register when an operation was called. */
export interface RegisterCall {
  readonly key: number;
  /** Index at which the youngest value was applied that somebody had seen by then. */
  readonly floor: number;
}

/** The check while the world runs, for unique values: O(1) per operation. */
export class RegisterWatch {
  readonly #appliedAt = new Map<number, number>([[0, 0]]);
  readonly #floors = new Map<number, number>();

  /** The value was applied at `index`, for the first time anywhere. */
  applied(value: number, index: number): void {
    this.#appliedAt.set(value, index);
  }

  /** Where the value was applied; undefined when it never was. */
  appliedIndex(value: number): number | undefined {
    return this.#appliedAt.get(value);
  }

  called(key: number): RegisterCall {
    return { key, floor: this.#floors.get(key) ?? 0 };
  }

  /** Somebody was told that the register held `value` (a read, or a compare-and-set that did nothing). */
  saw({ key, floor }: RegisterCall, value: number): void {
    const index = this.#appliedAt.get(value);
    holds(index !== undefined, "IR12", () => `register ${key} was said to hold ${value}, which was never applied`);
    holds(
      index >= floor,
      "IR12",
      () =>
        `register ${key} was said to hold ${value} of index ${index}, but index ${floor} was known before the question`,
    );
    this.#raise(key, index);
  }

  /** Somebody was told that the register was changed at `index`. */
  changed({ key, floor }: RegisterCall, index: number): void {
    holds(
      index > floor,
      "IR12",
      () => `register ${key} was changed at index ${index}, but index ${floor} was known before the request`,
    );
    this.#raise(key, index);
  }

  #raise(key: number, index: number): void {
    if (index > (this.#floors.get(key) ?? 0)) this.#floors.set(key, index);
  }
}
