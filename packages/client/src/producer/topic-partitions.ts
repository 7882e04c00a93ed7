// SPDX-License-Identifier: Apache-2.0
// Which partition a record of a topic goes to. Records without a key stay together on one partition until its batch is closed,
// so that batches fill; then they go to the next one.

import { partitionForKey } from "@varve/format";

export class TopicPartitions {
  count: number;
  /** When `count` was asked for, by the monotonic clock. */
  askedMs: number;
  #sticky: number;

  constructor(count: number, askedMs: number, random: number) {
    this.count = count;
    this.askedMs = askedMs;
    this.#sticky = Math.floor(random * count);
  }

  /** The partition of a record with this key. */
  choose(key: Uint8Array | null): number {
    if (key !== null) return partitionForKey(key, this.count);
    if (this.#sticky >= this.count) this.#sticky = 0;
    return this.#sticky;
  }

  /** A batch of this partition is closed: keyless records move on. */
  closed(partition: number): void {
    if (partition === this.#sticky) this.#sticky = (this.#sticky + 1) % this.count;
  }
}
