// SPDX-License-Identifier: Apache-2.0
/**
 * The state machine of the worlds: a handful of registers, with snapshots, a digest of its state and the chain of what
 * it applied.
 *
 *   command: [u8 kind: 1 write, 2 compare-and-set][u8 key][u32 value][u32 expected][padding]
 *
 * Invariant: `chain` is the chain of the log at `applied`, and `digest` depends on the registers alone.
 */
import type { Config, Entry, SnapMeta } from "../core/types.ts";
import { nextChain } from "./chain.ts";
import type { StoredSnapshot } from "./disk-image.ts";
import type { RegisterInput, RegisterOutput } from "./register.ts";

/** What the registers hold, by key. */
export type Registers = readonly number[];

export const emptyConfig: Config = { voters: [], votersOutgoing: [], learners: [], learnersNext: [], addresses: [] };

/** The command of a write or a compare-and-set, with `padding` bytes that mean nothing. */
export function encodeCommand(input: RegisterInput, padding: number): Uint8Array {
  const bytes = new Uint8Array(10 + padding);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, input.kind === "cas" ? 2 : 1);
  view.setUint8(1, input.key);
  if (input.kind !== "read") view.setUint32(2, input.value);
  if (input.kind === "cas") view.setUint32(6, input.expected);
  return bytes;
}

export class RegisterMachine {
  applied = 0;
  appliedTerm = 0;
  /** The configuration as of `applied` (S1). */
  config: Config = emptyConfig;
  chain = 0;
  digest = 0;
  /** The value that the newest entry changed a register to; 0 when it changed none. */
  changedTo = 0;
  #values: number[] = [];

  /** Applies the entry after `applied`; what its command answers, or undefined for entries without one. */
  apply(entry: Entry): RegisterOutput | undefined {
    this.applied = entry.index;
    this.appliedTerm = entry.term;
    this.chain = nextChain(this.chain, entry);
    this.changedTo = 0;
    if (entry.config !== null) this.config = entry.config;
    if (entry.type !== "normal") return undefined;
    const { data } = entry;
    const key = data[1] as number;
    const before = this.read(key);
    if (data[0] === 2 && before !== uint32(data, 6)) return { value: before, done: false };
    const value = uint32(data, 2);
    this.digest ^= digestOf(key, before) ^ digestOf(key, value);
    this.#values[key] = value;
    this.changedTo = value;
    return { value: before, done: true };
  }

  read(key: number): number {
    return this.#values[key] ?? 0;
  }

  /** A snapshot at `applied`. It owns its state. */
  snapshot(): StoredSnapshot<Registers> {
    const meta: SnapMeta = { index: this.applied, term: this.appliedTerm, config: this.config };
    return { meta, state: Array.from(this.#values, (value) => value ?? 0), digest: this.digest, chain: this.chain };
  }

  restore({ meta, state, digest, chain }: StoredSnapshot<Registers>): void {
    this.applied = meta.index;
    this.appliedTerm = meta.term;
    this.config = meta.config;
    this.chain = chain;
    this.digest = digest;
    this.#values = [...state];
  }
}

/** The digest of registers, computed from nothing: must equal what a machine kept up to date. */
export function digestRegisters(values: Registers): number {
  return values.reduce((digest, value, key) => digest ^ digestOf(key, value), 0);
}

function digestOf(key: number, value: number): number {
  if (value === 0) return 0;
  const mixed = Math.imul(value ^ Math.imul(key + 1, 0x9e3779b9), 0x85ebca6b);
  return Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35);
}

function uint32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) * 0x1000000 +
      ((bytes[at + 1] as number) << 16) +
      ((bytes[at + 2] as number) << 8) +
      (bytes[at + 3] as number)) >>>
    0
  );
}
