// SPDX-License-Identifier: Apache-2.0
// The pump of `produce`: lines in, records out, a bounded number of bytes on their way. The first failed record stops it;
// what had been acknowledged by then is in the summary.
//
//   input ──> lines ──> records ──> producer.send() ──> acknowledged: counted per partition
//                          │              └── waits while more than `inFlightBytesMax` are unanswered
//                          └── bad line: stop, or skip and count

import type { Producer } from "@varve/client";
import { setTimeout as sleep } from "node:timers/promises";
import { CliError, usageError } from "./exit-code.ts";
import { readLines, tooLong } from "./input/lines.ts";
import { delayBeforeMs } from "./input/rate-limit.ts";
import {
  compileLineReader,
  type LineReader,
  type LineReaderOptions,
  type LineRecord,
} from "./input/record-from-line.ts";

export interface SendOptions {
  topic: string;
  partition?: number | undefined;
  /** Each goes to the partition that its line names. */
  samePartition?: boolean | undefined;
  reader: LineReaderOptions;
  skipHeader: boolean;
  skipBadLines: boolean;
  lineBytesMax: number;
  inFlightBytesMax: number;
  /** So long nothing was acknowledged of what is under way: it is told, in ms. @default 5000 */
  stalledMs?: number | undefined;
  ratePerSecond?: number | undefined;
  /** Aborted: read no further, wait for what was sent. */
  signal: AbortSignal;
}

export interface SentPartition {
  partition: number;
  records: number;
  firstOffset: number;
  lastOffset: number;
}

export interface SendSummary {
  records: number;
  /** Bytes of keys and values. */
  bytes: number;
  badLines: number;
  /** The first few complaints about bad lines. */
  complaints: readonly string[];
  partitions: readonly SentPartition[];
  interrupted: boolean;
}

export interface SendProgress {
  /** `inputBytes`: read from the input so far, line ends included. */
  onAcknowledged(records: number, bytes: number, inputBytes: number): void;
  /** Once each time that acknowledgements stop coming. */
  onStalled(records: number): void;
}

const stalledMsDefault = 5_000;

/** Fails with the error of the first record that failed, or a CliError for a bad line. */
export async function sendLines(
  input: AsyncIterable<Uint8Array>,
  producer: Pick<Producer, "send" | "flush">,
  options: SendOptions,
  progress: SendProgress,
): Promise<SendSummary> {
  const pump = new Pump(producer, options, progress);
  try {
    for await (const lines of readLines(input, { lineBytesMax: options.lineBytesMax })) {
      for (const line of lines) {
        if (options.signal.aborted || pump.failed) break;
        await pump.line(line);
      }
      if (options.signal.aborted || pump.failed) break;
    }
    return await pump.finish();
  } finally {
    pump.close();
  }
}

class Pump {
  private readonly producer: Pick<Producer, "send" | "flush">;
  private readonly options: SendOptions;
  private readonly progress: SendProgress;
  private readonly startMs = performance.now();
  private readonly partitions = new Map<number, SentPartition>();
  private readonly complaints: string[] = [];
  /** What a record holds beyond its key and value, roughly: its promise, its headers. */
  private readonly overheadBytes: number;
  private read: LineReader | undefined;
  private lineNumber = 0;
  private inputBytes = 0;
  private sent = 0;
  private records = 0;
  private bytes = 0;
  private badLines = 0;
  private inFlight = 0;
  private inFlightBytes = 0;
  private failure: { error: unknown } | undefined;
  private wake: (() => void) | undefined;
  /** Runs while something is under way; anew with each acknowledgement. */
  private stalled: NodeJS.Timeout | undefined;

  constructor(producer: Pick<Producer, "send" | "flush">, options: SendOptions, progress: SendProgress) {
    this.producer = producer;
    this.options = options;
    this.progress = progress;
    const headers = options.reader.headers ?? [];
    this.overheadBytes = headers.reduce((sum, { key, value }) => sum + key.length * 3 + (value?.length ?? 0) + 16, 256);
    if (!options.skipHeader) this.read = compile(options.reader);
  }

  get failed(): boolean {
    return this.failure !== undefined;
  }

  async line(line: Uint8Array | typeof tooLong): Promise<void> {
    this.lineNumber += 1;
    if (line === tooLong) {
      const { lineBytesMax } = this.options;
      this.refuse(
        `it is longer than ${lineBytesMax} bytes; raise --max-line-bytes, or check that the input has line ends`,
      );
      return;
    }
    this.inputBytes += line.length + 1;
    if (this.read === undefined) {
      this.read = compile({ ...this.options.reader, headerLine: line });
      return;
    }
    const outcome = this.read(line);
    if (outcome.kind === "bad-line") return this.refuse(outcome.message);
    const { ratePerSecond, signal } = this.options;
    if (ratePerSecond !== undefined) {
      const delayMs = delayBeforeMs(this.sent, performance.now() - this.startMs, ratePerSecond);
      // An interrupt ends the wait; the caller looks at the signal.
      if (delayMs >= 1) await sleep(delayMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
    }
    this.send(outcome.record);
    while (this.inFlightBytes > this.options.inFlightBytesMax && this.failure === undefined) await this.settled();
  }

  async finish(): Promise<SendSummary> {
    const flushed = this.producer.flush();
    // A failed record is reported by its own promise, with the same error.
    await flushed.catch((error: unknown) => (this.failure ??= { error }));
    while (this.inFlight > 0) await this.settled();
    if (this.failure !== undefined) throw this.failure.error;
    return {
      records: this.records,
      bytes: this.bytes,
      badLines: this.badLines,
      complaints: this.complaints,
      partitions: [...this.partitions.values()].sort((a, b) => a.partition - b.partition),
      interrupted: this.options.signal.aborted,
    };
  }

  close(): void {
    clearTimeout(this.stalled);
  }

  private send(record: LineRecord): void {
    if (this.inFlight === 0) this.watch();
    const { topic, samePartition } = this.options;
    const partition = samePartition === true ? record.partition : this.options.partition;
    const bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0);
    const held = bytes + this.overheadBytes;
    this.sent += 1;
    this.inFlight += 1;
    this.inFlightBytes += held;
    const { key, value, headers, timestampMs } = record;
    this.producer
      .send({
        topic,
        key,
        value,
        headers,
        ...(timestampMs === undefined ? {} : { timestampMs }),
        ...(partition === undefined ? {} : { partition }),
      })
      .then(
        (ack) => {
          this.records += 1;
          this.bytes += bytes;
          this.count(ack.partition, ack.offset);
          this.stalled?.refresh();
          this.progress.onAcknowledged(1, bytes, this.inputBytes);
        },
        (error: unknown) => (this.failure ??= { error }),
      )
      .finally(() => {
        this.inFlight -= 1;
        this.inFlightBytes -= held;
        if (this.inFlight === 0) this.close();
        this.wake?.();
      });
  }

  private watch(): void {
    const { stalledMs = stalledMsDefault } = this.options;
    this.stalled = setTimeout(() => this.progress.onStalled(this.inFlight), stalledMs);
  }

  private count(partition: number, offset: number): void {
    const seen = this.partitions.get(partition);
    if (seen === undefined)
      this.partitions.set(partition, { partition, records: 1, firstOffset: offset, lastOffset: offset });
    else {
      seen.records += 1;
      // -1: acks none, nobody knows.
      seen.firstOffset = Math.min(seen.firstOffset, offset);
      seen.lastOffset = Math.max(seen.lastOffset, offset);
    }
  }

  private refuse(message: string): void {
    this.badLines += 1;
    const complaint = `line ${this.lineNumber}: ${message}`;
    if (this.complaints.length < 5) this.complaints.push(complaint);
    // Without the header line nobody can say what the others mean.
    if (this.options.skipBadLines && this.read !== undefined) return;
    this.failure ??= {
      error: new CliError("failed", `Cannot send ${complaint}`, {
        advice: [
          "Go on behind such lines with --bad-lines skip, or change the options:",
          "varve produce --help shows where keys and times may come from",
        ],
      }),
    };
  }

  private async settled(): Promise<void> {
    await new Promise<void>((resolve) => (this.wake = resolve));
    this.wake = undefined;
  }
}

/** @throws CliError with code `usage` */
export function checkReaderOptions(options: Pick<SendOptions, "reader" | "skipHeader">): void {
  compile({ ...options.reader, ...(options.skipHeader ? { headerLine: "later" } : {}) });
}

function compile(options: LineReaderOptions): LineReader {
  const compiled = compileLineReader(options);
  if (compiled.kind === "bad-options") throw usageError(compiled.message);
  return compiled.read;
}
