// SPDX-License-Identifier: Apache-2.0
// The producer: gathers records into batches, one lane for each partition, and sends them over one ProduceStream for each node: to the
// partition's leader, where that is in reach.
//
//   send() ─> lane.open ──full, or lingerMs, or nothing in flight──> lane.queue ──> ProduceStream ──> promises
//
// A lane changes its node only while nothing of it is in flight. A node that has been silent with batches under way is asked whether
// it is there; if not, or if it leads no more, its batches go to whoever leads now, under the same sequences.
//
// Bounded: `bufferBytes` of unacknowledged records (send() then rejects with BUSY; ready() asks for a pause long before), 5
// batches in flight for each partition, `deliveryTimeoutMs` for each record.

import { VarveError, type Acks, type ProduceOutcome } from "@varve/api";
import {
  messageBytesMax,
  producerBatchesRemembered,
  type Codec,
  type RecordHeader,
  type RecordInput,
} from "@varve/format";
import { backoffMs } from "../backoff.ts";
import { cancelled, onAbort } from "../call.ts";
import type { Timer } from "../clock.ts";
import type { Connection, Node } from "../connection.ts";
import { Batch } from "./batch.ts";
import { hintIn } from "./leader-hint.ts";
import { PartitionLane, type LaneNeed } from "./partition-lane.ts";
import { ProduceStream } from "./produce-stream.ts";
import { readyBytesOf } from "./ready-bytes.ts";
import { toBytes, type RecordAck, type SendRecord } from "./record.ts";
import { TopicPartitions } from "./topic-partitions.ts";

export interface ProducerOptions {
  /** What an acknowledgement waits for. @default "all" */
  readonly acks?: Acks | undefined;
  /** @default "none" */
  readonly codec?: Codec | undefined;
  /** A batch is sent when it has this size, in bytes. @default 65536 */
  readonly batchBytes?: number | undefined;
  /**
   * Longest wait for company while the partition has batches in flight, in ms; otherwise a turn of the event loop. While the node has 32
   * requests under way: until those of the partition are answered. @default 5
   */
  readonly lingerMs?: number | undefined;
  /**
   * Unacknowledged records from which on send() refuses, in bytes; ready() asks for a pause from a quarter of it on, with more
   * than 100 partitions from 80 KiB for each on, if that is more, up to three quarters. A record counts 500 more than it has. @default 33554432
   */
  readonly bufferBytes?: number | undefined;
  /** Longest time from send() to the acknowledgement, in ms. @default 120000 */
  readonly deliveryTimeoutMs?: number | undefined;
  /** Retries store nothing twice and keep the order. @default true */
  readonly idempotent?: boolean | undefined;
  /** Batches in flight for each partition, 1 to 5. @default 5 */
  readonly inFlightMax?: number | undefined;
}

export interface SendControl {
  /** Rejects the promise with CANCELLED; a record that is in a batch by then may still be written. */
  readonly signal?: AbortSignal | undefined;
}

/** What a record counts beyond its key, value and headers: its promise and the callbacks of that. */
const recordOverheadBytes = 500;
/** Requests under way to a node from which on a partition sends one at a time: a small batch costs a node as much as a large one. */
const crowdedRequests = 32;
/** Room for the envelope of a request. */
const recordBytesCeiling = messageBytesMax - 64 * 1024;
/** A node that leaves batches without an answer for so long is asked whether it is there. */
const silenceMs = 1_000;
const silenceCheckMs = 500;
/** How long a topic's number of partitions is believed. */
const partitionCountAgeMs = 300_000;

interface Parked {
  readonly input: RecordInput;
  readonly resolve: (ack: RecordAck) => void;
  readonly reject: (error: VarveError) => void;
  readonly sizeBytes: number;
}

interface Topic {
  partitions: TopicPartitions | undefined;
  asking: Promise<void> | undefined;
  readonly lanes: Map<number, PartitionLane>;
  /** Records that wait for the number of partitions. */
  parked: Parked[];
}

interface Sent {
  readonly lane: PartitionLane;
  readonly batch: Batch;
  readonly sentMs: number;
  /** Of the leader that was known then. */
  readonly leaderEpoch: number;
}

interface Way {
  readonly stream: ProduceStream<Sent>;
  lastAnswerMs: number;
  /** It is being asked whether it is still there. */
  isAsked: boolean;
}

export class Producer {
  readonly #connection: Connection;
  readonly #acks: Acks;
  readonly #codec: Codec;
  readonly #batchBytes: number;
  readonly #lingerMs: number;
  readonly #bufferBytes: number;
  readonly #deliveryTimeoutMs: number;
  readonly #laneOptions: { idempotent: boolean; inFlightMax: number };
  readonly #onClosed: (producer: Producer) => void;
  readonly #topics = new Map<string, Topic>();
  readonly #unsettled = new Set<Batch>();
  /** Lanes whose open batch goes out at the end of the turn. */
  #due = new Set<PartitionLane>();
  /** Lanes whose open batch waits for company. */
  readonly #lingering = new Set<PartitionLane>();
  /** Lanes that have something to send when the stream can take it. */
  readonly #blocked = new Set<PartitionLane>();
  #lingerTimer: Timer | undefined;
  #expiryTimer: Timer | undefined;
  readonly #backoffTimers = new Set<Timer>();
  readonly #ways = new Map<Node, Way>();
  #silenceTimer: Timer | undefined;
  #bufferedBytes = 0;
  #readyBytes: number;
  #laneCount = 0;
  #roomWaiters: (() => void)[] = [];
  #closing: Promise<void> | undefined;
  #destroyed: VarveError | undefined;

  /** Made by Client.producer(). */
  constructor(connection: Connection, options: ProducerOptions, onClosed: (producer: Producer) => void) {
    this.#connection = connection;
    this.#onClosed = onClosed;
    this.#acks = options.acks ?? "all";
    this.#codec = options.codec ?? "none";
    this.#batchBytes = within("batchBytes", options.batchBytes ?? 64 * 1024, 1, recordBytesCeiling);
    this.#lingerMs = within("lingerMs", options.lingerMs ?? 5, 0, 60_000);
    this.#bufferBytes = within("bufferBytes", options.bufferBytes ?? 32 << 20, 1024, 2 ** 40);
    this.#readyBytes = readyBytesOf(this.#bufferBytes, 0);
    this.#deliveryTimeoutMs = within("deliveryTimeoutMs", options.deliveryTimeoutMs ?? 120_000, 1, 2 ** 31 - 1);
    const inFlightMax = within("inFlightMax", options.inFlightMax ?? 5, 1, producerBatchesRemembered);
    this.#laneOptions = { idempotent: options.idempotent ?? true, inFlightMax };
  }

  /** Unacknowledged records, in bytes. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /**
   * Whether to go on sending: undefined when yes, else a promise; ask again when it resolves. Who asks before every send() is never
   * refused with BUSY.
   */
  ready(): Promise<void> | undefined {
    if (this.#bufferedBytes < this.#readyBytes || this.#destroyed !== undefined) return undefined;
    return new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  /**
   * Sends a record. Resolves when it has reached the level of `acks`; rejects with VarveError, BUSY at once when the buffer is full.
   * Records of one partition are written in the order of the calls.
   */
  send(record: SendRecord, control?: SendControl): Promise<RecordAck> {
    const signal = control?.signal;
    if (signal?.aborted === true) return Promise.reject(cancelled(signal));
    try {
      const sent = this.#accept(record);
      return signal === undefined ? sent : unlessAborted(sent, signal);
    } catch (error) {
      // A record of wrong types, from a caller without a type check: a promise is what send() gives, always.
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Sends what waits for company, and resolves when every record sent so far is settled, well or not. */
  async flush(): Promise<void> {
    for (const topic of this.#topics.values()) await topic.asking;
    for (const topic of this.#topics.values()) for (const lane of topic.lanes.values()) this.#closeBatch(lane);
    await Promise.all([...this.#unsettled].map((batch) => new Promise<void>((resolve) => batch.onSettled(resolve))));
  }

  /** Takes no more records, flushes, ends. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.flush();
      this.destroy(new VarveError("CLIENT_CLOSED", "The producer is closed"));
    })();
    return this.#closing;
  }

  /** Ends now: what is not acknowledged is rejected with `error`. */
  destroy(error: VarveError): void {
    if (this.#destroyed !== undefined) return;
    this.#destroyed = error;
    const clean = this.#unsettled.size === 0;
    this.#lingerTimer?.cancel();
    this.#expiryTimer?.cancel();
    this.#silenceTimer?.cancel();
    for (const timer of this.#backoffTimers) timer.cancel();
    for (const topic of this.#topics.values()) {
      this.#rejectParked(topic, error);
      for (const lane of topic.lanes.values()) lane.abandon(error);
    }
    for (const { stream } of this.#ways.values()) {
      if (clean) stream.end();
      else stream.cancel();
    }
    this.#wakeRoomWaiters();
    this.#onClosed(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accept(record: SendRecord): Promise<RecordAck> {
    if (this.#closing !== undefined || this.#destroyed !== undefined) {
      return refused("CLIENT_CLOSED", `Cannot send to topic "${record.topic}": the producer is closed`);
    }
    const key = toBytes(record.key);
    const value = toBytes(record.value);
    const timestampMs = record.timestampMs ?? this.#connection.clock.nowMs();
    if (!Number.isSafeInteger(timestampMs) || timestampMs < 0) {
      return refused(
        "INVALID_REQUEST",
        `Cannot send a record: its timestamp is ${timestampMs}, not a natural number of ms`,
      );
    }
    let sizeBytes = recordOverheadBytes + (key?.length ?? 0) + (value?.length ?? 0);
    let headers: RecordHeader[] | undefined;
    if (record.headers !== undefined && record.headers.length > 0) {
      headers = record.headers.map((header) => ({ key: header.key, value: toBytes(header.value) }));
      for (const header of headers) sizeBytes += header.key.length * 3 + (header.value?.length ?? 0) + 10;
    }
    if (sizeBytes > recordBytesCeiling) {
      const why = `Cannot send a record of ${sizeBytes} bytes: the largest that fits a message is ${recordBytesCeiling}`;
      return refused("MESSAGE_TOO_LARGE", why);
    }
    // The last record may go beyond the limit, so one that is larger than the buffer goes too.
    if (this.#bufferedBytes >= this.#bufferBytes) {
      const why = `Cannot send a record: ${this.#bufferedBytes} bytes wait for their acknowledgement; await ready() before send()`;
      return refused("BUSY", why);
    }
    const input: RecordInput =
      headers === undefined ? { key, value, timestampMs } : { key, value, timestampMs, headers };
    const topic = this.#topic(record.topic);
    const { partition } = record;
    if (partition !== undefined) {
      if (!Number.isInteger(partition) || partition < 0 || partition > 0x7fffffff) {
        return refused("INVALID_REQUEST", `Cannot send a record: its partition is ${partition}`);
      }
      return this.#append(record.topic, topic, partition, input, sizeBytes);
    }
    if (topic.partitions === undefined) {
      this.#bufferedBytes += sizeBytes;
      this.#askPartitions(record.topic, topic);
      return new Promise((resolve, reject) => topic.parked.push({ input, resolve, reject, sizeBytes }));
    }
    return this.#append(record.topic, topic, topic.partitions.choose(key), input, sizeBytes);
  }

  #append(name: string, topic: Topic, partition: number, input: RecordInput, sizeBytes: number): Promise<RecordAck> {
    let lane = topic.lanes.get(partition);
    if (lane === undefined) {
      lane = new PartitionLane(name, partition, this.#laneOptions);
      topic.lanes.set(partition, lane);
      this.#laneCount += 1;
      this.#readyBytes = readyBytesOf(this.#bufferBytes, this.#laneCount);
    }
    if (lane.open !== undefined && lane.open.sizeBytes + sizeBytes > this.#batchBytes) this.#closeBatch(lane);
    const batch = (lane.open ??= this.#openBatch(topic, lane, sizeBytes));
    const sent = batch.append(input);
    batch.bufferedBytes += sizeBytes;
    this.#bufferedBytes += sizeBytes;
    if (batch.sizeBytes >= this.#batchBytes) this.#closeBatch(lane);
    else if (batch.recordCount === 1) this.#schedule(lane);
    return sent;
  }

  #openBatch(topic: Topic, lane: PartitionLane, recordBytes: number): Batch {
    const nowMs = this.#connection.clock.monotonicMs();
    const { partitions } = topic;
    if (partitions !== undefined && nowMs - partitions.askedMs > partitionCountAgeMs) {
      this.#askPartitions(lane.topic, topic);
    }
    const batch = new Batch(nowMs, Math.max(lane.lastBatchBytes, recordBytes) + 1024);
    this.#unsettled.add(batch);
    batch.onSettled(() => {
      this.#unsettled.delete(batch);
      this.#release(batch.bufferedBytes);
    });
    this.#armExpiry();
    return batch;
  }

  #schedule(lane: PartitionLane): void {
    if (lane.busy && this.#lingerMs > 0) {
      this.#lingering.add(lane);
      this.#armLinger(this.#lingerMs);
      return;
    }
    if (this.#due.size === 0) this.#connection.clock.nextTurn(() => this.#closeDue());
    this.#due.add(lane);
  }

  #closeDue(): void {
    const due = this.#due;
    this.#due = new Set();
    for (const lane of due) this.#closeBatch(lane);
  }

  #armLinger(delayMs: number): void {
    this.#lingerTimer ??= this.#connection.clock.setTimer(delayMs, () => {
      this.#lingerTimer = undefined;
      const nowMs = this.#connection.clock.monotonicMs();
      for (const lane of this.#lingering) {
        // Half a millisecond of grace: timers are no more exact.
        if (lane.open !== undefined && nowMs - lane.open.sinceMs < this.#lingerMs - 0.5) continue;
        if (this.#isCrowded(lane)) continue;
        this.#lingering.delete(lane);
        this.#closeBatch(lane);
      }
      if (this.#lingering.size > 0) this.#armLinger(Math.max(1, this.#lingerMs / 2));
    });
  }

  /** The next answer closes the batch. */
  #isCrowded({ inFlight, node }: PartitionLane): boolean {
    const way = node === undefined || inFlight.length === 0 ? undefined : this.#ways.get(node);
    return way !== undefined && way.stream.underWay >= crowdedRequests;
  }

  #closeBatch(lane: PartitionLane): void {
    const batch = lane.open;
    if (batch === undefined) return;
    lane.open = undefined;
    lane.lastBatchBytes = batch.sizeBytes;
    this.#lingering.delete(lane);
    this.#topics.get(lane.topic)?.partitions?.closed(lane.partition);
    lane.queue.push(batch);
    batch.close(this.#codec, () => this.#pump(lane));
  }

  /** Sends what the lane may send. */
  #pump(lane: PartitionLane): void {
    if (this.#destroyed !== undefined) return;
    if (lane.needsProducerId) this.#askProducerId(lane);
    for (let batch = lane.nextToSend(); batch !== undefined; batch = lane.nextToSend()) {
      if (this.#connection.closed) return;
      const { topic, partition } = lane;
      const node = this.#connection.nodeFor(topic, partition);
      // It moves when what is under way is answered: that calls for the next batch too.
      if (lane.inFlight.length > 0 && lane.node !== node) return;
      const { stream } = this.#wayTo(node);
      if (!stream.writable) {
        this.#blocked.add(lane);
        return;
      }
      const sentMs = this.#connection.clock.monotonicMs();
      lane.goTo(node);
      lane.sent(batch, sentMs);
      const leaderEpoch = this.#connection.leaderEpochOf(topic, partition);
      const request = { topic, partition, acks: this.#acks, batch: batch.bytesFor(lane.producer) };
      stream.send({ lane, batch, sentMs, leaderEpoch }, request);
      this.#armSilence();
    }
    this.#blocked.delete(lane);
  }

  #do(lane: PartitionLane, need: LaneNeed): void {
    if (need === "nothing" || this.#destroyed !== undefined) return;
    if (need === "backoff") {
      this.#waitAndPump(lane);
      return;
    }
    if (!lane.busy) this.#closeBatch(lane);
    this.#pump(lane);
  }

  #waitAndPump(lane: PartitionLane): void {
    lane.waits = true;
    const { clock } = this.#connection;
    const timer = clock.setTimer(backoffMs(Math.max(1, lane.failures), clock.random()), () => {
      this.#backoffTimers.delete(timer);
      lane.waits = false;
      this.#pump(lane);
    });
    this.#backoffTimers.add(timer);
  }

  #wayTo(node: Node): Way {
    let way = this.#ways.get(node);
    if (way !== undefined) return way;
    const stream: ProduceStream<Sent> = new ProduceStream<Sent>(node, {
      answered: (sent, outcome) => this.#answered(sent, outcome),
      answeredAll: () => this.#answeredAll(node),
      writable: () => {
        for (const lane of this.#blocked) this.#pump(lane);
      },
      over: (pending, error) => this.#streamOver(stream, pending, error),
    });
    way = { stream, lastAnswerMs: this.#connection.clock.monotonicMs(), isAsked: false };
    this.#ways.set(node, way);
    return way;
  }

  #answered({ lane, batch, leaderEpoch }: Sent, outcome: ProduceOutcome): void {
    if (leaderEpoch >= 0) lane.isKnown = true;
    this.#learnFrom(lane, outcome);
    this.#do(lane, lane.answered(batch, outcome));
  }

  #learnFrom({ topic, partition }: PartitionLane, outcome: ProduceOutcome): void {
    const result = outcome.kind === "response" ? outcome.response.results[0] : undefined;
    const error = outcome.kind === "error" ? outcome.error : result?.error;
    const hint = hintIn(error) ?? result?.leader;
    if (hint !== undefined) this.#connection.learnLeader(topic, partition, hint);
    if (error?.reason === "UNKNOWN_TOPIC" || error?.reason === "UNKNOWN_PARTITION") this.#connection.forgetTopic(topic);
  }

  #answeredAll(node: Node): void {
    const way = this.#ways.get(node);
    if (way !== undefined) way.lastAnswerMs = this.#connection.clock.monotonicMs();
    this.#connection.answered(node);
    this.#wakeRoomWaiters();
  }

  #streamOver(stream: ProduceStream<Sent>, pending: readonly Sent[], error: VarveError | undefined): void {
    if (this.#ways.get(stream.node)?.stream === stream) this.#ways.delete(stream.node);
    if (this.#destroyed !== undefined) return;
    const why = error ?? new VarveError("UNREACHABLE", "The broker ended the stream");
    if (why.reason === "UNREACHABLE") this.#connection.unreachable(stream.node);
    const { reason, message, metadata } = why;
    const refusal = { reason, message, metadata, retriable: false };
    for (const { lane, batch } of pending) {
      const refused = reason === "UNSUPPORTED";
      this.#do(lane, refused ? lane.answered(batch, { kind: "error", error: refusal }) : lane.lost(batch, why));
    }
    for (const lane of this.#blocked) this.#pump(lane);
  }

  #armSilence(): void {
    this.#silenceTimer ??= this.#connection.clock.setTimer(silenceCheckMs, () => {
      this.#silenceTimer = undefined;
      const beforeMs = this.#connection.clock.monotonicMs() - silenceMs;
      let isWaiting = false;
      for (const way of this.#ways.values()) {
        const { oldest } = way.stream;
        if (oldest === undefined) continue;
        isWaiting = true;
        if (!way.isAsked && oldest.sentMs < beforeMs && way.lastAnswerMs < beforeMs) void this.#askIfThere(way, oldest);
      }
      if (isWaiting) this.#armSilence();
    });
  }

  /** What was sent to a node that is not there, or no longer leads, is sent again to whoever leads now. */
  async #askIfThere(way: Way, { lane }: Sent): Promise<void> {
    const { stream } = way;
    way.isAsked = true;
    const isThere = await this.#connection.stillAnswers(stream.node, lane.topic);
    way.isAsked = false;
    const hasMoved = ({ lane: { topic, partition }, leaderEpoch }: Sent): boolean =>
      leaderEpoch >= 0 && this.#connection.leaderEpochOf(topic, partition) > leaderEpoch;
    if (!isThere)
      stream.giveUp(new VarveError("UNREACHABLE", `The broker at "${stream.node.address}" does not answer`));
    else if (stream.pending.some(hasMoved)) {
      stream.giveUp(new VarveError("NOT_LEADER", `The broker at "${stream.node.address}" leads the partition no more`));
    }
  }

  #askProducerId(lane: PartitionLane): void {
    lane.awaitsProducerId = true;
    const timeoutMs = this.#deliveryTimeoutMs;
    this.#connection
      .retrying(({ log }) => log.InitProducer.bind(log, {}), { timeoutMs })
      .then(
        ({ producerId, producerEpoch }) => {
          lane.awaitsProducerId = false;
          lane.producer = { producerId, producerEpoch };
          this.#pump(lane);
        },
        (error: unknown) => {
          lane.awaitsProducerId = false;
          lane.abandon(
            error instanceof VarveError ? error : new VarveError("INTERNAL", String(error), { cause: error }),
          );
        },
      );
  }

  #askPartitions(name: string, topic: Topic): void {
    if (topic.asking !== undefined) return;
    const { clock } = this.#connection;
    const timeoutMs = this.#deliveryTimeoutMs;
    topic.asking = this.#connection
      .retrying(({ admin }) => admin.DescribeTopic.bind(admin, { topic: name }), { timeoutMs })
      .then((response) => {
        topic.asking = undefined;
        const count = response.topic?.partitions.length ?? 0;
        if (response.topic !== null) this.#connection.learnTopic(name, response.topic);
        if (count === 0) throw new VarveError("INTERNAL", `Cannot send to topic "${name}": it has no partitions`);
        if (topic.partitions === undefined)
          topic.partitions = new TopicPartitions(count, clock.monotonicMs(), clock.random());
        else {
          topic.partitions.count = count;
          topic.partitions.askedMs = clock.monotonicMs();
        }
        this.#unpark(name, topic, topic.partitions);
      })
      .catch((error: unknown) => {
        topic.asking = undefined;
        const why = error instanceof VarveError ? error : new VarveError("INTERNAL", String(error), { cause: error });
        // A topic that is known already keeps its number of partitions; the broker says so when it is gone.
        if (topic.partitions === undefined) this.#rejectParked(topic, why);
        else topic.partitions.askedMs = clock.monotonicMs();
      });
  }

  #unpark(name: string, topic: Topic, partitions: TopicPartitions): void {
    const parked = topic.parked;
    topic.parked = [];
    for (const { input, resolve, reject, sizeBytes } of parked) {
      this.#bufferedBytes -= sizeBytes;
      this.#append(name, topic, partitions.choose(input.key ?? null), input, sizeBytes).then(resolve, reject);
    }
  }

  #rejectParked(topic: Topic, error: VarveError): void {
    const parked = topic.parked;
    topic.parked = [];
    for (const { reject, sizeBytes } of parked) {
      this.#release(sizeBytes);
      reject(error);
    }
    this.#wakeRoomWaiters();
  }

  #armExpiry(): void {
    this.#expiryTimer ??= this.#connection.clock.setTimer(Math.min(1000, this.#deliveryTimeoutMs / 4), () => {
      this.#expiryTimer = undefined;
      const beforeMs = this.#connection.clock.monotonicMs() - this.#deliveryTimeoutMs;
      for (const topic of this.#topics.values()) {
        for (const lane of topic.lanes.values()) if (lane.busy) this.#do(lane, lane.expire(beforeMs));
      }
      this.#wakeRoomWaiters();
      if (this.#unsettled.size > 0) this.#armExpiry();
    });
  }

  #topic(name: string): Topic {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      topic = { partitions: undefined, asking: undefined, lanes: new Map(), parked: [] };
      this.#topics.set(name, topic);
    }
    return topic;
  }

  #release(bytes: number): void {
    this.#bufferedBytes -= bytes;
  }

  #wakeRoomWaiters(): void {
    if (this.#roomWaiters.length === 0) return;
    if (this.#bufferedBytes >= this.#readyBytes && this.#destroyed === undefined) return;
    const waiters = this.#roomWaiters;
    this.#roomWaiters = [];
    for (const wake of waiters) wake();
  }
}

function within(name: string, value: number, least: number, most: number): number {
  if (value >= least && value <= most) return value;
  throw invalid(`Cannot make a producer: ${name} is ${value}, not ${least} to ${most}`);
}

/** `sent`, unless the signal is aborted before it is settled. */
function unlessAborted(sent: Promise<RecordAck>, signal: AbortSignal): Promise<RecordAck> {
  return new Promise((resolve, reject) => {
    const forget = onAbort([signal], () => reject(cancelled(signal)));
    sent.then(resolve, reject).finally(forget);
  });
}

function refused(
  reason: "CLIENT_CLOSED" | "INVALID_REQUEST" | "MESSAGE_TOO_LARGE" | "BUSY",
  message: string,
): Promise<never> {
  return Promise.reject(new VarveError(reason, message));
}

function invalid(message: string): VarveError {
  return new VarveError("INVALID_REQUEST", message);
}
