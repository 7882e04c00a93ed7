// SPDX-License-Identifier: Apache-2.0
// The reader: records of one topic in the order of each partition, as an async iterable.
//
//   ListOffsets ──> offsets ──> Consume, at each leader ──> buffer (prefetchBytes) ──> for await
//                                  ^ lost, or the leader changes: again at the next offset
//
// Positions are resolved to offsets once, before the stream is opened, so that a reconnect skips nothing and repeats nothing, and
// "latest-at-start" stays what it was at the start. Beyond prefetchBytes the stream is paused; gRPC then holds the broker back.

import { VarveError, type ConsumedRecord, type ConsumeResponse, type End, type Position } from "@varve/api";
import type { Admin } from "../admin.ts";
import { cancelled, onAbort } from "../call.ts";
import type { Timer } from "../clock.ts";
import type { Connection } from "../connection.ts";
import { checkPlace, checkTime } from "../places.ts";
import { ConsumeCalls } from "./consume-calls.ts";
import { PartitionProgress } from "./partition-progress.ts";
import { resolveRanges, type ReaderPartition } from "./resolve-ranges.ts";

export interface ReaderOptions {
  readonly topic: string;
  /** @default all, also those that the topic is given later (see `partitionsRefreshMs`) */
  readonly partitions?: readonly ReaderPartition[] | undefined;
  /** Where to start. @default earliest */
  readonly from?: Position | undefined;
  /** Where to end, in each partition. @default none: wait for new records */
  readonly to?: End | undefined;
  /** Only records at or after this time, in ms; what is left out counts as skipped. */
  readonly fromTimeMs?: number | undefined;
  /** Only records before this time, in ms. */
  readonly toTimeMs?: number | undefined;
  /** Received and not yet handed out, in bytes; beyond it the broker is held back. @default 4194304 */
  readonly prefetchBytes?: number | undefined;
  /** When the next offset is no longer kept: fail with OFFSET_OUT_OF_RANGE, or go on elsewhere. @default "fail" */
  readonly onOutOfRange?: "fail" | "earliest" | "latest" | undefined;
  /** How long to look for a broker before giving up, in ms. @default 300000 */
  readonly reconnectTimeoutMs?: number | undefined;
  /**
   * How often to look for partitions that were added, in ms; 0: never. Only where all are read and there is no end: an end is
   * meant of the partitions there were. One that was added is read from its first record, whatever `from` says: all of it
   * was written after reading began. @default 30000
   */
  readonly partitionsRefreshMs?: number | undefined;
  /** Ends the reader with CANCELLED. */
  readonly signal?: AbortSignal | undefined;
}

interface Buffered {
  readonly message: ConsumeResponse;
  readonly progress: PartitionProgress;
}

export class Reader implements AsyncIterable<ConsumedRecord> {
  /** Records that the time filter left out so far. */
  skipped = 0;
  readonly topic: string;
  readonly #connection: Connection;
  readonly #admin: Admin;
  readonly #options: ReaderOptions;
  readonly #prefetchBytes: number;
  readonly #calls: ConsumeCalls;
  readonly #partitionsRefreshMs: number;
  readonly #onClosed: (reader: Reader) => void;
  readonly #forgetSignals: () => void;
  readonly #closing = new AbortController();
  #partitions: Map<number, PartitionProgress> | undefined;
  #starting: Promise<Map<number, PartitionProgress>> | undefined;
  #buffer: Buffered[] = [];
  #head = 0;
  /** Next record of the message at the head. */
  #headRecord = 0;
  #bufferedBytes = 0;
  #refreshTimer: Timer | undefined;
  #error: VarveError | undefined;
  #wake: (() => void) | undefined;
  #pausedAll = false;
  #closed = false;

  /** Made by Client.reader(). */
  constructor(connection: Connection, admin: Admin, options: ReaderOptions, onClosed: (reader: Reader) => void) {
    this.#connection = connection;
    this.#admin = admin;
    this.#options = options;
    this.topic = options.topic;
    this.#onClosed = onClosed;
    this.#prefetchBytes = options.prefetchBytes ?? 4 << 20;
    this.#partitionsRefreshMs = options.partitionsRefreshMs ?? 30_000;
    const refuse = (option: string, value: number): VarveError =>
      new VarveError("INVALID_REQUEST", `Cannot read "${options.topic}": ${option} is ${value}`);
    if (!(this.#prefetchBytes >= 1)) throw refuse("prefetchBytes", this.#prefetchBytes);
    if (!(this.#partitionsRefreshMs >= 0)) throw refuse("partitionsRefreshMs", this.#partitionsRefreshMs);
    const { topic, fromTimeMs, toTimeMs, reconnectTimeoutMs = 300_000 } = options;
    checkPlaces(options);
    const request = { fromTimeMs, toTimeMs, maxBufferBytes: Math.min(this.#prefetchBytes, 2 ** 31) };
    this.#calls = new ConsumeCalls(
      connection,
      { topic, request, reconnectTimeoutMs },
      {
        wanted: () => this.#wanted(),
        received: (message) => this.#take(message),
        ended: () => this.#wake?.(),
        outOfRange: () => this.#backInRange(),
        failed: (error) => this.#fail(error),
      },
    );
    this.#forgetSignals =
      options.signal === undefined
        ? () => undefined
        : onAbort([options.signal], (signal) => this.#end(cancelled(signal)));
    if (options.signal?.aborted === true) this.#end(cancelled(options.signal));
  }

  /** The next record of any partition, undefined at the end. Rejects with VarveError. One call at a time. */
  async next(): Promise<ConsumedRecord | undefined> {
    for (;;) {
      const record = this.#takeRecord();
      if (record !== undefined) return record;
      if (!(await this.#more())) return undefined;
    }
  }

  /** Records as they came, many at once: the quick way. Each array is one partition's, in order. */
  async *batches(): AsyncGenerator<readonly ConsumedRecord[], void, undefined> {
    try {
      for (;;) {
        const records = this.#takeMessage();
        if (records !== undefined && records.length > 0) yield records;
        else if (records === undefined && !(await this.#more())) return;
      }
    } finally {
      await this.close();
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<ConsumedRecord, undefined> {
    const ended = { done: true, value: undefined } as const;
    return {
      next: async () => {
        const record = this.#takeRecord() ?? (await this.next());
        return record === undefined ? ended : { done: false, value: record };
      },
      return: async () => {
        await this.close();
        return ended;
      },
    };
  }

  /** Stops handing out records of these partitions, of all when none is named, until resume(). */
  pause(partitions?: readonly number[]): void {
    if (partitions === undefined) {
      this.#pausedAll = true;
      this.#calls.pause();
      return;
    }
    for (const partition of partitions) this.#known(partition).paused = true;
    this.#restart();
  }

  resume(partitions?: readonly number[]): void {
    this.#pausedAll = false;
    const named = partitions?.map((partition) => this.#known(partition)) ?? [...(this.#partitions?.values() ?? [])];
    const changed = named.filter((progress) => progress.paused);
    for (const progress of changed) progress.paused = false;
    if (changed.length > 0) this.#restart();
    else this.#resumeCall();
    this.#wake?.();
  }

  /** Goes on at another position of a partition. Resolves when that is in force. */
  async seek(partition: number, position: Position): Promise<void> {
    checkPlace(`read partition ${partition} of "${this.topic}"`, position);
    await this.#started();
    const progress = this.#known(partition);
    const offset = position.kind === "offset" ? position.offset : await this.#resolve(partition, position);
    progress.seek(offset);
    this.#restart(progress);
  }

  /** Offset of the next record of a partition; undefined before the first call of next(). */
  position(partition: number): number | undefined {
    return this.#partitions?.get(partition)?.position;
  }

  /** First offset that could not be read yet when the broker last spoke of the partition; -1 before. */
  highWatermark(partition: number): number {
    return this.#partitions?.get(partition)?.highWatermark ?? -1;
  }

  /** Ends: next() answers undefined from now on. Idempotent. */
  close(): Promise<void> {
    this.#end(undefined);
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Called by the client when it is closed. */
  destroy(error: VarveError): void {
    this.#end(error);
  }

  #end(error: VarveError | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#error ??= error;
    this.#closing.abort();
    this.#refreshTimer?.cancel();
    this.#calls.close();
    this.#clear();
    this.#forgetSignals();
    this.#wake?.();
    this.#onClosed(this);
  }

  #takeRecord(): ConsumedRecord | undefined {
    while (!this.#pausedAll && this.#head < this.#buffer.length) {
      const { message, progress } = this.#buffer[this.#head]!;
      const record = message.records[this.#headRecord];
      if (record !== undefined) {
        this.#headRecord += 1;
        progress.handOut(1, record.offset + 1);
        return record;
      }
      this.#finishHead(message, progress);
    }
    return undefined;
  }

  #takeMessage(): readonly ConsumedRecord[] | undefined {
    if (this.#pausedAll || this.#head >= this.#buffer.length) return undefined;
    const { message, progress } = this.#buffer[this.#head]!;
    const records = this.#headRecord === 0 ? message.records : message.records.slice(this.#headRecord);
    progress.handOut(records.length, message.nextOffset);
    this.#finishHead(message, progress);
    return records;
  }

  #finishHead(message: ConsumeResponse, progress: PartitionProgress): void {
    progress.handOut(0, message.nextOffset);
    this.skipped += message.skipped;
    this.#bufferedBytes -= message.sizeBytes;
    this.#head += 1;
    this.#headRecord = 0;
    if (this.#head === this.#buffer.length || this.#head > 1024) {
      this.#buffer.splice(0, this.#head);
      this.#head = 0;
    }
    if (this.#calls.isPaused && this.#bufferedBytes < this.#prefetchBytes / 2) this.#resumeCall();
  }

  /** Waits until there is something to hand out. False at the end. */
  async #more(): Promise<boolean> {
    if (this.#closed && this.#error === undefined) return false;
    if (this.#error === undefined && this.#partitions === undefined) {
      await this.#started().catch((error: unknown) => {
        this.#error ??=
          error instanceof VarveError ? error : new VarveError("INTERNAL", String(error), { cause: error });
      });
    }
    if (this.#error !== undefined) {
      const error = this.#error;
      this.#end(error);
      throw error;
    }
    if (this.#closed) return false;
    if (!this.#pausedAll && this.#head < this.#buffer.length) return true;
    if (this.#finished) {
      this.#end(undefined);
      return false;
    }
    if (this.#wake !== undefined)
      throw new VarveError("INVALID_REQUEST", "Cannot read: another next() is waiting already");
    await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
    return true;
  }

  get #finished(): boolean {
    if (this.#head < this.#buffer.length) return false;
    for (const progress of this.#partitions?.values() ?? []) if (!progress.ended) return false;
    return true;
  }

  #started(): Promise<Map<number, PartitionProgress>> {
    const ranges = (): Promise<PartitionProgress[]> =>
      resolveRanges(this.#admin, this.#options, { signal: this.#closing.signal });
    this.#starting ??= Promise.all([ranges(), this.#connection.askLeaders(this.topic)]).then(([partitions]) => {
      this.#partitions = new Map(partitions.map((progress) => [progress.partition, progress]));
      this.#calls.open();
      this.#refreshLater();
      return this.#partitions;
    });
    return this.#starting;
  }

  #refreshLater(): void {
    const { partitions, to } = this.#options;
    const isOpen = partitions === undefined && (to === undefined || to.kind === "none");
    if (!isOpen || this.#partitionsRefreshMs === 0 || this.#closed) return;
    this.#refreshTimer = this.#connection.clock.setTimer(this.#partitionsRefreshMs, () => {
      // What fails now is tried again the next time; a topic that is gone is what the stream finds out.
      void this.#addPartitions()
        .catch(() => undefined)
        .finally(() => this.#refreshLater());
    });
  }

  async #addPartitions(): Promise<void> {
    const position = { kind: "earliest" } as const;
    const rows = await this.#admin.listOffsets({ topic: this.topic, position }, { signal: this.#closing.signal });
    const known = this.#partitions;
    if (known === undefined || this.#closed) return;
    const added = rows.filter(({ partition }) => !known.has(partition));
    for (const { partition, offset } of added) {
      known.set(partition, new PartitionProgress(partition, offset, { kind: "none" }));
    }
    if (added.length > 0) this.#restart();
  }

  #wanted(): PartitionProgress[] {
    return [...(this.#partitions?.values() ?? [])].filter((progress) => progress.wanted);
  }

  #take(message: ConsumeResponse): void {
    const progress = this.#partitions?.get(message.partition);
    if (progress === undefined) return;
    progress.take(message);
    this.#buffer.push({ message, progress });
    this.#bufferedBytes += message.sizeBytes;
    if (this.#bufferedBytes >= this.#prefetchBytes) this.#calls.pause();
    this.#wake?.();
  }

  /** What was received is handed out first: next() looks at the error only when there is nothing left. */
  #fail(error: VarveError): void {
    this.#error ??= error;
    this.#wake?.();
  }

  /** @returns whether it goes on somewhere else */
  #backInRange(): boolean {
    const { onOutOfRange: where = "fail" } = this.#options;
    if (where === "fail") return false;
    const partitions = this.#wanted().map((progress) => progress.partition);
    this.#admin
      .listOffsets({ topic: this.topic, partitions, position: { kind: where } }, { signal: this.#closing.signal })
      .then(
        (rows) => {
          for (const row of rows) {
            const progress = this.#partitions!.get(row.partition);
            const outside =
              progress !== undefined &&
              (progress.received < row.logStartOffset || progress.received > row.logEndOffset);
            if (outside) progress.received = row.offset;
          }
          this.#calls.open();
        },
        (error: unknown) =>
          this.#calls.retryLater(error instanceof VarveError ? error : new VarveError("INTERNAL", String(error))),
      );
    return true;
  }

  /** Opens the calls anew, for what is wanted now. What was received and not handed out comes again. */
  #restart(sought?: PartitionProgress): void {
    this.#calls.drop();
    this.#clear();
    for (const progress of this.#partitions?.values() ?? []) if (progress !== sought) progress.rewind();
    this.#calls.open();
    if (this.#pausedAll) this.#calls.pause();
  }

  #clear(): void {
    this.#buffer = [];
    this.#head = 0;
    this.#headRecord = 0;
    this.#bufferedBytes = 0;
  }

  #resumeCall(): void {
    if (!this.#pausedAll) this.#calls.resume();
  }

  #known(partition: number): PartitionProgress {
    const progress = this.#partitions?.get(partition);
    if (progress !== undefined) return progress;
    throw new VarveError(
      "INVALID_REQUEST",
      `Cannot change partition ${partition}: this reader does not read it, or has not begun`,
    );
  }

  async #resolve(partition: number, position: Position): Promise<number> {
    const control = { signal: this.#closing.signal };
    const rows = await this.#admin.listOffsets({ topic: this.topic, partitions: [partition], position }, control);
    return rows[0]!.offset;
  }
}

function checkPlaces({ topic, partitions = [], from, to, fromTimeMs, toTimeMs }: ReaderOptions): void {
  const action = `read "${topic}"`;
  for (const range of [{ from, to }, ...partitions]) {
    if (typeof range === "number") continue;
    checkPlace(action, range.from);
    checkPlace(action, range.to);
  }
  checkTime(action, fromTimeMs, "fromTimeMs");
  checkTime(action, toTimeMs, "toTimeMs");
}
