/**
 * How many idempotent producers all partitions of a node remember together. Each partition has a limit of its own, and nobody
 * limits the partitions: without this one, programs that start often would fill the memory of a node, or somebody who makes ids up.
 *
 * When there are too many, the partition that has most forgets those that were silent longest: whoever makes many pays first.
 */
import type { ProducerState } from "./producer-state.ts";

/** Of those in one partition, so many go at once: to look for it costs a look at every partition. */
const shareForgotten = 1 / 64;

export class ProducerLimit {
  readonly #states: () => Iterable<ProducerState>;
  readonly #producersMax: number;
  /** At least as many as there are: producers go without a word. */
  #atMost = 0;

  /** `states` are those of all partitions; asked for when there may be too many. */
  constructor(states: () => Iterable<ProducerState>, producersMax: number) {
    this.#states = states;
    this.#producersMax = producersMax;
  }

  /** So many came to be known. */
  added(count: number): void {
    this.#atMost += count;
    if (this.#atMost <= this.#producersMax) return;
    let total = 0;
    let largest: ProducerState | undefined;
    for (const state of this.#states()) {
      total += state.producerCount;
      if (state.producerCount > (largest?.producerCount ?? 0)) largest = state;
    }
    this.#atMost = total;
    if (total <= this.#producersMax || largest === undefined) return;
    const surplus = total - this.#producersMax;
    this.#atMost -= largest.forgetOldest(Math.max(surplus, Math.ceil(largest.producerCount * shareForgotten)));
  }
}
