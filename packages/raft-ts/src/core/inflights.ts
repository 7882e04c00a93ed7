// SPDX-License-Identifier: Apache-2.0
// The window of one peer: which appends are on their way, as a ring of (last index, bytes), oldest first. Bounded in messages
// and in bytes; a single append always fits an empty window. `bytes` is the sum of what is in the ring, always (F4).

import { must } from "./raft-fatal.ts";

export class Inflights {
  readonly #maxMsgs: number;
  readonly #maxBytes: number;
  readonly #indexes: number[] = [];
  readonly #sizes: number[] = [];
  #head = 0;
  #count = 0;
  #bytes = 0;

  constructor(maxMsgs: number, maxBytes: number) {
    this.#maxMsgs = maxMsgs;
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get full(): boolean {
    return this.#count >= this.#maxMsgs || this.#bytes >= this.#maxBytes;
  }

  /** An append whose last entry is `lastIndex` left; indexes rise. Only when not full. */
  add(lastIndex: number, bytes: number): void {
    must(!this.full, "F2", "an append left through a full window");
    const at = (this.#head + this.#count) % this.#maxMsgs;
    this.#indexes[at] = lastIndex;
    this.#sizes[at] = bytes;
    this.#count += 1;
    this.#bytes += bytes;
  }

  /** Everything up to `index` arrived. */
  freeTo(index: number): void {
    while (this.#count > 0 && this.#indexes[this.#head]! <= index) {
      this.#bytes -= this.#sizes[this.#head]!;
      this.#head = (this.#head + 1) % this.#maxMsgs;
      this.#count -= 1;
    }
  }

  reset(): void {
    this.#head = 0;
    this.#count = 0;
    this.#bytes = 0;
  }
}
