// A steady load of idempotent producers on one topic, acks=all, that knows every acknowledgement; a reader that reads all the time;
// and what must be true of both.
//
//     keys by partition ──send──> acknowledged: number -> partition, offset
//     reader, from the first record ──> seen[partition][offset] = number
//
// Invariants, each a violation when it fails
// - What is acknowledged is seen at the offset of its acknowledgement, unchanged.
// - The numbers of a partition are seen in the order in which they were sent, at offsets without a gap, none twice.
// - What was seen is still there when everything is read again.

import { connect, type Client, type ConsumedRecord, type Producer, type Reader, VarveError } from "@varve/client";
import { partitionForKey } from "@varve/format";
import { until } from "./until.ts";

export interface LedgerOptions {
  /** The one address that its clients know. */
  readonly address: string;
  readonly topic: string;
  readonly partitions: number;
}

interface Acknowledged {
  readonly partition: number;
  readonly offset: number;
}

/** Between two sends to each partition. */
const tickMs = 10;
const recordsPerTick = 2;
/** Unacknowledged, for each partition. */
const windowRecords = 60;
/** More would only repeat the story. */
const violationsMax = 50;

export class Ledger {
  readonly violations: string[] = [];
  /** Sends that were rejected, as the client said it. */
  readonly rejected: string[] = [];
  readonly client: Client;
  readonly topic: string;
  readonly #partitions: number;
  readonly #producer: Producer;
  readonly #reader: Reader;
  readonly #keys: string[][];
  /** By partition and offset: the number there. */
  readonly #seen: number[][];
  readonly #acknowledged = new Map<number, Acknowledged>();
  /** Of unknown fate: they may be there. */
  readonly #unknown = new Set<number>();
  /** Not looked up among the seen yet. */
  #unchecked: number[] = [];
  readonly #underWay: number[];
  readonly #acks: number[];
  readonly #lastAckMs: number[];
  #longestGapMs = 0;
  #next = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #reading: Promise<void>;

  private constructor(client: Client, { topic, partitions }: LedgerOptions) {
    this.client = client;
    this.topic = topic;
    this.#partitions = partitions;
    this.#keys = keysOf(partitions);
    this.#seen = Array.from({ length: partitions }, () => []);
    this.#underWay = Array.from({ length: partitions }, () => 0);
    this.#acks = Array.from({ length: partitions }, () => 0);
    this.#lastAckMs = Array.from({ length: partitions }, () => performance.now());
    this.#producer = client.producer({ acks: "all", idempotent: true, batchBytes: 8_192 });
    this.#reader = client.reader({ topic, from: { kind: "earliest" } });
    this.#reading = this.#read();
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  /** Makes the topic, with three replicas, and begins. */
  static async start(options: LedgerOptions): Promise<Ledger> {
    const client = await connect({ address: options.address });
    const { topic, partitions } = options;
    await client.admin.createTopic({ topic, partitions, replicationFactor: 3 });
    return new Ledger(client, options);
  }

  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  get seen(): number {
    return this.#seen.reduce((sum, offsets) => sum + offsets.length, 0);
  }

  /** The longest time since the last call in which a partition had no acknowledgement, in ms. */
  takeLongestGapMs(): number {
    const nowMs = performance.now();
    const gapMs = Math.max(this.#longestGapMs, ...this.#lastAckMs.map((lastMs) => nowMs - lastMs));
    this.#longestGapMs = 0;
    this.#lastAckMs.fill(nowMs);
    return gapMs;
  }

  /** Until every partition has `count` acknowledgements more than now, and the reader has seen all that is acknowledged by then. */
  async more(count: number, deadlineMs = 60_000): Promise<void> {
    const wanted = this.#acks.map((acks) => acks + count);
    await until(
      `${count} more acknowledgements of each partition`,
      () => this.#acks.every((acks, partition) => acks >= (wanted[partition] ?? 0)),
      deadlineMs,
    );
    await this.#checkSeen(deadlineMs);
  }

  /** No more records; until what is under way is settled, and seen. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#producer.close();
    await this.#checkSeen(60_000);
    await this.#reader.close();
    await this.#reading;
  }

  /** Ends it, whatever its state. */
  destroy(): void {
    clearInterval(this.#timer);
    this.client.destroy();
  }

  /** Reads everything again, through the node at `address`: what was seen is there, and nothing twice. */
  async verifyAt(address: string): Promise<void> {
    const client = await connect({ address });
    try {
      const numbers = new Set<number>();
      const again: number[][] = this.#seen.map(() => []);
      for await (const record of client.reader({ topic: this.topic, to: { kind: "latest-at-start" } })) {
        const number = this.#numberIn(record);
        if (numbers.has(number)) this.#violated(`${number} is there twice, again ${where(record)}`);
        numbers.add(number);
        again[record.partition]?.push(number);
      }
      for (const [partition, seen] of this.#seen.entries()) {
        const found = again[partition] ?? [];
        const lost = seen.findIndex((number, offset) => found[offset] !== number);
        if (lost < 0) continue;
        const now = found[lost] ?? "nothing";
        this.#violated(`A reader saw ${seen[lost]} at ${partition}/${lost}; through ${address} there is ${now}`);
      }
      for (const [number, { partition, offset }] of this.#acknowledged) {
        if (again[partition]?.[offset] === number) continue;
        this.#violated(`${number}, acknowledged at ${partition}/${offset}, is not there through ${address}`);
      }
      for (const number of numbers) {
        if (this.#acknowledged.has(number) || this.#unknown.has(number)) continue;
        this.#violated(`${number} was refused, and is there all the same`);
      }
    } finally {
      await client.close();
    }
  }

  #tick(): void {
    for (let partition = 0; partition < this.#partitions; partition += 1) {
      for (let count = 0; count < recordsPerTick && (this.#underWay[partition] ?? 0) < windowRecords; count += 1) {
        void this.#send(partition);
      }
    }
  }

  async #send(partition: number): Promise<void> {
    const number = this.#next++;
    const keys = this.#keys[partition] ?? [];
    const { topic } = this;
    this.#underWay[partition] = (this.#underWay[partition] ?? 0) + 1;
    try {
      const ack = await this.#producer.send({ topic, key: keys[number % keys.length] ?? "", value: valueOf(number) });
      if (ack.partition !== partition) this.#violated(`${number} went to partition ${ack.partition}, not ${partition}`);
      this.#acknowledgedAt(number, { partition, offset: ack.offset });
    } catch (error) {
      this.rejected.push(String(error));
      if (error instanceof VarveError && error.reason === "UNKNOWN_OUTCOME") this.#unknown.add(number);
    } finally {
      this.#underWay[partition] = (this.#underWay[partition] ?? 1) - 1;
    }
  }

  #acknowledgedAt(number: number, at: Acknowledged): void {
    const { partition } = at;
    this.#acknowledged.set(number, at);
    this.#unchecked.push(number);
    this.#acks[partition] = (this.#acks[partition] ?? 0) + 1;
    const nowMs = performance.now();
    this.#longestGapMs = Math.max(this.#longestGapMs, nowMs - (this.#lastAckMs[partition] ?? nowMs));
    this.#lastAckMs[partition] = nowMs;
  }

  async #read(): Promise<void> {
    try {
      for await (const record of this.#reader) this.#see(record);
    } catch (error) {
      if (this.#timer !== undefined) this.#violated(`The reader gave up: ${String(error)}`);
    }
  }

  #see(record: ConsumedRecord): void {
    const offsets = this.#seen[record.partition] ?? [];
    const number = this.#numberIn(record);
    if (record.offset !== offsets.length) {
      this.#violated(`The reader was at ${record.partition}/${offsets.length} and got ${where(record)}`);
    }
    const before = offsets.at(-1) ?? -1;
    if (number <= before) this.#violated(`${number} follows ${before} ${where(record)}`);
    offsets[record.offset] = number;
  }

  /** What is acknowledged now is seen, where the acknowledgement says. */
  async #checkSeen(deadlineMs: number): Promise<void> {
    const numbers = this.#unchecked;
    this.#unchecked = [];
    const isSeen = (number: number): boolean => {
      const { partition, offset } = this.#acknowledged.get(number) as Acknowledged;
      return offset < (this.#seen[partition]?.length ?? 0);
    };
    await until("the reader has seen what is acknowledged", () => numbers.every(isSeen), deadlineMs);
    for (const number of numbers) {
      const { partition, offset } = this.#acknowledged.get(number) as Acknowledged;
      const there = this.#seen[partition]?.[offset];
      if (there !== number) this.#violated(`${number} was acknowledged at ${partition}/${offset}, where ${there} is`);
    }
  }

  #numberIn(record: ConsumedRecord): number {
    const text = Buffer.from(record.value ?? []).toString();
    const number = Number.parseInt(text, 10);
    if (text !== valueOf(number)) this.#violated(`A value is changed ${where(record)}: "${text.slice(0, 40)}"`);
    return number;
  }

  #violated(what: string): void {
    if (this.violations.length < violationsMax) this.violations.push(what);
  }
}

/** Of different lengths, and told by its number alone. */
function valueOf(number: number): string {
  return `${number}:${"varve ".repeat((number * 7) % 40)}`;
}

function where({ partition, offset }: ConsumedRecord): string {
  return `at ${partition}/${offset}`;
}

/** A few keys of each partition. */
function keysOf(partitions: number): string[][] {
  const keys: string[][] = Array.from({ length: partitions }, () => []);
  for (let number = 0; keys.some((of) => of.length < 5); number += 1) {
    const key = `key-${number}`;
    keys[partitionForKey(Buffer.from(key), partitions)]?.push(key);
  }
  return keys;
}
