/**
 * One `Consume` call: pushes the records of some partitions of a topic, at the pace of the reader.
 *
 *     partition 0  ready ──┐
 *     partition 1  parked  │ in turns: read ──> encode ──> [ held for this reader, <= maxBufferBytes ] ──> network
 *     partition 2  done    │
 *     partition 3  ready ──┘
 *
 * A reader that does not take its bytes costs one bounded buffer: nothing is read for it until half of that has left. While
 * all readers of the node together hold too much, each gets one small message at a time: the slow ones cost little, and
 * those that read go on. A partition without data is parked in the heap of its leader; there is no timer here.
 *
 * What lies at another node counts as held from when it is asked for: a partition for which there is no room waits for one of those that
 * are under way. What comes unannounced, to a reader at the end, is given back when there is no room, and asked for again.
 *
 * Invariants
 * - At most one read is under way per stream, and what is held never exceeds `maxBufferBytes` plus one message, with what comes from
 *   other nodes one more.
 * - `#later` has readers only while something is announced: its end calls them.
 * - Records reach the reader in offset order per partition, up to the high watermark (H-7), each once.
 * - The call ends by itself when every partition has reached its end.
 */
import type { ReadResult } from "@varve/log";
import type { ReadWaiter } from "../drivers/partition.ts";
import type { TimingWheel, WheelEntry } from "../drivers/timing-wheel.ts";
import type { ReadSource } from "../drivers/read-source.ts";
import { readFailure, readRefusal } from "../drivers/read-refusal.ts";
import type { Refusal } from "../refusal.ts";
import type { EncodedRead, ReadEncoder } from "./read-encoder.ts";

/** What a session needs of the call. */
export interface ConsumeSink {
  /** `written` is called once the bytes have left for the network; never when the call is over. */
  write(message: Uint8Array, written: () => void): void;
  end(): void;
  fail(refusal: Refusal): void;
}

export interface PartitionPlan {
  leader: ReadSource;
  position: number;
  /** Exclusive; Infinity when there is none. */
  endOffset: number;
  /** Infinity when there is none. */
  countMax: number;
}

/** How fast the reader's group may read. */
export interface ReadRates {
  readonly wheel: TimingWheel;
  /** Undefined: it has no rate. */
  allowance(topicId: string): { readonly waitMs: number; readonly maxBytes: number } | undefined;
  took(records: number, bytes: number): void;
}

/** What all readers of a node hold together. */
export interface ConsumeBudget {
  heldBytes: number;
  readonly bytesMax: number;
}

/** Bytes of one read while the budget is used up. */
const tightReadBytes = 32 * 1024;

export interface ConsumeLimits {
  /** Bytes held for this reader beyond what the network has taken. */
  maxBufferBytes: number;
  /** Bytes of one read. */
  readBytes: number;
}

/** How far one partition of the call is. */
class PartitionReader implements ReadWaiter {
  readonly leader: ReadSource;
  readonly endOffset: number;
  readonly #session: ConsumeSession;
  position: number;
  countLeft: number;
  first = true;
  done = false;
  waitOffset = -1;
  heapIndex = -1;
  /** Of what comes from another node, or has come and waits for its turn. */
  announcedBytes = 0;

  constructor(session: ConsumeSession, plan: PartitionPlan) {
    this.#session = session;
    this.leader = plan.leader;
    this.position = plan.position;
    this.endOffset = plan.endOffset;
    this.countLeft = plan.countMax;
  }

  get atEnd(): boolean {
    return this.position >= this.endOffset || this.countLeft <= 0;
  }

  wake(): void {
    this.#session.ready(this);
  }

  letGo(): void {
    this.#session.comesNot(this);
  }
}

export class ConsumeSession {
  readonly #sink: ConsumeSink;
  readonly #encoder: ReadEncoder;
  readonly #limits: ConsumeLimits;
  readonly #budget: ConsumeBudget;
  readonly #rates: ReadRates | undefined;
  readonly #closed: (session: ConsumeSession) => void;
  readonly #readers: PartitionReader[];
  /** Partitions that may have data, in turns. */
  #ready: PartitionReader[] = [];
  /** Partitions of other nodes that have data, and no room for it here. */
  #later: PartitionReader[] = [];
  #open: number;
  #heldBytes = 0;
  #announcedBytes = 0;
  #allowedBytes = Infinity;
  #pumping = false;
  /** The group has read as much as it may for now. */
  #pause: WheelEntry | undefined;
  #over = false;
  #isGone = false;
  readonly #written: (bytes: number) => void;

  constructor(
    plans: readonly PartitionPlan[],
    dependencies: {
      sink: ConsumeSink;
      encoder: ReadEncoder;
      budget: ConsumeBudget;
      rates?: ReadRates;
      closed: (session: ConsumeSession) => void;
    },
    limits: ConsumeLimits,
  ) {
    this.#sink = dependencies.sink;
    this.#encoder = dependencies.encoder;
    this.#budget = dependencies.budget;
    this.#rates = dependencies.rates;
    this.#closed = dependencies.closed;
    this.#limits = limits;
    this.#readers = plans.map((plan) => new PartitionReader(this, plan));
    this.#open = this.#readers.length;
    this.#written = (bytes) => this.#left(bytes);
  }

  start(): void {
    this.#ready = [...this.#readers];
    if (this.#open === 0) this.#end();
    else this.#pump();
  }

  /** Internal: the partition may have something. */
  ready(reader: PartitionReader): void {
    if (this.#over || reader.done) return;
    const { leader } = reader;
    if (reader.announcedBytes === 0 && !this.#announce(reader, leader.comingBytes ?? 0)) leader.giveBack?.();
    this.#ready.push(reader);
    this.#pump();
  }

  /** Internal: what was announced does not come for now. */
  comesNot(reader: PartitionReader): void {
    if (this.#over) return;
    this.#unannounce(reader);
    this.#pump();
  }

  /** Ends the call with an error, e.g. at shutdown. */
  fail(refusal: Refusal): void {
    if (this.#over) return;
    this.close();
    this.#sink.fail(refusal);
  }

  /** The call is over, for whatever reason. Idempotent. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#ready = [];
    this.#later = [];
    this.#budget.heldBytes -= this.#announcedBytes;
    this.#announcedBytes = 0;
    this.#pause?.cancel();
    for (const reader of this.#readers) reader.leader.stopWaiting(reader);
    this.#closed(this);
  }

  /** The call has no stream any more, so nothing is held for it. Idempotent. */
  gone(): void {
    this.#budget.heldBytes -= this.#heldBytes;
    this.#heldBytes = 0;
    this.#isGone = true;
  }

  get #hasRoom(): boolean {
    return this.#heldBytes < this.#limits.maxBufferBytes && (this.#heldBytes === 0 || !this.#isTight);
  }

  get #isTight(): boolean {
    return this.#budget.heldBytes >= this.#budget.bytesMax;
  }

  #pump(): void {
    if (this.#pumping || this.#pause !== undefined) return;
    this.#pumping = true;
    while (!this.#over && this.#hasRoom) {
      const reader = this.#ready.shift();
      if (reader === undefined) break;
      if (this.#holdsBack(reader)) break;
      const waiting = this.#turn(reader);
      if (waiting !== undefined) {
        waiting.then(
          () => this.#pumpAgain(),
          (error: unknown) => this.#broken(error),
        );
        return;
      }
    }
    this.#pumping = false;
  }

  /** Its turn comes again, once the group may read on. A leader elsewhere sees to that itself. */
  #holdsBack(reader: PartitionReader): boolean {
    this.#allowedBytes = Infinity;
    if (this.#rates === undefined || reader.leader.hint !== undefined || reader.atEnd) return false;
    const allowance = this.#rates.allowance(reader.leader.log.id.topicId);
    this.#allowedBytes = allowance?.maxBytes ?? Infinity;
    if (allowance === undefined || allowance.waitMs === 0) return false;
    this.#ready.unshift(reader);
    this.#pause = this.#rates.wheel.schedule(allowance.waitMs, () => {
      this.#pause = undefined;
      this.#pump();
    });
    return true;
  }

  #pumpAgain(): void {
    this.#pumping = false;
    this.#pump();
  }

  /** One read of one partition. A promise when it needs the disk, or decompression. */
  #turn(reader: PartitionReader): Promise<void> | undefined {
    this.#unannounce(reader);
    const { log, closedBy } = reader.leader;
    if (closedBy !== undefined) {
      this.fail(closedBy);
      return undefined;
    }
    if (reader.atEnd) {
      this.#sendEnd(reader);
      return undefined;
    }
    // Not limited by the end: a batch is never cut, so one that reaches beyond the end would never be found.
    const readBytes = Math.min(this.#limits.readBytes, this.#allowedBytes);
    const maxBytes = this.#isTight ? Math.min(readBytes, tightReadBytes) : readBytes;
    // The encoder copies what it needs, so the bytes are only lent: until the message is there.
    const options = { offset: reader.position, maxBytes, limit: log.highWatermark, lend: true };
    const cached = log.readCached(options);
    if (cached !== undefined) return this.#taken(reader, cached);
    return log.read(options).then((result) => this.#taken(reader, result));
  }

  #taken(reader: PartitionReader, result: ReadResult): Promise<void> | undefined {
    const release = result.kind === "batches" ? result.release : undefined;
    let waiting: Promise<void> | undefined;
    try {
      waiting = this.#encode(reader, result);
      return release === undefined ? waiting : waiting?.finally(release);
    } finally {
      if (waiting === undefined) release?.();
    }
  }

  #encode(reader: PartitionReader, result: ReadResult): Promise<void> | undefined {
    if (this.#over) return undefined;
    if (result.kind === "empty") {
      this.#park(reader);
      return undefined;
    }
    if (result.kind !== "batches") {
      this.fail(readRefusal(reader.leader, reader.position, result));
      return undefined;
    }
    const encoded = this.#encoder.encode({
      leader: reader.leader,
      batches: result.bytes,
      fromOffset: reader.position,
      endOffset: reader.endOffset,
      countMax: reader.countLeft,
      first: reader.first,
    });
    if (encoded instanceof Promise) return encoded.then((done) => this.#send(reader, done));
    this.#send(reader, encoded);
    return undefined;
  }

  #send(reader: PartitionReader, encoded: EncodedRead | Refusal): void {
    if (this.#over) return;
    if ("reason" in encoded) {
      this.fail(encoded);
      return;
    }
    reader.position = encoded.nextOffset;
    reader.countLeft -= encoded.records;
    reader.first = false;
    reader.leader.metrics.fetchRecords += encoded.records;
    reader.leader.metrics.fetchBytes += encoded.message.byteLength;
    if (reader.leader.hint === undefined) this.#rates?.took(encoded.records, encoded.message.byteLength);
    this.#write(encoded.message);
    if (encoded.endReached) this.#finished(reader);
    else this.#ready.push(reader);
  }

  #sendEnd(reader: PartitionReader): void {
    this.#write(this.#encoder.encodeEnd(reader.leader, reader.position, reader.first));
    this.#finished(reader);
  }

  #finished(reader: PartitionReader): void {
    reader.done = true;
    this.#open--;
    if (this.#open === 0) this.#end();
  }

  #park(reader: PartitionReader): void {
    // The first message tells the reader that it is connected, where it stands and who leads, data or not.
    if (reader.first) {
      reader.first = false;
      this.#write(this.#encoder.encodeProgress(reader.leader, reader.position));
    }
    reader.waitOffset = Math.max(reader.position, reader.leader.log.highWatermark) + 1;
    if (this.#announce(reader, reader.leader.comingBytes ?? 0)) reader.leader.waitForRecords(reader);
    else this.#later.push(reader);
  }

  /** Whether there is room for what comes; for one there always is. */
  #announce(reader: PartitionReader, bytes: number): boolean {
    const sum = this.#heldBytes + this.#announcedBytes + bytes;
    const isFull = this.#isTight || sum > this.#limits.maxBufferBytes;
    if (bytes > 0 && this.#announcedBytes > 0 && isFull) return false;
    reader.announcedBytes = bytes;
    this.#announcedBytes += bytes;
    this.#budget.heldBytes += bytes;
    return true;
  }

  #unannounce(reader: PartitionReader): void {
    const bytes = reader.announcedBytes;
    if (bytes === 0) return;
    reader.announcedBytes = 0;
    this.#announcedBytes -= bytes;
    this.#budget.heldBytes -= bytes;
    if (this.#later.length === 0) return;
    const room = this.#limits.maxBufferBytes - this.#heldBytes - this.#announcedBytes;
    const called = Math.max(1, Math.floor(room / this.#limits.readBytes));
    this.#ready.push(...this.#later.splice(0, called));
  }

  #write(message: Uint8Array): void {
    const bytes = message.byteLength;
    this.#heldBytes += bytes;
    this.#budget.heldBytes += bytes;
    this.#sink.write(message, () => this.#written(bytes));
  }

  #left(bytes: number): void {
    if (this.#isGone) return;
    this.#heldBytes -= bytes;
    this.#budget.heldBytes -= bytes;
    if (this.#heldBytes <= this.#limits.maxBufferBytes / 2) this.#pump();
  }

  #end(): void {
    this.close();
    this.#sink.end();
  }

  #broken(error: unknown): void {
    this.#pumping = false;
    const leaders = this.#readers.map(({ leader }) => leader);
    this.fail(readFailure(leaders, error));
  }
}
