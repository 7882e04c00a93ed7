// SPDX-License-Identifier: Apache-2.0
// Where a replay reads: as the records come, many at once, or merged over the partitions by time, one after another.
//
//   as they come   one Reader over all partitions ──> batches of one partition each
//   by time        one Reader for each partition ──> the oldest of their next records, again and again
//
// Order within a partition is kept both ways: only the next record of each partition is looked at.

import type { Client, ConsumedRecord, Reader, ReaderOptions } from "@varve/client";
import { isDone, type PartitionRange } from "./range.ts";

export interface ReplaySource {
  /** Records of one partition each, in its order. */
  batches(): AsyncIterable<readonly ConsumedRecord[]>;
  /** Offset behind all that was handed out of a partition, and behind what was left out after it. */
  position(partition: number): number | undefined;
  /** Records that the time filter left out. */
  readonly skipped: number;
  close(): Promise<void>;
}

export interface SourceOptions {
  readonly topic: string;
  readonly ranges: readonly PartitionRange[];
  readonly filter: Pick<ReaderOptions, "fromTimeMs" | "toTimeMs">;
  readonly byTime: boolean;
}

/** Received and not yet handed out, over all partitions. */
const prefetchBytes = 8 << 20;

export function openSource(client: Client, { topic, ranges, filter, byTime }: SourceOptions): ReplaySource {
  const wanted = ranges.filter((range) => !isDone(range));
  const options = (some: readonly PartitionRange[], share: number): ReaderOptions => ({
    topic,
    partitions: some.map(({ partition, next, end }) => ({
      partition,
      from: { kind: "offset", offset: next },
      to: end,
    })),
    prefetchBytes: Math.max(64 * 1024, Math.floor(prefetchBytes / share)),
    ...filter,
  });
  if (wanted.length === 0) return nothing;
  if (!byTime) return new AsTheyCome(client.reader(options(wanted, 1)));
  return new ByTime(new Map(wanted.map((range) => [range.partition, client.reader(options([range], wanted.length))])));
}

const nothing: ReplaySource = {
  async *batches() {},
  position: () => undefined,
  skipped: 0,
  close: async () => undefined,
};

class AsTheyCome implements ReplaySource {
  private readonly reader: Reader;

  constructor(reader: Reader) {
    this.reader = reader;
  }

  get skipped(): number {
    return this.reader.skipped;
  }

  batches(): AsyncIterable<readonly ConsumedRecord[]> {
    return this.reader.batches();
  }

  position(partition: number): number | undefined {
    return this.reader.position(partition);
  }

  close(): Promise<void> {
    return this.reader.close();
  }
}

class ByTime implements ReplaySource {
  private readonly readers: ReadonlyMap<number, Reader>;
  private readonly heads = new Map<number, ConsumedRecord>();

  constructor(readers: ReadonlyMap<number, Reader>) {
    this.readers = readers;
  }

  get skipped(): number {
    return [...this.readers.values()].reduce((sum, reader) => sum + reader.skipped, 0);
  }

  async *batches(): AsyncGenerator<readonly ConsumedRecord[]> {
    await Promise.all([...this.readers.keys()].map((partition) => this.advance(partition)));
    for (let oldest = this.oldest(); oldest !== undefined; oldest = this.oldest()) {
      const { partition } = oldest;
      this.heads.delete(partition);
      // Before the record goes out, since position() of what is handed out must not count the one behind it.
      yield [oldest];
      await this.advance(partition);
    }
  }

  position(partition: number): number | undefined {
    return this.heads.get(partition)?.offset ?? this.readers.get(partition)?.position(partition);
  }

  async close(): Promise<void> {
    await Promise.all([...this.readers.values()].map((reader) => reader.close()));
  }

  private async advance(partition: number): Promise<void> {
    const record = await this.readers.get(partition)?.next();
    if (record !== undefined) this.heads.set(partition, record);
  }

  private oldest(): ConsumedRecord | undefined {
    let oldest: ConsumedRecord | undefined;
    for (const head of this.heads.values()) {
      if (oldest === undefined || head.timestampMs < oldest.timestampMs) oldest = head;
    }
    return oldest;
  }
}
