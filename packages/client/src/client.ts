// SPDX-License-Identifier: Apache-2.0
// The client: the way to a cluster, and what hangs on it. Closing it closes its consumers, readers and producers.

import type { ChannelCredentials } from "@grpc/grpc-js";
import { errorFromFields, VarveError, type ProduceRequestFields, type ProduceResponse } from "@varve/api";
import { Admin } from "./admin.ts";
import type { CallControl } from "./call.ts";
import { systemClock, type Clock } from "./clock.ts";
import { Connection } from "./connection.ts";
import { Consumer } from "./consumer/consumer.ts";
import type { ConsumerOptions } from "./consumer/consumer-options.ts";
import { Groups } from "./groups.ts";
import { Producer, type ProducerOptions } from "./producer/producer.ts";
import { Reader, type ReaderOptions } from "./reader/reader.ts";

export interface ClientOptions {
  /** `host:port` of a node. Either this or `addresses`. */
  readonly address?: string | undefined;
  /** `host:port` of several nodes of the same cluster; any of them will do. */
  readonly addresses?: readonly string[] | undefined;
  /** @default without TLS */
  readonly credentials?: ChannelCredentials | undefined;
  /** Longest wait for the answer to a call, retries included, in ms. @default 30000 */
  readonly requestTimeoutMs?: number | undefined;
  /** Longest wait for a first answer in connect(), in ms. @default 10000 */
  readonly connectTimeoutMs?: number | undefined;
  /** Time and chance. @default the process's */
  readonly clock?: Clock | undefined;
}

/** A client whose cluster has answered. Rejects with UNREACHABLE when no address does in time. */
export async function connect(options: ClientOptions): Promise<Client> {
  const client = new Client(options);
  try {
    await client.admin.describeCluster({ timeoutMs: options.connectTimeoutMs ?? 10_000 });
    return client;
  } catch (error) {
    await client.close();
    throw error;
  }
}

export class Client {
  readonly admin: Admin;
  readonly groups: Groups;
  readonly #connection: Connection;
  readonly #producers = new Set<Producer>();
  readonly #readers = new Set<Reader>();
  readonly #consumers = new Set<Consumer>();
  #closing: Promise<void> | undefined;

  /** Connects with the first call. */
  constructor(options: ClientOptions) {
    this.#connection = new Connection({
      addresses: options.addresses ?? (options.address === undefined ? [] : [options.address]),
      credentials: options.credentials,
      requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
      clock: options.clock ?? systemClock,
    });
    this.admin = new Admin(this.#connection);
    this.groups = new Groups(this.#connection);
  }

  /** Sends records, many at a time. Close it when done: that flushes. */
  producer(options: ProducerOptions = {}): Producer {
    this.#refuseClosed("make a producer");
    const producer = new Producer(this.#connection, options, (closed) => this.#producers.delete(closed));
    this.#producers.add(producer);
    return producer;
  }

  /** Reads records of one topic. Nothing is asked of a broker before the first record is. */
  reader(options: ReaderOptions): Reader {
    this.#refuseClosed("make a reader");
    const reader = new Reader(this.#connection, this.admin, options, (closed) => this.#readers.delete(closed));
    if (options.signal?.aborted !== true) this.#readers.add(reader);
    return reader;
  }

  /** A member of a group, which shares its topics' partitions. It joins when it is first read. Close it when done: that commits and leaves. */
  consumer(options: ConsumerOptions): Consumer {
    this.#refuseClosed("make a consumer");
    const consumer = new Consumer(this.#connection, this.admin, options, (closed) => this.#consumers.delete(closed));
    if (options.signal?.aborted !== true) this.#consumers.add(consumer);
    return consumer;
  }

  /**
   * One Produce call, not repeated: for conditional appends (`expectedOffset`) and own batches. Rejects when any partition refused;
   * `produceResponse` of the error then says what was carried out.
   */
  async append(request: ProduceRequestFields, control?: CallControl): Promise<ProduceResponse> {
    const response = await this.#connection.once(({ log }) => log.Produce.bind(log, request), control);
    for (const { error } of response.results) {
      if (error !== undefined) throw errorFromFields(error, { produceResponse: response });
    }
    return response;
  }

  /** Closes consumers (they finish what is under way, 10 s at most, and leave), readers, producers (they flush), then the connection. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Ends now: what is under way is rejected with CLIENT_CLOSED. */
  destroy(): void {
    const error = new VarveError("CLIENT_CLOSED", "The client was closed");
    for (const producer of this.#producers) producer.destroy(error);
    for (const reader of this.#readers) reader.destroy(error);
    for (const consumer of this.#consumers) consumer.destroy(error);
    this.#connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#consumers].map((consumer) => consumer.close()));
    await Promise.all([...this.#readers].map((reader) => reader.close()));
    await Promise.all([...this.#producers].map((producer) => producer.close()));
    this.#connection.close();
  }

  #refuseClosed(what: string): void {
    if (this.#closing !== undefined || this.#connection.closed) {
      throw new VarveError("CLIENT_CLOSED", `Cannot ${what}: the client is closed`);
    }
  }
}
