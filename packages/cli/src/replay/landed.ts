// SPDX-License-Identifier: Apache-2.0
// What of the records to come a topic has already, after a replay that broke off between an acknowledgement and its state file.
//
//   source   … │ A B C D E F …            state file: next is A; the topic had nothing behind offset 40
//   topic    … │ 40: A  41: x  42: B      another's record x, then the end: C is the first to be sent again
//
// The producer keeps the order of each partition, so what is missing follows what has landed; records are compared by key, value,
// headers, time and, where it is known beforehand, partition. Memory: one digest for each record that one checkpoint may cover.

import type { ConsumedRecord } from "@varve/client";
import { createHash } from "node:crypto";

type Comparable = Pick<ConsumedRecord, "partition" | "key" | "value" | "headers" | "timestampMs">;

export class Landed {
  private readonly isSamePartition: boolean;
  /** By digest: records of the source that are looked for, and found in the topic. */
  private readonly counts = new Map<string, { wanted: number; found: number }>();
  private left = 0;

  constructor(options: { readonly isSamePartition: boolean }) {
    this.isSamePartition = options.isSamePartition;
  }

  /** Nothing has landed: a replay that begins. */
  static none(): Landed {
    return new Landed({ isSamePartition: true });
  }

  /** Records that are in the topic and have not been met in the source yet. */
  get size(): number {
    return this.left;
  }

  /** A record that may have been sent. */
  want(record: Comparable): void {
    const digest = this.digestOf(record);
    const count = this.counts.get(digest);
    if (count === undefined) this.counts.set(digest, { wanted: 1, found: 0 });
    else count.wanted += 1;
  }

  /** A record of the topic. */
  found(record: Comparable): void {
    const count = this.counts.get(this.digestOf(record));
    if (count === undefined || count.found === count.wanted) return;
    count.found += 1;
    this.left += 1;
  }

  /** Whether a record that is to be sent is there already. Each counts once. */
  take(record: Comparable): boolean {
    if (this.left === 0) return false;
    const count = this.counts.get(this.digestOf(record));
    if (count === undefined || count.found === 0) return false;
    count.found -= 1;
    this.left -= 1;
    return true;
  }

  private digestOf({ partition, key, value, headers, timestampMs }: Comparable): string {
    const hash = createHash("sha256");
    const add = (bytes: Uint8Array | string | null): void => {
      hash.update(`${bytes === null ? -1 : Buffer.byteLength(bytes)}:`);
      if (bytes !== null) hash.update(bytes);
    };
    hash.update(`${this.isSamePartition ? partition : ""} ${timestampMs} ${headers.length} `);
    add(key);
    add(value);
    for (const header of headers) {
      add(header.key);
      add(header.value);
    }
    return hash.digest("base64");
  }
}
