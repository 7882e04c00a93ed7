// SPDX-License-Identifier: Apache-2.0
// Records that could not be handled, in a topic of their own: key, value, headers and time as they were, and headers that say where they
// came from and why.

import { VarveError, type ConsumedRecord } from "@varve/api";
import type { Producer } from "../producer/producer.ts";
import type { Bytes } from "../producer/record.ts";

/** What became of a record before it was put aside. */
export interface DeadLetterCause {
  readonly attempts: number;
  readonly error: unknown;
}

/** More of an error's text is not kept. */
const errorTextMax = 1000;

export class DeadLetters {
  readonly #producer: Producer;
  readonly #topic: string;
  readonly #group: string;

  /** Ends `producer` with itself. */
  constructor(producer: Producer, options: { readonly topic: string; readonly group: string }) {
    this.#producer = producer;
    this.#topic = options.topic;
    this.#group = options.group;
  }

  /** Resolves when it is acknowledged by all. Rejects with VarveError. */
  async send(topic: string, record: ConsumedRecord, { attempts, error }: DeadLetterCause): Promise<void> {
    const { key, value, timestampMs, partition, offset } = record;
    const name = error instanceof Error ? error.name : "Error";
    const text = error instanceof Error ? error.message : String(error);
    const added: Record<string, string> = {
      "varve-dead-letter-topic": topic,
      "varve-dead-letter-partition": String(partition),
      "varve-dead-letter-offset": String(offset),
      "varve-dead-letter-timestamp": String(timestampMs),
      "varve-dead-letter-group": this.#group,
      "varve-dead-letter-attempts": String(attempts),
      "varve-dead-letter-error": `${name}: ${text}`.slice(0, errorTextMax),
    };
    const headers: { key: string; value: Bytes | null }[] = [
      ...record.headers,
      ...Object.entries(added).map(([header, content]) => ({ key: header, value: content })),
    ];
    const time = timestampMs < 0 ? {} : { timestampMs };
    for (;;) {
      const room = this.#producer.ready();
      if (room === undefined) break;
      await room;
    }
    await this.#producer.send({ topic: this.#topic, key, value, headers, ...time });
  }

  /** Ends now: whatever is not acknowledged is no business of the group any more, as its record is not committed. */
  end(): void {
    this.#producer.destroy(new VarveError("CLIENT_CLOSED", "The consumer was closed before it was put aside"));
  }
}
