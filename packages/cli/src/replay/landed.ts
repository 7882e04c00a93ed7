// SPDX-License-Identifier: Apache-2.0
// What of the records to come a topic has already, after a replay that broke off between an acknowledgement and its state file.
//
//   source   … │ A B C D E F …            state file: next is A; the topic had nothing behind offset 40
//   topic    … │ 40: A  41: x  42: B      another's record x, then the end: C is the first to be sent again
//
// The producer keeps the order of each partition, so what has landed is a beginning of what was to be sent: records of the topic are
// matched one after the other, in order. A record that another writer made alike counts only if it stands where ours would. Where the
// topic was compacted, as many may be missing between two matches as offsets are: what they were is overwritten, and sending it again
// would bring it back over what followed.
//
// Records are compared by key, value, headers, time and, where it is known beforehand, partition. Where keys decide about partitions the
// order of each key is what counts; records without a key are counted. Memory: one digest for each record that one checkpoint may cover.

import type { ConsumedRecord } from "@varve/client";
import { createHash } from "node:crypto";

type Comparable = Pick<ConsumedRecord, "partition" | "key" | "value" | "headers" | "timestampMs">;
type Found = Comparable & Pick<ConsumedRecord, "offset">;

/** Records that keep their order among themselves. */
interface Lane {
  /** In the order in which they were sent. */
  readonly digests: string[];
  /** Places of each digest, in order. */
  readonly places: Map<string, number[]>;
  /** So many of them, from the first on, have landed. */
  landed: number;
  /** So many of those were met in the source again. */
  taken: number;
}

export class Landed {
  private readonly isSamePartition: boolean;
  /** By what keeps the order: one lane for each partition of the source. */
  private readonly lanes = new Map<string, Map<number, Lane>>();
  /** By partition of the topic: where the next record stands if none is missing, and how many are. */
  private readonly gaps = new Map<number, { next: number; missing: number }>();
  /** By partition of the topic: the offset behind the last record of ours. */
  private readonly ends = new Map<number, number>();
  private left = 0;

  constructor(options: { readonly isSamePartition: boolean }) {
    this.isSamePartition = options.isSamePartition;
  }

  /** Nothing has landed: a replay that begins. */
  static none(): Landed {
    return new Landed({ isSamePartition: true });
  }

  /** Records that are in the topic, or were and are overwritten, and have not been met in the source yet. */
  get size(): number {
    return this.left;
  }

  /** Offsets of the topic behind which nothing of this replay lies, by partition; nothing before all that has landed was met. */
  get endsMet(): ReadonlyMap<number, number> {
    return this.left === 0 ? this.ends : new Map();
  }

  /** A record that may have been sent. To be called in the order of the source. */
  want(record: Comparable): void {
    const digest = digestOf(record);
    const name = this.laneOf(record, digest);
    let lanes = this.lanes.get(name);
    if (lanes === undefined) this.lanes.set(name, (lanes = new Map()));
    let lane = lanes.get(record.partition);
    if (lane === undefined) {
      lane = { digests: [], places: new Map(), landed: 0, taken: 0 };
      lanes.set(record.partition, lane);
    }
    const places = lane.places.get(digest);
    if (places === undefined) lane.places.set(digest, [lane.digests.length]);
    else places.push(lane.digests.length);
    lane.digests.push(digest);
  }

  /** The first offset of a partition of the topic at which something may have landed. To be called before its records. */
  begin(partition: number, offset: number): void {
    this.gaps.set(partition, { next: offset, missing: 0 });
  }

  /** A record of the topic. To be called in the order of each partition. */
  found(record: Found): void {
    const gap = this.gaps.get(record.partition) ?? { next: record.offset, missing: 0 };
    this.gaps.set(record.partition, gap);
    gap.missing += Math.max(0, record.offset - gap.next);
    gap.next = record.offset + 1;
    const digest = digestOf(record);
    let best: { lane: Lane; place: number; passed: number } | undefined;
    for (const lane of this.lanes.get(this.laneOf(record, digest))?.values() ?? []) {
      const place = firstFrom(lane.places.get(digest) ?? [], lane.landed);
      if (place === undefined) continue;
      const passed = place - lane.landed;
      if (passed <= gap.missing && (best === undefined || passed < best.passed)) best = { lane, place, passed };
    }
    if (best === undefined) return;
    gap.missing -= best.passed;
    best.lane.landed = best.place + 1;
    this.left += best.passed + 1;
    this.ends.set(record.partition, gap.next);
  }

  /** Whether a record that is to be sent is there already. To be called in the order of the source. */
  take(record: Comparable): boolean {
    if (this.left === 0) return false;
    const digest = digestOf(record);
    const lane = this.lanes.get(this.laneOf(record, digest))?.get(record.partition);
    if (lane === undefined) return false;
    // What the source lost since it was looked at is passed over.
    const place = firstFrom(lane.places.get(digest) ?? [], lane.taken);
    if (place === undefined || place >= lane.landed) return false;
    this.left -= place + 1 - lane.taken;
    lane.taken = place + 1;
    return true;
  }

  private laneOf({ partition, key }: Comparable, digest: string): string {
    if (this.isSamePartition) return String(partition);
    return key === null ? `digest ${digest}` : `key ${Buffer.from(key).toString("latin1")}`;
  }
}

/** The first place at or behind `from`. */
function firstFrom(places: readonly number[], from: number): number | undefined {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (places[middle]! < from) low = middle + 1;
    else high = middle;
  }
  return places[low];
}

function digestOf({ key, value, headers, timestampMs }: Comparable): string {
  const hash = createHash("sha256");
  const add = (bytes: Uint8Array | string | null): void => {
    hash.update(`${bytes === null ? -1 : Buffer.byteLength(bytes)}:`);
    if (bytes !== null) hash.update(bytes);
  };
  hash.update(`${timestampMs} ${headers.length} `);
  add(key);
  add(value);
  for (const header of headers) {
    add(header.key);
    add(header.value);
  }
  return hash.digest("base64");
}
