// SPDX-License-Identifier: Apache-2.0
// L13: nothing is changed once it was handed over, in either direction: not the messages, not the arrays, not the bytes. In
// whole worlds everything that goes into a core and comes out of it is frozen, and bytes, which cannot be, are compared with a
// copy at the end.

import { expect, test } from "vitest";
import { RaftCore } from "../core/raft.ts";
import type { Ack, Entry, Message, ProposeItem, ProposeOutcome, Ready } from "../core/types.ts";
import { drawCase, runCase } from "./core-case.ts";
import type { MakeCore } from "./core-node.ts";

/** Bytes that were handed over, and what they were then. */
class Bytes {
  count = 0;
  readonly #copies = new Map<Uint8Array, Uint8Array>();

  handOver(data: Uint8Array): void {
    if (this.#copies.has(data)) return;
    this.count++;
    this.#copies.set(data, data.slice());
  }

  changed(): number {
    return [...this.#copies].filter(([data, copy]) => !data.every((byte, at) => byte === copy[at])).length;
  }
}

/** Deep, but for bytes. */
function freeze<T>(value: T, bytes: Bytes): T {
  if (value instanceof Uint8Array) bytes.handOver(value);
  else if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach((part) => freeze(part, bytes));
  }
  return value;
}

class FreezingCore extends RaftCore {
  readonly #bytes: Bytes;

  constructor(bytes: Bytes, ...[config, boot]: Parameters<MakeCore>) {
    super(config, freeze(boot, bytes));
    this.#bytes = bytes;
  }

  override step(message: Message): void {
    super.step(freeze(message, this.#bytes));
  }

  override propose(items: readonly ProposeItem[]): ProposeOutcome {
    return super.propose(freeze(items, this.#bytes));
  }

  override advance(ack: Ack): void {
    super.advance(freeze(ack, this.#bytes));
  }

  override ready(): Ready {
    return freeze(super.ready(), this.#bytes);
  }
}

test("RaftCore changes nothing that it was given or gave away (L13)", () => {
  let handed = 0;
  for (const seed of [2, 3, 5]) {
    const bytes = new Bytes();
    const plain = runCase(drawCase(seed));
    const frozen = runCase(drawCase(seed), { makeCore: (...parts) => new FreezingCore(bytes, ...parts) });
    expect(frozen.failure).toEqual(plain.failure);
    expect(frozen.hash).toBe(plain.hash);
    expect(bytes.changed()).toBe(0);
    handed += bytes.count;
  }
  expect(handed).toBeGreaterThan(1_000);
});

test("RaftCore gives out the very bytes that were proposed: who pools buffers copies before (L13)", () => {
  const bytes = new Bytes();
  const proposed = new Set<Uint8Array>();
  const applied: Entry[] = [];
  const persisted: Entry[] = [];
  class Watching extends FreezingCore {
    override propose(items: readonly ProposeItem[]): ProposeOutcome {
      items.forEach(({ data }) => proposed.add(data));
      return super.propose(items);
    }
    override ready(): Ready {
      const ready = super.ready();
      applied.push(...(ready.apply?.entries ?? []));
      persisted.push(...(ready.persist?.entries ?? []));
      return ready;
    }
  }
  runCase(drawCase(2), { makeCore: (...parts) => new Watching(bytes, ...parts) });
  for (const entries of [applied, persisted]) {
    const normal = entries.filter(({ type }) => type === "normal");
    expect(normal.length).toBeGreaterThan(0);
    expect(normal.filter(({ data }) => !proposed.has(data))).toEqual([]);
  }
});
