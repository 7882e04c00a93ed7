// SPDX-License-Identifier: Apache-2.0
// What was received and not handed out: a row of messages for each claim, handed out in turns, so that no partition waits for the
// others. Counted in bytes: from `bytesMax` on nothing more is to be received until half of it is handed out.

import type { ConsumeResponse } from "@varve/api";
import type { Claim } from "./claim.ts";

interface Row {
  readonly messages: ConsumeResponse[];
  bytes: number;
}

export class Prefetch {
  readonly #bytesMax: number;
  readonly #rows = new Map<Claim, Row>();
  /** Claims that have a message, whose turn it is first. */
  readonly #turns = new Set<Claim>();
  #bytes = 0;
  #isFull = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Nothing more is to be received. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Nothing can be handed out now. */
  get isEmpty(): boolean {
    return this.#turns.size === 0;
  }

  put(claim: Claim, message: ConsumeResponse): void {
    let row = this.#rows.get(claim);
    if (row === undefined) {
      row = { messages: [], bytes: 0 };
      this.#rows.set(claim, row);
    }
    row.messages.push(message);
    row.bytes += message.sizeBytes;
    this.#turns.add(claim);
    this.#count(message.sizeBytes);
  }

  /** The next message of a claim that is welcome; undefined: there is none. */
  take(
    isWelcome: (claim: Claim) => boolean = () => true,
  ): { readonly claim: Claim; readonly message: ConsumeResponse } | undefined {
    for (const claim of this.#turns) {
      if (!isWelcome(claim)) continue;
      this.#turns.delete(claim);
      const row = this.#rows.get(claim);
      const message = row?.messages.shift();
      if (row === undefined || message === undefined) continue;
      row.bytes -= message.sizeBytes;
      if (row.messages.length > 0) this.#turns.add(claim);
      else this.#rows.delete(claim);
      this.#count(-message.sizeBytes);
      return { claim, message };
    }
    return undefined;
  }

  /** Claims that have something here. */
  get claims(): Iterable<Claim> {
    return this.#rows.keys();
  }

  has(claim: Claim): boolean {
    return this.#rows.has(claim);
  }

  /** Forgets the newest messages of a claim until it has no more than so many bytes. @returns where it is to be received again */
  trim(claim: Claim, bytesMax: number): number {
    const row = this.#rows.get(claim);
    if (row === undefined) return claim.position;
    while (row.bytes > bytesMax) {
      const dropped = row.messages.pop()!;
      row.bytes -= dropped.sizeBytes;
      this.#count(-dropped.sizeBytes);
    }
    if (row.messages.length === 0) this.drop(claim);
    return row.messages.at(-1)?.nextOffset ?? claim.position;
  }

  /** Forgets what is there of a claim. */
  drop(claim: Claim): void {
    const row = this.#rows.get(claim);
    this.#rows.delete(claim);
    this.#turns.delete(claim);
    if (row !== undefined) this.#count(-row.bytes);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes >= this.#bytesMax) this.#isFull = true;
    else if (this.#bytes <= this.#bytesMax / 2) this.#isFull = false;
  }
}
