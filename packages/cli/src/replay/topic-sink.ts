// SPDX-License-Identifier: Apache-2.0
// Into a topic, through an idempotent producer: a retry stores nothing twice, and each partition keeps the order.

import type { Client, ConsumedRecord, Producer } from "@varve/client";
import type { Codec } from "@varve/format";
import type { Landed } from "./landed.ts";
import type { ReplaySink, SinkState } from "./sink.ts";

export interface TopicSinkOptions {
  readonly topic: string;
  /** The partition it came from, or by its key. */
  readonly partitionBy: PartitionBy;
  readonly codec: Codec;
  /** By partition: the end of the topic when the replay began, or what the state file says. */
  readonly ends: ReadonlyMap<number, number>;
  /** What is there already of a replay that broke off. */
  readonly landed: Landed;
}

export type PartitionBy = "same" | "key";

export class TopicSink implements ReplaySink {
  private readonly options: TopicSinkOptions;
  private readonly producer: Producer;
  private readonly ends: Map<number, number>;
  private failure: { readonly error: unknown } | undefined;

  constructor(client: Client, options: TopicSinkOptions) {
    this.options = options;
    this.ends = new Map(options.ends);
    this.producer = client.producer({ acks: "all", codec: options.codec, idempotent: true, batchBytes: 256 * 1024 });
  }

  write(record: ConsumedRecord): boolean | Promise<boolean> {
    if (this.failure !== undefined) throw this.failure.error;
    const { topic, partitionBy, landed } = this.options;
    if (landed.take(record)) return true;
    const { key, value, headers, timestampMs, partition } = record;
    this.producer
      .send({
        topic,
        key,
        value,
        headers,
        // -1 is no time at all, which no record of a log has by itself: the present one then.
        ...(timestampMs < 0 ? {} : { timestampMs }),
        ...(partitionBy === "same" ? { partition } : {}),
      })
      .then(
        (ack) => {
          if (ack.offset >= (this.ends.get(ack.partition) ?? 0)) this.ends.set(ack.partition, ack.offset + 1);
        },
        (error: unknown) => (this.failure ??= { error }),
      );
    return this.producer.ready()?.then(() => true) ?? true;
  }

  async settle(): Promise<SinkState> {
    await this.producer.flush();
    // The promises of the last records are settled in this turn; their callbacks come behind.
    await new Promise(setImmediate);
    if (this.failure !== undefined) throw this.failure.error;
    // Behind what was there already, so that it is not taken for something of the records to come.
    for (const [partition, end] of this.options.landed.endsMet) {
      this.ends.set(partition, Math.max(end, this.ends.get(partition) ?? 0));
    }
    return { kind: "topic", ends: new Map(this.ends) };
  }

  close(): Promise<void> {
    return this.producer.close();
  }
}
