// SPDX-License-Identifier: Apache-2.0
// A cut through the state machine, begun now and read later. `snapshot()` may be a generator, whose body does not run before
// it is asked for the first chunk: so it is asked at once, before anything else is applied.

export class SnapshotCut implements AsyncIterable<Uint8Array> {
  /** Undefined when not even the cut could be made. */
  readonly #iterator: AsyncIterator<Uint8Array> | undefined;
  readonly #first: Promise<IteratorResult<Uint8Array>>;
  #isCancelled = false;

  constructor(snapshot: () => AsyncIterable<Uint8Array>) {
    try {
      this.#iterator = snapshot()[Symbol.asyncIterator]();
      this.#first = this.#iterator.next();
    } catch (error) {
      this.#first = Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
    // Whoever reads the chunks is told; nobody may be reading yet.
    this.#first.catch(() => {});
  }

  /** Whoever reads it is told; if nobody does, what it holds is let go. */
  cancel(): void {
    this.#isCancelled = true;
    this.#iterator?.return?.().catch(() => {});
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    try {
      for (let step = await this.#first; step.done !== true; step = await this.#iterator!.next()) {
        if (this.#isCancelled) throw new Error("Cannot save the snapshot: it was given up");
        yield step.value;
      }
      if (this.#isCancelled) throw new Error("Cannot save the snapshot: it was given up");
    } finally {
      this.#iterator?.return?.().catch(() => {});
    }
  }
}
