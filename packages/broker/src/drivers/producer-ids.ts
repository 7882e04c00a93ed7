/**
 * Producer ids from blocks of the controller: unique in the cluster, never given twice, also not after a crash (what is left of a
 * block is lost with the process).
 */
import type { Refusal } from "../refusal.ts";

export interface ProducerIdBlock {
  readonly first: number;
  readonly count: number;
}

export class ProducerIds {
  readonly #nextBlock: () => Promise<ProducerIdBlock | Refusal>;
  #next = 0;
  #end = 0;
  #fetching: Promise<Refusal | undefined> | undefined;

  constructor(nextBlock: () => Promise<ProducerIdBlock | Refusal>) {
    this.#nextBlock = nextBlock;
  }

  /** One fresh id, or why the controller gives no block. */
  async next(): Promise<number | Refusal> {
    while (this.#next >= this.#end) {
      // Everyone who finds the block empty waits for the same new one.
      this.#fetching ??= this.#fetch().finally(() => {
        this.#fetching = undefined;
      });
      const refusal = await this.#fetching;
      if (refusal !== undefined) return refusal;
    }
    return this.#next++;
  }

  async #fetch(): Promise<Refusal | undefined> {
    const block = await this.#nextBlock();
    if ("reason" in block) return block;
    this.#next = block.first;
    this.#end = block.first + block.count;
    return undefined;
  }
}
